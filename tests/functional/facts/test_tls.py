"""TLS as servers offer it."""

import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.facts.conftest import Dial
from tests.functional.facts.raw import Kind, Peer
from tests.servers.certificates import Certificates
from tests.servers.gearman import Geard, Gearmand
from tests.servers.process import wait_until


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "pki")


@pytest.fixture
def secure(tmp_path: Path, certificates: Certificates) -> Iterator[Geard]:
    with Geard(tmp_path / "geard", tls=certificates) as server:
        yield server


def test_geard_serves_a_client_that_leaves_the_version_open(
    secure: Geard, certificates: Certificates, dial: Dial
) -> None:
    """Point 24: they agree on 1.2."""
    client, worker = (dial(secure, tls=certificates.client_context()) for _ in range(2))
    assert client.socket.version() == "TLSv1.2"
    handle = client.submit(b"f", b"", b"payload", kind=Kind.SUBMIT_JOB)
    worker.can_do(b"f")
    job = worker.grab()
    assert job is not None
    assert worker.complete(job.handle, job.payload) == []
    assert client.read().data == handle + b"\0payload"


def test_geard_refuses_a_client_that_insists_on_1_3(secure: Geard, certificates: Certificates, dial: Dial) -> None:
    """Point 24."""
    context = certificates.client_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        dial(secure, tls=context)


def test_geard_refuses_a_client_without_certificate(secure: Geard, certificates: Certificates, dial: Dial) -> None:
    """Point 24."""
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        dial(secure, tls=certificates.client_context(with_certificate=False))


def test_geard_refuses_a_certificate_of_another_authority(
    secure: Geard, certificates: Certificates, tmp_path: Path, dial: Dial
) -> None:
    """Point 24."""
    stranger = Certificates(tmp_path / "another pki")
    context = certificates.client_context(with_certificate=False)
    context.load_cert_chain(stranger.client_certificate, stranger.client_key)
    with pytest.raises(ssl.SSLError, match="UNKNOWN_CA"):
        dial(secure, tls=context)


def test_a_failed_handshake_does_not_end_geard(secure: Geard, certificates: Certificates, dial: Dial) -> None:
    """Point 24: the next connection waits a second."""
    with pytest.raises(ssl.SSLError):
        dial(secure, tls=certificates.client_context(with_certificate=False))
    assert dial(secure, tls=certificates.client_context()).ask() == []


def test_who_connects_to_geard_and_says_nothing_keeps_others_out(
    secure: Geard, certificates: Certificates, dial: Dial
) -> None:
    """Goes with point 24: until it hangs up. Who is in is served."""
    inside = dial(secure, tls=certificates.client_context())
    silent = Peer(secure)
    outcome: list[Peer] = []
    outsider = threading.Thread(target=lambda: outcome.append(dial(secure, tls=certificates.client_context())))
    outsider.start()
    for _ in range(300):  # time enough for many handshakes
        assert inside.ask() == []
    assert outcome == []
    silent.close()
    wait_until(lambda: outcome, "the connection to be made")
    outsider.join()


@pytest.mark.parametrize("missing", [False, True], ids=["real files", "files that do not exist"])
def test_gearmand_of_debian_speaks_in_the_clear_whatever_it_is_told(
    tmp_path: Path, certificates: Certificates, dial: Dial, missing: bool
) -> None:
    """Point 24: so a client that wants TLS must insist on the handshake."""
    folder = tmp_path / "nowhere" if missing else certificates.ca_file.parent
    files = {"ca-file": "ca.pem", "certificate": "server.pem", "key": "server.key"}
    options = ["--ssl", *(f"--ssl-{option}={folder / name}" for option, name in files.items())]
    with Gearmand(tmp_path / "gearmand", extra=options) as server:
        assert dial(server).submit(b"f")
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            dial(server, tls=certificates.client_context())
