"""Reads lines from a file, a pipe or a terminal, without holding up the event loop while there are none."""

import asyncio
import os
from collections.abc import AsyncIterator

from gearhorn.errors import GearhornError
from gearhorn.moving.lines import LINE_LIMIT_BYTES

PIECE_BYTES = 256 << 10


async def read_lines(descriptor: int, at_once: int) -> AsyncIterator[tuple[list[bytes], int]]:
    """So many lines at a time, and how many bytes have been read. Of a line that is too long only its beginning."""
    lines: list[bytes] = []
    rest, read_bytes = b"", 0
    while piece := await _read(descriptor):
        read_bytes += len(piece)
        *whole, rest = (rest + piece).split(b"\n")
        rest = rest[: LINE_LIMIT_BYTES + 1]
        lines += whole
        while len(lines) >= at_once:
            yield lines[:at_once], read_bytes
            lines = lines[at_once:]
    yield lines + [rest] * bool(rest), read_bytes


async def _read(descriptor: int) -> bytes:
    """Empty at the end."""
    await _until_readable(descriptor)
    try:
        return os.read(descriptor, PIECE_BYTES)
    except OSError as error:
        raise GearhornError(f"the lines cannot be read: {error.strerror}") from None


async def _until_readable(descriptor: int) -> None:
    """At once for a regular file, of which epoll wants to know nothing."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(descriptor, readable.set)
    except PermissionError:
        await asyncio.sleep(0)
        return
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)
