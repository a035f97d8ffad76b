"""`gearhorn standalone --ssl-*`: who gets in, and that nobody keeps others out."""

import datetime
import shlex
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import gear
import pytest

from gearhorn.cmd import exits
from gearhorn.cmd.embedded import EmbeddedServer
from gearhorn.cmd.geard import door
from gearhorn.cmd.geard.server import Manner
from gearhorn.net.address import Address
from gearhorn.net.tls import TlsSettings, server_context
from tests.functional.access.site import SecureStandalone
from tests.functional.contract.clients import Client
from tests.functional.facts.raw import Kind, packet
from tests.functional.test_standalone import stopped
from tests.servers.certificates import Certificates, encrypted
from tests.servers.commands import run_gearhorn
from tests.servers.process import wait_until
from tests.servers.standalone import clean_environment

PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureStandalone]:
    folder = tmp_path_factory.mktemp("site")
    with SecureStandalone(folder, Certificates(folder / "pki")) as started:
        yield started
    print(started.log)


def connect(site: SecureStandalone, context: ssl.SSLContext | None = None) -> Client:
    return Client(site, tls=context or site.context_of("somebody"))  # type: ignore[arg-type]


# Who gets in


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls_are_spoken(site: SecureStandalone, version: ssl.TLSVersion) -> None:
    """geard itself knows 1.2 only."""
    context = site.context_of("somebody")
    context.minimum_version = context.maximum_version = version
    client = connect(site, context)
    assert client.socket.version() == version.name.replace("_", ".")
    payload = "x" * 3_000_000  # more than fits into any buffer on the way
    assert client.request("subscribe_fanout", {"topic": "big", "client_id": version.name}).kind == Kind.WORK_COMPLETE
    assert client.request("fanout", {"topic": "big", "payload": payload, "background": True}).count >= 1
    client.can_do(f"big_{version.name}".encode())
    copy = client.grab()
    assert copy is not None
    assert copy.payload == payload.encode()
    client.complete(copy.handle)
    client.close()


def test_clients_and_workers_of_gear_get_in(site: SecureStandalone) -> None:
    certificate, key = site.certificates.issue("geared")
    client = gear.Client()
    client.addServer("127.0.0.1", site.port, str(key), str(certificate), str(site.certificates.ca_file))
    client.waitForServer(timeout=20)
    job = gear.TextJob("fanout", '{"topic": "nobody", "payload": ""}')
    client.submitJob(job)
    wait_until(lambda: job.complete, "the answer")
    client.shutdown()
    assert job.data == ["0"]


def refused(site: SecureStandalone, context: ssl.SSLContext) -> None:
    """In TLS 1.3 a client hears only after its own handshake that its certificate was refused."""
    with pytest.raises((ssl.SSLError, ConnectionResetError, EOFError)):
        connect(site, context)


def told_why(site: SecureStandalone, context: ssl.SSLContext, words: str) -> None:
    """After many refusals the log leaves some out for a while."""
    seen = len(site.log)

    def is_told() -> bool:
        refused(site, context)
        time.sleep(0.2)
        return words in site.log[seen:]

    wait_until(is_told, f"the line with: {words}")
    assert "refused a connection of 127.0.0.1: no TLS handshake: " in site.log[seen:]


def test_nobody_gets_in_without_a_certificate(site: SecureStandalone) -> None:
    told_why(site, site.certificates.client_context(with_certificate=False), "peer did not return a certificate")


def test_nobody_gets_in_with_a_certificate_of_another_authority(site: SecureStandalone, tmp_path: Path) -> None:
    stranger = Certificates(tmp_path / "other")
    context = site.certificates.client_context(with_certificate=False)
    context.load_cert_chain(stranger.client_certificate, stranger.client_key)
    told_why(site, context, "its certificate was refused: ")


def test_nobody_gets_in_with_a_certificate_that_has_expired(site: SecureStandalone) -> None:
    context = site.certificates.client_context(with_certificate=False)
    context.load_cert_chain(*site.certificates.issue("late", not_before=PAST, not_after=PAST))
    told_why(site, context, "certificate has expired")


def test_nobody_is_heard_in_the_clear(site: SecureStandalone) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as plain:
        plain.sendall(b"status\n")
        assert b"fanout" not in read_all(plain)


def read_all(sock: socket.socket) -> bytes:
    data = b""
    try:
        while chunk := sock.recv(65536):
            data += chunk
    except ConnectionResetError:
        pass
    return data


# Nobody keeps others out


def test_who_connects_and_says_nothing_keeps_nobody_out(site: SecureStandalone) -> None:
    silent = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(100)]
    connect(site).close()
    for each in silent:
        each.close()


def test_failed_handshakes_keep_nobody_waiting(site: SecureStandalone) -> None:
    """At gear's pace of one a second these would take minutes."""
    for _ in range(200):
        with socket.create_connection(("127.0.0.1", site.port), timeout=20) as garbage:
            garbage.sendall(b"this is no handshake\n")
    connect(site).close()


def test_who_breaks_the_stream_later_ends_his_own_connection_only(site: SecureStandalone) -> None:
    """gear would begin its loop again, and ask every connection there is whether it has something to say."""
    inside = connect(site)
    vandal = socket.create_connection(("127.0.0.1", site.port), timeout=20)
    tls = site.context_of("vandal").wrap_socket(vandal, server_hostname="127.0.0.1", do_handshake_on_connect=True)
    tls.sendall(b"status\n")
    assert tls.recv(10)
    with socket.socket(fileno=tls.detach()) as bare:
        bare.settimeout(20)
        bare.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        read_all(bare)
        assert inside.ask() == []
        connect(site).close()
    inside.close()
    assert "Traceback" not in site.log


def test_a_client_that_hangs_up_before_its_result_does_not_harm_the_worker(site: SecureStandalone) -> None:
    worker, client = connect(site), connect(site)
    worker.can_do(b"work")
    client.start("work", b"")
    job = worker.grab()
    assert job is not None
    with stopped(site):  # so that it meets both at once
        worker.send(packet(Kind.WORK_COMPLETE, job.handle, b"result"))
        client.reset()
    assert worker.ask() == []
    worker.close()
    assert "Traceback" not in site.log


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[tuple[EmbeddedServer, Certificates]]:
    """The server alone, in this process."""
    certificates = Certificates(tmp_path / "pki")
    files = (certificates.ca_file, certificates.server_certificate, certificates.server_key)
    manner = Manner(server_context(TlsSettings(*map(str, files))))
    with EmbeddedServer(Address("127.0.0.1", 0), manner) as server:
        yield server, certificates


def test_who_does_not_shake_hands_in_time_is_let_go(
    embedded: tuple[EmbeddedServer, Certificates], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "HANDSHAKE_LIMIT_S", 0.1)
    with socket.create_connection(embedded[0].address, timeout=20) as silent:
        assert read_all(silent) == b""


def test_of_too_many_who_wait_the_first_has_to_go(
    embedded: tuple[EmbeddedServer, Certificates], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "HANDSHAKES_COUNT", 2)
    first, *others = [socket.create_connection(embedded[0].address, timeout=20) for _ in range(3)]
    assert read_all(first) == b""
    with embedded[1].context_of("somebody").wrap_socket(others[-1], server_hostname="127.0.0.1") as last:
        last.sendall(b"status\n")
        assert last.recv(10) == b".\n"
    for each in (first, *others):
        each.close()


# What is said, and what is refused


def hints(site: SecureStandalone) -> list[str]:
    wait_until(lambda: "third one" in site.log, "the hints")
    return [line.partition(":  ")[2] for line in site.log.splitlines() if ":  " in line]


def run_hint(site: SecureStandalone, hint: str, *more: str) -> "subprocess.Popen[str]":
    _, *words = shlex.split(hint)
    command = [sys.executable, "-m", "gearhorn", *words, *more]
    return subprocess.Popen(
        command, env=clean_environment(site.folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def try_hints(site: SecureStandalone) -> None:
    listen, publish = hints(site)
    with run_hint(site, listen, "--count=1") as listener:
        try:
            assert listener.stderr is not None
            assert "listening to news" in listener.stderr.readline()
            with run_hint(site, publish) as publisher:
                assert publisher.wait(60) == exits.OK
            assert listener.communicate(timeout=60)[0] == "Hello, everybody\n"
        finally:
            listener.kill()


def test_the_lines_to_try_work(site: SecureStandalone) -> None:
    try_hints(site)


def test_the_lines_to_try_work_with_rights_and_a_certificate_for_another_host(tmp_path: Path) -> None:
    """The service needs no entry of its own. It is one and the same process, so that the name does not matter to it."""
    certificates = Certificates(tmp_path / "pki")
    certificates.server_certificate, certificates.server_key = certificates.issue("host", "mq.invalid", "localhost")
    with SecureStandalone(tmp_path, certificates, rights="") as site:
        assert f"--gearman localhost:{site.port} news" in hints(site)[0]
        try_hints(site)


def test_the_service_shows_the_certificate_that_the_configuration_names(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path / "pki")
    certificate, key = certificates.issue("own")
    key.write_bytes(encrypted(key))
    key.with_suffix(".password").write_text("secret\n")
    key.with_suffix(".password").chmod(0o600)
    settings = tmp_path / "own.conf"
    lines = [f"cert_file = {certificate}", f"key_file = {key}", f"key_password_file = {key.with_suffix('.password')}"]
    settings.write_text("\n".join(["[gearman]", *lines]))
    with SecureStandalone(tmp_path, certificates, rights="", extra_args=[f"--config-file={settings}"]) as site:
        assert str(certificate) in hints(site)[0]
        try_hints(site)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"--ssl-key": None}, "TLS needs --ssl-ca, --ssl-cert and --ssl-key"),
        ({"--ssl-ca": None, "--ssl-cert": None}, "TLS needs --ssl-ca, --ssl-cert and --ssl-key"),
        ({"--ssl-ca": None, "--ssl-cert": None, "--ssl-key": None, "--acl": "acl"}, "--acl needs --ssl-ca"),
        ({"--acl": "missing"}, "No such file"),
        ({"--acl": "nonsense"}, "nonsense"),
        ({"--acl": "misspelt"}, "[bob] registers is none of register, invoke, grant"),
        ({"--acl": "pattern"}, "'(' is no regular expression"),
        ({"--acl": "truth"}, "Not a boolean: perhaps"),
        ({"--ssl-cert": "nonsense"}, "nonsense' and"),
        ({"--ssl-ca": "others/ca.pem"}, "refuses the certificate of the"),
    ],
)
def test_what_does_not_fit_together_ends_the_start_with_one_line(
    tmp_path: Path, options: dict[str, str | None], message: str
) -> None:
    certificates = Certificates(tmp_path / "pki")
    Certificates(tmp_path / "others")
    files = {"acl": "", "nonsense": "nonsense", "misspelt": "[bob]\nregisters = x", "pattern": "[bob]\ninvoke = ("}
    files["truth"] = "[bob]\ngrant = perhaps"
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    usual: dict[str, Path | None] = {
        "--ssl-ca": certificates.ca_file,
        "--ssl-cert": certificates.server_certificate,
        "--ssl-key": certificates.server_key,
    }
    chosen = usual | {option: tmp_path / name if name else None for option, name in options.items()}
    words = [f"{option}={path}" for option, path in chosen.items() if path]
    done = run_gearhorn(tmp_path, "standalone", "--port=0", f"--data-dir={tmp_path}", *words)
    assert (done.returncode, done.stdout) == (exits.MISCONFIGURED, "")
    (line,) = [line for line in done.stderr.splitlines() if "everybody on this host may read" not in line]
    assert line.startswith("gearhorn: ")
    assert message in line


def test_a_name_that_is_not_utf_8_leaves_the_tables_whole(site: SecureStandalone) -> None:
    peer = connect(site)
    peer.ask(packet(Kind.SET_CLIENT_ID, b"\xff"))
    peer.can_do(b"\xff\xfe")
    assert peer.counts_of("\ufffd\ufffd".encode()) == [0, 0, 1]
    peer.send(b"workers\n")
    lines = list(iter(peer.read_line, b".\n"))
    assert [line for line in lines if line.endswith(" \ufffd : \ufffd\ufffd\n".encode())]
    peer.close()
