"""Lines from files and pipes."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gearhorn.moving.lines import LINE_LIMIT_BYTES
from gearhorn.moving.source import PIECE_BYTES, read_lines


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def read(descriptor: int, at_once: int = 3) -> list[list[bytes]]:
    return [lines async for lines, _ in read_lines(descriptor, at_once)]


async def test_a_file_gives_so_many_lines_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"".join(b"line %d\n" % number for number in range(7)) + b"no end")
    with opened(path) as descriptor:
        assert list(map(len, await read(descriptor))) == [3, 3, 2]


async def test_lines_are_whole_wherever_a_piece_ends(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    expected = [b"%d" % number for number in range(PIECE_BYTES // 2)]
    path.write_bytes(b"\n".join(expected))
    with opened(path) as descriptor:
        assert [line for lines in await read(descriptor, 1000) for line in lines] == expected


async def test_of_a_line_without_an_end_little_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"x" * (3 * PIECE_BYTES) + b"\nnext\n" + b"y" * (3 * PIECE_BYTES))
    with opened(path) as descriptor:
        ((long, following, last),) = [lines for lines in await read(descriptor, 9) if lines]
    assert LINE_LIMIT_BYTES < len(long) <= LINE_LIMIT_BYTES + 1 + PIECE_BYTES
    assert (following, len(last)) == (b"next", LINE_LIMIT_BYTES + 1)


async def test_a_pipe_is_waited_for_without_holding_up_others() -> None:
    near, far = os.pipe()
    reading = asyncio.create_task(read(near))
    for text in (b"one\ntw", b"o\n"):
        for _ in range(5):
            await asyncio.sleep(0)  # here others would have their turn
        assert not reading.done()
        os.write(far, text)
    os.close(far)
    assert await reading == [[b"one", b"two"]]
    os.close(near)


async def test_waiting_for_a_pipe_can_be_given_up() -> None:
    near, far = os.pipe()
    reading = asyncio.create_task(read(near))
    await asyncio.sleep(0)
    reading.cancel()
    assert isinstance((await asyncio.gather(reading, return_exceptions=True))[0], asyncio.CancelledError)
    os.close(near)
    os.close(far)
