"""The sockets of the helpers on gear: no Nagle's algorithm anywhere, and TLS where it is asked for."""

import json
import socket
from pathlib import Path

import gear
import pytest

from gearhorn.client import GearhornClient, GearhornSubscriber, geared
from tests.functional.client.stand_in import put
from tests.servers.certificates import Certificates
from tests.servers.gearman import Geard, Gearmand, GearmanServer
from tests.servers.process import wait_until


def has_no_delay(end: gear.BaseClient) -> bool:
    (connection,) = end.active_connections
    return bool(connection.conn.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


def test_no_socket_waits_to_fill_its_packets(
    gearman_server: GearmanServer, publisher: GearhornClient, subscriber: GearhornSubscriber
) -> None:
    assert [has_no_delay(end) for end in (publisher, subscriber.worker, subscriber.client)] == [True] * 3


def test_no_socket_waits_to_fill_its_packets_after_a_reconnect(gearmand: Gearmand) -> None:
    publisher, subscriber = GearhornClient(), GearhornSubscriber("bob")
    ends = (publisher, subscriber.worker, subscriber.client)
    for end in (publisher, subscriber):
        end.addServer("127.0.0.1", gearmand.port)
        end.waitForServer(20)
    first = [end.active_connections[0].connect_time for end in ends]
    gearmand.stop()
    wait_until(lambda: not any(end.active_connections for end in ends), "the loss of the connections")
    gearmand.start()
    wait_until(lambda: all(end.active_connections for end in ends), "the reconnect")
    again = [end.active_connections[0].connect_time for end in ends]
    assert not set(first) & set(again)
    assert [has_no_delay(end) for end in ends] == [True] * 3
    publisher.shutdown()
    subscriber.shutdown()


def test_a_copy_of_many_reads_arrives_whole(gearman_server: GearmanServer, subscriber: GearhornSubscriber) -> None:
    subscriber.worker.registerFunction("news_bob")
    payload = bytes(range(256)) * 8192
    put(gearman_server, "news_bob", payload)
    job = subscriber.getJob()
    job.sendWorkComplete()
    assert job.arguments == payload


def tls_files(certificates: Certificates) -> dict[str, str]:
    return {
        "ssl_key": str(certificates.client_key),
        "ssl_cert": str(certificates.client_certificate),
        "ssl_ca": str(certificates.ca_file),
    }


def test_publishing_and_receiving_work_over_tls(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path / "tls")
    publisher, subscriber = GearhornClient(), GearhornSubscriber("bob")
    with Geard(tmp_path / "geard", tls=certificates) as server:
        for end in (publisher, subscriber):
            end.addServer("127.0.0.1", server.port, **tls_files(certificates))
            end.waitForServer(20)
        assert [has_no_delay(end) for end in (publisher, subscriber.worker, subscriber.client)] == [True] * 3
        subscriber.worker.registerFunction("fanout")  # in the place of the service
        payload = "Grüße " * 20_000
        publisher.submitJob(gear.TextJob("news", payload), background=True)
        job = subscriber.getJob()
        job.sendWorkComplete()
        assert json.loads(job.arguments)["payload"] == payload
        publisher.shutdown()
        subscriber.shutdown()


def test_a_server_of_another_authority_is_not_talked_to(tmp_path: Path) -> None:
    publisher = GearhornClient()
    with Geard(tmp_path / "geard", tls=Certificates(tmp_path / "theirs")) as server:
        publisher.addServer("127.0.0.1", server.port, **tls_files(Certificates(tmp_path / "ours")))
        with pytest.raises(gear.TimeoutError):
            publisher.waitForServer(1)
        publisher.shutdown()


def test_a_certificate_for_another_host_is_refused_unless_the_check_is_off(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificates = Certificates(tmp_path / "tls")
    elsewhere = "127.1"  # resolves to 127.0.0.1, which the certificate is for, and is another name
    with Geard(tmp_path / "geard", tls=certificates) as server:
        strict, lax = GearhornClient(), GearhornClient()
        strict.addServer(elsewhere, server.port, **tls_files(certificates))
        with pytest.raises(gear.TimeoutError):
            strict.waitForServer(5)
        strict.shutdown()
        refusals = [line for line in caplog.messages if "certificate is not valid for '127.1'" in line]
        assert len(refusals) == 1  # of several tries
        lax.addServer(elsewhere, server.port, **tls_files(certificates), ssl_check_hostname=False)
        lax.waitForServer(20)
        lax.shutdown()


def test_a_server_without_tls_hears_nothing_in_the_clear_and_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geared, "HANDSHAKE_LIMIT_S", 0.2)
    client = GearhornClient()
    with socket.create_server(("127.0.0.1", 0)) as plain:
        client.addServer("127.0.0.1", plain.getsockname()[1], **tls_files(Certificates(tmp_path / "tls")))
        conn, _ = plain.accept()
        with conn:
            conn.settimeout(20)
            heard = conn.recv(65536)
            while chunk := conn.recv(65536):
                heard += chunk
        assert heard.startswith(b"\x16\x03")
        assert b"REQ" not in heard
    client.shutdown()
