"""The asyncio helpers over TLS, on geard: gearmand as Debian builds it speaks none."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from gearhorn.client.publisher import Publisher, PublishResult
from gearhorn.client.subscriber import Subscriber
from gearhorn.errors import ServerUnavailable
from gearhorn.net.connection import LinkSettings
from tests.servers.certificates import Certificates
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import Geard


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "certificates")


@pytest.fixture
def address(certificates: Certificates, tmp_path: Path) -> Iterator[str]:
    """Of a server with TLS where the service runs."""
    settings = tmp_path / "tls.conf"
    settings.write_text(
        f"[gearman]\ntls = true\nca_file = {certificates.ca_file}\n"
        f"cert_file = {certificates.client_certificate}\nkey_file = {certificates.client_key}\n"
    )
    with (
        Geard(tmp_path / "geard", tls=certificates) as server,
        GearhornWorker([server.address], "memory://", tmp_path / "service", [f"--config-file={settings}"]),
    ):
        yield server.address


async def test_messages_go_and_come_over_tls(address: str, certificates: Certificates) -> None:
    tls = certificates.client_context()
    async with Publisher(address, tls=tls) as publisher, Subscriber("bob", address, tls=tls) as bob:
        await bob.subscribe("news", lambda copy: copy.payload)
        result = await publisher.publish("news", b"\xff", wait=True, results=True)
        assert [each.data for each in result.results] == [b"\xff"]
        await bob.unsubscribe("news")
        assert await publisher.publish("news", "x") == PublishResult(0)


async def test_a_server_whose_certificate_is_not_trusted_is_not_used(address: str) -> None:
    async with Publisher(address, tls=ssl.create_default_context()) as publisher:
        with pytest.raises(ServerUnavailable, match="certificate"):
            await publisher.connect()


async def test_a_server_without_tls_is_not_used_in_the_clear(certificates: Certificates, tmp_path: Path) -> None:
    settings = LinkSettings(connect_timeout_s=2)  # geard waits for more of what it takes for a packet
    with Geard(tmp_path / "plain") as server:
        tls = certificates.client_context()
        async with Publisher(server.address, tls=tls, settings=settings) as publisher:
            with pytest.raises(ServerUnavailable):
                await publisher.connect()
