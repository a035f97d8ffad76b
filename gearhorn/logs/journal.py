"""Whether standard error is systemd's journal. Source: systemd.exec(5), JOURNAL_STREAM."""

import os
from collections.abc import Mapping
from typing import TextIO


def is_journal(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """The variable alone does not tell: it is inherited by what runs with its output sent elsewhere."""
    device, _, inode = environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):  # closed, or none of the kernel's
        return False
    return (device, inode) == (str(found.st_dev), str(found.st_ino))
