"""TLS that cannot be had is no reason to do without: what is wrong is said in one line, and nothing is in the clear."""

import asyncio
import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gearhorn.client.publisher import Publisher
from gearhorn.cmd.embedded import EmbeddedServer
from gearhorn.cmd.geard.server import Manner
from gearhorn.errors import ServerUnavailable, TimedOut
from gearhorn.net.address import Address
from gearhorn.net.tls import TlsSettings, server_context
from gearhorn.store.base import Subscribe
from tests.functional.test_lists import fill
from tests.servers.certificates import Certificates
from tests.servers.commands import run_gearhorn
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.process import wait_until

PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)

both_versions = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("others"))


Serve = Callable[..., str]


@pytest.fixture
def serve(ours: Certificates) -> Iterator[Serve]:
    """Starts a Gearman server with a certificate, the usual one unless told otherwise, and returns its address."""
    with ExitStack() as stack:

        def start(version: ssl.TLSVersion, certificate: tuple[Path, Path] | None = None) -> str:
            files = certificate or (ours.server_certificate, ours.server_key)
            context = server_context(TlsSettings(str(ours.ca_file), *map(str, files)))
            context.maximum_version = version
            return str(stack.enter_context(EmbeddedServer(Address("127.0.0.1", 0), Manner(context))).address)

        yield start


async def trouble(address: str, context: ssl.SSLContext, caplog: pytest.LogCaptureFixture) -> str:
    """Why the server is not used, as the log says.

    One line tells it. There is another before it when the server's RST overtook its reason.
    """
    async with Publisher(address, tls=context, connect_limit_s=0.3) as publisher:
        with pytest.raises((ServerUnavailable, TimedOut)):  # in TLS 1.3 it may seem to be up for a moment
            await publisher.publish("news", "x", timeout=0.3)
        while not (found := [line for line in caplog.messages if ": TLS: " in line]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    (line,) = found
    assert len([each for each in caplog.messages if "trying again" in each]) <= 2
    return "TLS: " + line.partition(": TLS: ")[2].removesuffix("; trying again until it is back")


@both_versions
@pytest.mark.parametrize("wrong", ["none", "foreign", "expired"])
async def test_a_server_that_refuses_the_certificate(
    serve: Serve,
    ours: Certificates,
    others: Certificates,
    caplog: pytest.LogCaptureFixture,
    version: ssl.TLSVersion,
    wrong: str,
) -> None:
    """In TLS 1.3 that comes when the connection stands already."""
    context = ours.client_context(with_certificate=False)
    if wrong == "foreign":
        context.load_cert_chain(others.client_certificate, others.client_key)
    elif wrong == "expired":
        context.load_cert_chain(*ours.issue("late", not_before=PAST, not_after=PAST))
    said = await trouble(serve(version), context, caplog)
    assert said.startswith("TLS: it refused this side's certificate, or wants one: ")


@both_versions
@pytest.mark.parametrize(
    ("hosts", "dates", "words"),
    [
        (["127.0.0.1"], {"not_before": PAST, "not_after": PAST}, "certificate has expired"),
        (["other.test"], {}, "IP address mismatch, certificate is not valid for '127.0.0.1'"),
    ],
    ids=["expired", "another host"],
)
async def test_a_server_with_a_certificate_that_is_not_good(
    serve: Serve,
    ours: Certificates,
    caplog: pytest.LogCaptureFixture,
    version: ssl.TLSVersion,
    hosts: list[str],
    dates: dict[str, datetime.datetime],
    words: str,
) -> None:
    address = serve(version, ours.issue("server", *hosts, **dates))
    assert await trouble(address, ours.client_context(), caplog) == f"TLS: its certificate was refused: {words}"


@both_versions
async def test_a_server_of_an_authority_that_is_not_known(
    serve: Serve, others: Certificates, caplog: pytest.LogCaptureFixture, version: ssl.TLSVersion
) -> None:
    said = await trouble(serve(version), others.client_context(), caplog)
    assert said.startswith("TLS: its certificate was refused: ")


class Recorder:
    """Listens in the clear, notes how each connection begins, and hangs up, as gearmand does to TLS."""

    def __init__(self) -> None:
        self.beginnings: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            with conn:
                conn.settimeout(5)
                self.beginnings.append(conn.recv(100))

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def is_handshake(data: bytes) -> bool:
    """The head of a TLS record; see RFC 8446, 5.1."""
    return data[:2] == b"\x16\x03"


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder
        assert recorder.beginnings
        assert all(map(is_handshake, recorder.beginnings))


def test_no_link_of_the_worker_speaks_in_the_clear_where_tls_was_asked_for(
    recorder: Recorder, ours: Certificates, tmp_path: Path
) -> None:
    """Nor does it where one server of two speaks TLS, so that all of its links are made."""
    guarded = TlsSettings(*map(str, (ours.ca_file, ours.server_certificate, ours.server_key)))
    (tmp_path / "gearhorn.conf").write_text(
        f"[gearman]\ntls = true\nca_file = {ours.ca_file}\n"
        f"cert_file = {ours.client_certificate}\nkey_file = {ours.client_key}\n"
    )
    with (
        EmbeddedServer(Address("127.0.0.1", 0), Manner(server_context(guarded))) as server,
        GearhornWorker([str(server.address), recorder.address], "memory://", tmp_path) as worker,
    ):
        for purpose in ("jobs", "copies"):  # the others do not repeat it
            line = f"Gearman server {recorder.address} ({purpose}) cannot be reached: "
            wait_until(lambda line=line: line in worker.log, f"the line about {purpose}")
        assert "does it speak TLS on this port?" in worker.log


@pytest.mark.parametrize(
    "words",
    [
        ["publish", "news", "x"],
        ["publish", "news", "x", "--wait"],
        ["subscribe", "news", "bob"],
        ["unsubscribe", "news", "bob"],
        ["listen", "news"],
        ["subscribers", "news", "--watch"],
    ],
    ids=" ".join,
)
def test_no_command_speaks_in_the_clear_where_tls_was_asked_for(
    recorder: Recorder, ours: Certificates, tmp_path: Path, words: list[str]
) -> None:
    if "--watch" in words:
        fill(f"sqlite:///{tmp_path}/lists.db", Subscribe("news", "bob"))
    places = [f"--gearman={recorder.address}", f"--ssl-ca={ours.ca_file}"]
    places += [f"--store=sqlite:///{tmp_path}/lists.db"] if "--watch" in words else []
    done = run_gearhorn(tmp_path, *words, *places)
    assert "does it speak TLS on this port?" in done.stderr
    assert done.returncode not in (0, 3)


def test_a_certificate_that_expires_in_service_is_told_when_the_connection_is_made_again(
    ours: Certificates, tmp_path: Path
) -> None:
    """Before it the log has only heard that the server was gone."""
    old = TlsSettings(*map(str, (ours.ca_file, ours.server_certificate, ours.server_key)))
    late = [str(path) for path in ours.issue("server", "127.0.0.1", not_before=PAST, not_after=PAST)]
    new = TlsSettings(str(ours.ca_file), *late)
    (tmp_path / "gearhorn.conf").write_text(
        f"[gearman]\ntls = true\nca_file = {ours.ca_file}\n"
        f"cert_file = {ours.client_certificate}\nkey_file = {ours.client_key}\n"
    )
    with ExitStack() as stack:
        server = EmbeddedServer(Address("127.0.0.1", 0), Manner(server_context(old)))
        worker = stack.enter_context(GearhornWorker([str(server.address)], "memory://", tmp_path))
        server.stop()
        wait_until(lambda: "(jobs) is gone" in worker.log, "the loss to be noticed")
        server = stack.enter_context(EmbeddedServer(server_address(worker), Manner(server_context(new))))
        reason = "(jobs) cannot be reached: TLS: its certificate was refused: certificate has expired"
        wait_until(lambda: reason in worker.log, "the reason", 60)


def server_address(worker: GearhornWorker) -> Address:
    (option,) = [word for word in worker.argv if word.startswith("--gearman=")]
    host, _, port = option.partition("=")[2].partition(":")
    return Address(host, int(port))
