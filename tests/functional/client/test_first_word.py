"""What accepts connections and is no Gearman server to us is told soon, and not taken for one without workers."""

import asyncio
from pathlib import Path

import pytest

from gearhorn.client import Publisher, service
from gearhorn.errors import ServerUnavailable
from tests.servers.certificates import Certificates
from tests.servers.gearman import Geard

HINT = "does it want TLS"


async def test_a_server_that_wants_tls_is_told_from_one_that_is_away(tmp_path: Path) -> None:
    with Geard(tmp_path / "geard", tls=Certificates(tmp_path / "certificates")) as server:
        async with Publisher(server.address) as publisher:
            with pytest.raises(ServerUnavailable, match=HINT):
                await publisher.connect()


async def test_what_accepts_and_keeps_silent_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "FIRST_WORD_LIMIT_S", 0.2)
    silence = asyncio.Event()

    async def keep_silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silence.wait()
        writer.close()

    async with await asyncio.start_server(keep_silent, "127.0.0.1", 0) as server:
        async with Publisher(f"127.0.0.1:{server.sockets[0].getsockname()[1]}") as publisher:
            with pytest.raises(ServerUnavailable, match=f"says nothing for 0.2 s.*{HINT}"):
                await publisher.connect()
        silence.set()
