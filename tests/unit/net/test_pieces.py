"""Whatever pieces a role's output has, its bytes arrive in order."""

import asyncio
import socket

import pytest

from gearhorn.net.address import Address
from gearhorn.net.connection import LARGE_PIECE_BYTES, Connection, LinkSettings, connect


class Talker:
    """A role that has something to say and hears nothing."""

    violation = None

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def receive(self, _: bytes) -> list[bytes]:
        return []

    def take_pieces(self) -> list[bytes]:
        pieces, self._pieces = self._pieces, []
        return pieces


@pytest.mark.parametrize(
    "sizes",
    [[1], [1, 2, 3], [LARGE_PIECE_BYTES], [5, LARGE_PIECE_BYTES, 7], [5_000_000, 3, 5_000_000], [100, 10_000] * 2000],
    ids=["one", "small ones", "a large one", "a large one among small ones", "more than fits", "very many"],
)
async def test_all_pieces_arrive_in_order(sizes: list[int]) -> None:
    pieces = [bytes([65 + number % 26]) * size for number, size in enumerate(sizes)]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = Connection(Talker(pieces), lambda _: None, lambda: None)
        await connect(Address("127.0.0.1", listener.getsockname()[1]), LinkSettings(), lambda: connection)
        peer, _ = listener.accept()
        connection.flush_soon()
        with peer:
            peer.settimeout(30)
            with peer.makefile("rb") as stream:
                assert await asyncio.to_thread(stream.read, sum(sizes)) == b"".join(pieces)
            await connection.close()
