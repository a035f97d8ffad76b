"""`gearhorn standalone`: everything in one process, for anybody's workers, and gone without a trace when it ends."""

import contextlib
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gearhorn.cmd import exits
from gearhorn.cmd.embedded import EmbeddedServer, own_host
from gearhorn.net.address import Address
from tests.servers.commands import run_gearhorn
from tests.servers.process import find_program, wait_until
from tests.servers.standalone import Standalone

STOP_LIMIT_S = 20.0


@pytest.fixture
def standalone(tmp_path: Path) -> Iterator[Standalone]:
    with Standalone(tmp_path) as started:
        yield started
    print(started.log)


def gearman(server: Standalone, queue: str, payload: str) -> str:
    """What a foreground job answers, by the `gearman` tool."""
    command = [find_program("gearman"), "-h", "127.0.0.1", "-p", str(server.port), "-f", queue, payload]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def is_served(server: Standalone, queue: str) -> bool:
    """Whether a worker waits at the queue, by the admin command `status`."""
    lines = server.ask(b"status\n", b".\n").decode().splitlines()
    return any(line.split("\t")[0] == queue and line.split("\t")[3] != "0" for line in lines[:-1])


def test_it_copies_a_job_to_a_subscriber(standalone: Standalone) -> None:
    gearman(standalone, "subscribe_fanout", '{"topic": "news", "client_id": "bob"}')
    assert gearman(standalone, "fanout", '{"topic": "news", "payload": "hi", "background": true}') == "1"
    assert standalone.ask(b"status\n", b".\n").decode().count("news_bob\t1\t0\t0\n") == 1


def test_it_keeps_the_subscriptions_when_it_is_started_again(standalone: Standalone) -> None:
    gearman(standalone, "subscribe_fanout", '{"topic": "news", "client_id": "bob"}')
    standalone.stop()
    standalone.start()
    assert gearman(standalone, "fanout", '{"topic": "news", "payload": "hi", "background": true}') == "1"


TOOL = ["gearman", "-h", "127.0.0.1", "-p", "PORT", "-w", "-f", "QUEUE", "--", "cat"]
PHP = ["php", "-r"]
PHP += ["$w = new GearmanWorker(); $w->addServer('127.0.0.1', PORT);"]
PHP[-1] += "$w->addFunction('QUEUE', fn($job) => $job->workload()); while ($w->work());"
PERL = ["perl", "-MGearman::Worker", "-e"]
PERL += ["my $w = Gearman::Worker->new(job_servers => ['127.0.0.1:PORT']);"]
PERL[-1] += "$w->register_function('QUEUE', sub { $_[0]->arg }); $w->work while 1"


@pytest.mark.parametrize("worker", [TOOL, PHP, PERL], ids=["tool", "php", "perl"])
def test_workers_of_other_languages_receive_from_it(standalone: Standalone, worker: list[str]) -> None:
    command = [word.replace("PORT", str(standalone.port)).replace("QUEUE", "echo_it") for word in worker]
    process = subprocess.Popen([find_program(command[0]), *command[1:]], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: is_served(standalone, "echo_it"), "the worker to serve its queue")
        assert gearman(standalone, "echo_it", "first") == "first"
        assert gearman(standalone, "echo_it", "second") == "second"
    finally:
        process.kill()
        process.wait()


def packet(kind: int, data: bytes = b"") -> bytes:
    return b"\0REQ" + kind.to_bytes(4, "big") + len(data).to_bytes(4, "big") + data


def answer(kind: int, data: bytes = b"") -> bytes:
    return packet(kind, data).replace(b"\0REQ", b"\0RES", 1)


# Numbers of the protocol text of gearmand.
CAN_DO_TIMEOUT, ECHO_REQ, ECHO_RES, OPTION_REQ, OPTION_RES, ALL_YOURS, ERROR = 23, 16, 17, 26, 27, 24, 19
GRAB_JOB, GRAB_JOB_ALL, NO_JOB = 9, 39, 10
SUBMIT_JOB, CAN_DO, WORK_COMPLETE = 7, 1, 13


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (packet(ECHO_REQ, b"a\0b"), answer(ECHO_RES, b"a\0b")),
        (packet(OPTION_REQ, b"exceptions"), answer(OPTION_RES, b"exceptions")),
        (packet(GRAB_JOB), answer(NO_JOB)),
        (packet(GRAB_JOB_ALL), answer(NO_JOB)),
        (packet(ALL_YOURS) + packet(GRAB_JOB), answer(NO_JOB)),
    ],
    ids=["echo", "option", "grab", "grab all", "all yours"],
)
def test_it_answers_what_gear_alone_does_not(standalone: Standalone, asked: bytes, answered: bytes) -> None:
    assert standalone.ask(asked, answered) == answered


def test_it_refuses_an_option_that_it_does_not_know(standalone: Standalone) -> None:
    assert standalone.ask(packet(OPTION_REQ, b"other"), b"option\0").startswith(b"\0RES\0\0\0\x13")


def test_a_queue_served_with_a_timeout_is_served(standalone: Standalone) -> None:
    with socket.create_connection(("127.0.0.1", standalone.port)) as worker:
        worker.sendall(packet(CAN_DO_TIMEOUT, b"slow\x0010"))
        wait_until(lambda: is_served(standalone, "slow"), "the queue to be served")


def test_it_says_how_to_try_it_and_nothing_on_standard_output(tmp_path: Path) -> None:
    with Standalone(tmp_path) as started:
        wait_until(lambda: "publish" in started.log, "the hint")
        hint = [line for line in started.log.splitlines() if "terminal" in line or "third" in line]
    assert len(hint) == 2
    assert all(f"--gearman 127.0.0.1:{started.port} news" in line for line in hint)


def hang_up(client: socket.socket) -> None:
    """With RST instead of FIN."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@contextlib.contextmanager
def stopped(server: Standalone) -> Iterator[None]:
    """It stands still; whatever is sent meanwhile meets it all at once."""
    assert server.process is not None
    server.signal(signal.SIGSTOP)
    stat = Path(f"/proc/{server.process.pid}/stat")
    wait_until(lambda: ") T " in stat.read_text(), "the process to stop")
    yield
    server.signal(signal.SIGCONT)


def test_a_client_that_hangs_up_before_its_result_does_not_harm_the_worker(standalone: Standalone) -> None:
    worker, client = (socket.create_connection(("127.0.0.1", standalone.port), timeout=20) for _ in range(2))
    with worker:
        client.sendall(packet(SUBMIT_JOB, b"work\0\0payload"))
        handle = client.recv(1000)[12:]
        worker.sendall(packet(CAN_DO, b"work") + packet(GRAB_JOB))
        assert worker.recv(1000).endswith(b"payload")
        with stopped(standalone):
            worker.sendall(packet(WORK_COMPLETE, handle + b"\0result"))
            hang_up(client)
        worker.sendall(packet(ECHO_REQ, b"still here"))
        assert worker.recv(1000) == answer(ECHO_RES, b"still here")
    assert "Traceback" not in standalone.log


def test_many_clients_may_connect_at_once(standalone: Standalone) -> None:
    with contextlib.ExitStack() as clients, stopped(standalone):
        for _ in range(60):
            clients.enter_context(socket.create_connection(("127.0.0.1", standalone.port), timeout=20))


def test_an_embedded_server_leaves_neither_threads_nor_its_port() -> None:
    threads = threading.active_count()
    with EmbeddedServer(Address("127.0.0.1", 0)) as server:
        address = server.address
        with socket.create_connection(address) as client:
            client.sendall(packet(ECHO_REQ, b"here"))
            assert client.recv(1000) == answer(ECHO_RES, b"here")
            (accepted,) = server._server.active_connections
            assert accepted.conn.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert threading.active_count() == threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_an_embedded_server_knows_where_it_listens() -> None:
    with EmbeddedServer(Address("localhost", 0)) as server:
        socket.create_connection(server.address).close()


@pytest.mark.parametrize(("listen", "own"), [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("192.0.2.1", "192.0.2.1")])
def test_an_own_host_is_an_address_that_can_be_connected_to(listen: str, own: str) -> None:
    assert own_host(listen) == own


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0_and_connections_open(standalone: Standalone, number: signal.Signals) -> None:
    with socket.create_connection(("127.0.0.1", standalone.port)) as client:
        assert standalone.process is not None
        standalone.signal(number)
        assert standalone.process.wait(STOP_LIMIT_S) == exits.OK
        assert client.recv(1) == b""
    assert "Traceback" not in standalone.log


def test_a_taken_port_ends_the_start_with_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run_gearhorn(tmp_path, "standalone", f"--port={port}", f"--data-dir={tmp_path}")
    assert (done.returncode, done.stdout) == (exits.MISCONFIGURED, "")
    message = "the port is taken, perhaps by another Gearman server"
    assert done.stderr == f"gearhorn: cannot listen on 127.0.0.1:{port}: {message}\n"


def test_an_address_of_another_host_ends_the_start_with_one_line(tmp_path: Path) -> None:
    done = run_gearhorn(tmp_path, "standalone", "--port=0", "--listen=192.0.2.1", f"--data-dir={tmp_path}")
    assert done.returncode == exits.MISCONFIGURED
    assert done.stderr == "gearhorn: cannot listen on 192.0.2.1:0: Cannot assign requested address\n"


def test_a_file_is_no_folder_for_data(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run_gearhorn(tmp_path, "standalone", "--port=0", f"--data-dir={tmp_path / 'file'}")
    assert (done.returncode, done.stdout) == (exits.MISCONFIGURED, "")
    assert done.stderr == f"gearhorn: --data-dir {tmp_path}/file is no folder\n"


def test_a_folder_that_cannot_be_made_ends_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run_gearhorn(tmp_path, "standalone", "--port=0", f"--data-dir={tmp_path / 'file' / 'folder'}")
    assert (done.returncode, done.stdout) == (exits.MISCONFIGURED, "")
    assert done.stderr == f"gearhorn: SQLite store {tmp_path}/file/folder/gearhorn.db: Not a directory\n"


@pytest.mark.parametrize("port", ["x", "65536", "-1", ""])
def test_what_is_no_port_is_wrong_usage(tmp_path: Path, port: str) -> None:
    done = run_gearhorn(tmp_path, "standalone", f"--port={port}")
    assert done.returncode == exits.USAGE
    assert f"{port!r} is no port" in done.stderr


def test_servers_and_stores_of_a_configuration_file_are_left_alone(tmp_path: Path) -> None:
    settings = tmp_path / "other.conf"
    settings.write_text(
        "[gearman]\nservers = 192.0.2.1\ntls = on\nca_file = /no/file\n[store]\nurl = redis://192.0.2.1\n"
    )
    with Standalone(tmp_path, [f"--config-file={settings}"]) as started:
        assert "192.0.2.1" not in started.log
        assert (tmp_path / "data" / "gearhorn.db").exists()
