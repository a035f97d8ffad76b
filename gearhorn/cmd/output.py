"""What the commands that publish and listen say, and how: messages to standard error, results to standard output."""

import argparse
import base64
import logging
import os
import sys
import textwrap
from collections.abc import Mapping

from gearhorn.logs.forms import PlainForm
from gearhorn.logs.journal import is_journal

HELP_COLUMNS = 80


def say(text: str) -> None:
    """One line for the person at the terminal, or the log of whatever runs the command."""
    print(f"gearhorn: {' '.join(text.split())}", file=sys.stderr, flush=True)


def say_log_plainly() -> None:
    """Log lines look like all other messages: the clock and the module are for services. After `read_config`."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(PlainForm("gearhorn: ", is_journal(sys.stderr)))


def write_all(descriptor: int, data: bytes) -> None:
    """At once, and without a buffer in which something could be left. Waits where the reader is slow."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def data_fields(key: str, data: bytes) -> dict[str, str]:
    """Bytes as keys of a JSON object: text as it is, and else in base64, with `encoding` beside it."""
    try:
        return {key: data.decode()}
    except UnicodeDecodeError:
        return {key: base64.b64encode(data).decode(), "encoding": "base64"}


class DescribedParser(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of description and epilog; see `paragraphs` and `status_table`."""


def paragraphs(*texts: str) -> str:
    return "\n\n".join(textwrap.fill(" ".join(text.split()), HELP_COLUMNS) for text in texts)


def status_table(meanings: Mapping[int, str]) -> str:
    """The epilog that says what each exit status means."""
    lines = [f"  {status:<4}{meaning}" for status, meaning in sorted(meanings.items())]
    return "\n".join(["exit status:", *lines])
