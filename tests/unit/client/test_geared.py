"""The parts of the helpers on gear that need no Gearman server."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import gear
import pytest

import gearhorn.client
from gearhorn.client import GearhornClient, GearhornSubscriber
from gearhorn.client.geared import Connection, Worker
from gearhorn.errors import BadRequest

NO_JOB, PRE_SLEEP, GRAB_JOB_UNIQ = gear.constants.NO_JOB, gear.constants.PRE_SLEEP, gear.constants.GRAB_JOB_UNIQ


@pytest.fixture
def client() -> Iterator[GearhornClient]:
    client = GearhornClient("a publisher")
    yield client
    client.shutdown()


@pytest.fixture
def subscriber() -> Iterator[GearhornSubscriber]:
    subscriber = GearhornSubscriber("bob")
    yield subscriber
    subscriber.shutdown()


@pytest.fixture
def port() -> Iterator[int]:
    """Of something that takes connections and says nothing. Ask for it first, so that it outlives who connects."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    near, far = socket.socketpair()
    connection = Connection("127.0.0.1", 0)
    connection.conn = near
    with near, far:
        yield connection, far


def test_the_client_is_a_gear_client(client: GearhornClient) -> None:
    assert isinstance(client, gear.Client)


def test_the_package_has_no_names_that_it_does_not_promise() -> None:
    with pytest.raises(AttributeError, match="Nonsense"):
        _ = gearhorn.client.Nonsense


def test_the_package_loads_gear_only_for_who_uses_it() -> None:
    program = (
        "import sys, gearhorn.client; assert 'gear' not in sys.modules; gearhorn.client.GearhornClient; import gear"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    "files",
    [
        {"ssl_ca": "ca"},
        {"ssl_key": "key", "ssl_cert": "cert"},
        {"ssl_cert": "cert", "ssl_ca": "ca"},
        {"ssl_key": "key", "ssl_ca": "ca"},
    ],
)
def test_half_of_the_tls_files_are_no_reason_to_send_in_the_clear(
    port: int, client: GearhornClient, subscriber: GearhornSubscriber, files: dict[str, str]
) -> None:
    for end in (client, subscriber):
        with pytest.raises(gear.ConfigurationError, match="TLS"):
            end.addServer("127.0.0.1", port, **files)


def test_a_server_is_added_once_only(port: int, client: GearhornClient, subscriber: GearhornSubscriber) -> None:
    for end in (client, subscriber):
        end.addServer("127.0.0.1", port)
        with pytest.raises(gear.ConfigurationError, match="before"):
            end.addServer("127.0.0.1", port)


def test_a_publisher_has_the_keepalive_options_of_gear(port: int, client: GearhornClient) -> None:
    client.addServer("127.0.0.1", port, keepalive=True, tcp_keepidle=7, tcp_keepintvl=8, tcp_keepcnt=9)
    assert _keepalive(client) == (1, 7, 8, 9)


def test_a_subscriber_notices_by_keepalive_that_a_server_is_gone(port: int, subscriber: GearhornSubscriber) -> None:
    subscriber.addServer("127.0.0.1", port)
    for end in (subscriber.worker, subscriber.client):
        is_on, idle_s, interval_s, probe_count = _keepalive(end)
        assert is_on
        assert idle_s + interval_s * probe_count <= 120


def _keepalive(end: gear.BaseClient) -> tuple[int, ...]:
    end.waitForServer(20)
    connected = end.active_connections[0].conn
    of_tcp = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    is_on = connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    return (is_on, *(connected.getsockopt(socket.IPPROTO_TCP, option) for option in of_tcp))


def test_a_signal_in_the_middle_of_a_send_leaves_the_bytes_as_they_are(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, far = pair
    sent = bytes(range(256)) * 20_000
    interrupted, received = threading.Event(), bytearray()
    reader = threading.Thread(target=_read_after, args=(interrupted, far, received))
    reader.start()
    with _Alarm(interrupted.set):
        connection.sendRaw(sent)
    connection.conn.shutdown(socket.SHUT_WR)
    reader.join()
    assert received == sent


def _read_after(event: threading.Event, source: socket.socket, into: bytearray) -> None:
    event.wait()
    while data := source.recv(1 << 20):
        into += data


class _Alarm:
    """Calls `ring` in a signal handler, a tenth of a second from now."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGALRM, lambda *_: self._ring())
        signal.setitimer(signal.ITIMER_REAL, 0.1)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)


def test_what_is_there_is_read_at_once_and_not_in_small_pieces(pair: tuple[Connection, socket.socket]) -> None:
    connection, far = pair
    far.sendall(b"\0" * 50_000)
    assert len(connection._readRawBytes(4096)) == 50_000


@pytest.mark.parametrize("name", ["", b"", "a\nb", b"\xff", "__matchmaking_x"])
def test_a_job_with_a_name_that_is_no_topic_is_refused(client: GearhornClient, name: str | bytes) -> None:
    with pytest.raises(BadRequest, match=r"^topic: "):
        client.submitJob(gear.BinaryJob(name, b"x"))


def test_a_wrong_precedence_is_refused_as_gear_does(client: GearhornClient) -> None:
    with pytest.raises(gear.ConfigurationError, match="precedence"):
        client.submitJob(gear.Job("news", b"x"), precedence=7)


def test_publishing_without_a_connected_server_fails_as_with_gear(client: GearhornClient) -> None:
    job = gear.Job("news", b"x")
    with pytest.raises(gear.GearmanError, match="any connected servers"):
        client.submitJob(job)
    assert (job.name, job.arguments, job.handle) == ("news", b"x", None)


def test_a_subscriber_needs_a_client_id() -> None:
    with pytest.raises(BadRequest, match=r"^client_id: "):
        GearhornSubscriber("")


def test_the_servers_tables_get_an_id_without_spaces_or_control_characters() -> None:
    subscriber = GearhornSubscriber("Bob's\tbüro 1\n" + "x" * 200)
    subscriber.shutdown()
    assert subscriber.worker.client_id.startswith("Bob's-büro-1-xxx".encode())
    assert len(subscriber.worker.client_id) == 127


def test_shutdown_hears_the_answer_to_the_last_grab() -> None:
    stopping, interrupted = threading.Event(), threading.Event()

    class Watched(Worker):
        def stopWaitingForJobs(self) -> None:
            stopping.set()
            super().stopWaitingForJobs()

    def wait_for_a_job() -> None:
        with pytest.raises(gear.InterruptedError):
            worker.getJob()
        interrupted.set()

    worker = Watched("bob")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        worker.addServer("127.0.0.1", listener.getsockname()[1])
        threading.Thread(target=wait_for_a_job).start()
        server = ServerEnd(listener)
        server.read_until(GRAB_JOB_UNIQ)
        ending = threading.Thread(target=worker.shutdown)
        ending.start()
        stopping.wait()
        server.send(NO_JOB)
        server.read_until(PRE_SLEEP)  # without it gear would have waited five seconds, in vain
        ending.join()
        assert interrupted.wait(20)
        server.close()


class ServerEnd:
    """The server's end of one connection, as much of it as a test needs."""

    def __init__(self, listener: socket.socket) -> None:
        self._socket = listener.accept()[0]
        self._connection = gear.Connection("", 0)
        self._connection.conn = self._socket

    def read_until(self, kind: int) -> None:
        while (packet := self._connection.readPacket()) is not None:
            if packet.ptype == kind:
                return
        raise EOFError(f"the connection ended before packet {kind}")

    def send(self, kind: int) -> None:
        self._connection.sendPacket(gear.Packet(gear.constants.RES, kind, b""))

    def close(self) -> None:
        self._socket.close()


def test_a_letter_is_not_cut_in_two_to_fit_into_the_servers_tables() -> None:
    subscriber = GearhornSubscriber("ü" * 80)
    subscriber.shutdown()
    assert subscriber.worker.client_id.decode() == "ü" * 63
