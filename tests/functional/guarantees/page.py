"""Reads doc/guarantees.md: what each row says that the log says."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.process import wait_until

PAGE = Path(__file__).parents[3] / "doc" / "guarantees.md"

LIMIT_S = 60.0

_ROW = re.compile(r"\| (G-\d\d) \|")
_QUOTE = re.compile("`([^`]+)`")
_ANYTHING = "…"


def rows() -> dict[str, str]:
    """The last cells of the tables, by the numbers of their rows."""
    found: dict[str, str] = {}
    for line in PAGE.read_text().splitlines():
        if match := _ROW.match(line):
            assert match[1] not in found, f"{match[1]} is there twice"
            found[match[1]] = line.rstrip(" |").rpartition(" | ")[2]
    return found


def quotes(row: str) -> list[str]:
    """What is to be seen in the log, of one row."""
    return _QUOTE.findall(rows()[row])


def is_said(quote: str, log: str) -> bool:
    """Whether a line of the log has it, whatever stands in the place of each …"""
    return re.search(".+".join(map(re.escape, quote.strip(_ANYTHING).split(_ANYTHING))), log) is not None


def wait_for_quotes(row: str, *workers: GearhornWorker) -> None:
    """Until the workers have said all that the row quotes, one of them each."""
    for quote in quotes(row):
        wait_until(partial(_is_said_by, workers, quote), f"the log: {quote}", LIMIT_S)


def _is_said_by(workers: Sequence[GearhornWorker], quote: str) -> bool:
    return is_said(quote, "\n".join(worker.log for worker in workers))
