"""The life of `gearhorn worker`: when it says that it is ready, what it waits for, what it ends with."""

import contextlib
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gearhorn.cmd import exits
from tests.functional.contract.clients import Client, Receiver
from tests.functional.facts.raw import Kind, Peer, packet
from tests.servers.gearhorn_worker import NO_PAGES, READY, GearhornWorker
from tests.servers.gearman import Geard, Gearmand, GearmanServer
from tests.servers.process import wait_until
from tests.servers.stores import Redis

END_LIMIT_S = 30.0
STOP_SIGNALS = [signal.SIGTERM, signal.SIGINT]
GRAB = packet(Kind.GRAB_JOB_UNIQ)
QUEUES = (b"fanout", b"subscribe_fanout", b"register_fanout_subscriber", b"unsubscribe_fanout")


class Worker(GearhornWorker):
    """A worker that is started without waiting for more than a word in its log."""

    def __init__(
        self, servers: list[GearmanServer], folder: Path, store_url: str = "memory://", **options: str
    ) -> None:
        super().__init__([server.address for server in servers], store_url, folder / "worker")
        lines = [f"{name} = {value}\n" for name, value in options.items()]
        (self.folder / "gearhorn.conf").write_text("[worker]\n" + "".join(lines))
        self.awaited = READY

    def is_ready(self) -> bool:
        return self.awaited in self.log

    def wait_for(self, words: str) -> None:
        wait_until(lambda: words in self.log, f"{words!r} in {self.log}")

    def ends(self, number: signal.Signals | None = None) -> int:
        """The status that it ends with, when it got the signal."""
        assert self.process is not None
        if number is not None:
            self.signal(number)
        return self.process.wait(END_LIMIT_S)


def redis_url(redis: Redis) -> str:
    return f"redis://127.0.0.1:{redis.port}"


@contextlib.contextmanager
def awaiting(worker: Worker, words: str = READY) -> Iterator[Worker]:
    worker.awaited = words
    with worker:
        yield worker
    print(worker.log)
    assert "Traceback" not in worker.log


def worker_counts(server: GearmanServer) -> list[int]:
    """How many workers there are at each of the service's queues."""
    peer = Peer(server)
    counts = [(peer.counts_of(queue) or [0, 0, 0])[2] for queue in QUEUES]
    peer.close()
    return counts


class Fanout:
    """A foreground fanout whose one receiver has its copy, and is slow."""

    def __init__(self, server: GearmanServer, **keys: object) -> None:
        self.client = Client(server)
        self.receiver = Receiver(server)
        self.client.request("subscribe_fanout", {"topic": "news", "client_id": "bob"})
        self.receiver.can_do(b"news_bob")
        self.handle = self.client.start("fanout", {"topic": "news", "payload": "hi", "timeout": 100, **keys})
        self.copy = self.receiver.take()

    def finish_copy(self) -> None:
        self.receiver.complete(self.copy.handle)

    def count(self) -> int:
        return self.client.finish(self.handle).count

    def close(self) -> None:
        self.client.close()
        self.receiver.close()


@contextlib.contextmanager
def waiting_fanout(server: GearmanServer) -> Iterator[Fanout]:
    fanout = Fanout(server)
    yield fanout
    fanout.close()


# Ready


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket that systemd would listen on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listener


def heard(told: socket.socket) -> list[bytes]:
    """What systemd has been told since it was last asked."""
    messages = []
    with contextlib.suppress(BlockingIOError):
        while True:
            messages.append(told.recv(1000))
    return messages


def test_it_is_ready_when_its_queues_are_served(
    tmp_path: Path, gearman_server: GearmanServer, told: socket.socket
) -> None:
    with awaiting(Worker([gearman_server], tmp_path)) as worker:
        assert worker_counts(gearman_server) == [1, 1, 1, 1]
        ready_at = worker.log.index("ready: serves the queues fanout, ")
        assert f"on {gearman_server.address}\n" in worker.log[ready_at:]
        wait_until(lambda: heard(told) == [b"READY=1"], "systemd to be told")
        assert worker.ends(signal.SIGTERM) == exits.OK
        assert heard(told) == [b"STOPPING=1"]


def test_it_tells_systemd_nothing_before_the_log(tmp_path: Path, told: socket.socket) -> None:
    with awaiting(Worker([], tmp_path, redis_url(Redis(tmp_path / "away"))), "cannot be reached") as worker:
        assert READY not in worker.log
        assert worker.ends(signal.SIGTERM) == exits.OK
    assert heard(told) == []


def test_it_is_not_ready_before_a_server_has_answered(tmp_path: Path) -> None:
    server = Gearmand(tmp_path / "silent")
    with socket.create_server(("127.0.0.1", server.port)) as silent:
        silent.settimeout(END_LIMIT_S)
        with awaiting(Worker([server], tmp_path, drain_timeout="0"), "") as worker:
            accepted = [silent.accept()[0] for link in ("copies", "jobs")]
            wait_until(lambda: GRAB in accepted[1].recv(10_000), "it to grab a job")
            assert worker.ends(signal.SIGTERM) == exits.OK
            assert READY not in worker.log
            assert "unfinished" not in worker.log
            for connection in accepted:
                connection.close()


def test_without_systemd_it_is_ready_all_the_same(tmp_path: Path, gearmand: Gearmand) -> None:
    with awaiting(Worker([gearmand], tmp_path)) as worker:
        assert "systemd" not in worker.log


# The end


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_fanout_that_waits_is_finished_and_answered_before_the_end(
    tmp_path: Path, gearman_server: GearmanServer, number: signal.Signals
) -> None:
    with awaiting(Worker([gearman_server], tmp_path)) as worker, waiting_fanout(gearman_server) as fanout:
        worker.signal(number)
        worker.wait_for("stopping: 1 jobs to finish")
        fanout.client.catch_up()
        assert not fanout.client.has_ended(fanout.handle)
        fanout.finish_copy()
        assert fanout.count() == 1
        assert worker.ends() == exits.OK
        assert worker_counts(gearman_server) == [0, 0, 0, 0]
        assert "stopped" in worker.log


def test_a_worker_that_stops_takes_no_more_jobs(tmp_path: Path, gearman_server: GearmanServer) -> None:
    with awaiting(Worker([gearman_server], tmp_path)) as worker, waiting_fanout(gearman_server) as fanout:
        worker.signal(signal.SIGTERM)
        worker.wait_for("stopping: ")
        late = fanout.client.start("fanout", {"topic": "news", "payload": "late", "background": True})
        fanout.finish_copy()
        assert fanout.count() == 1
        assert worker.ends() == exits.OK
        fanout.client.catch_up()
        assert not fanout.client.has_ended(late)
        assert fanout.client.counts_of(b"fanout") == [1, 0, 0]


def test_a_job_that_is_not_finished_in_time_goes_to_another_worker(tmp_path: Path, gearmand: Gearmand) -> None:
    store = f"sqlite:///{tmp_path}/store.db"
    worker = Worker([gearmand], tmp_path, store, drain_timeout="0.2")
    with awaiting(worker), waiting_fanout(gearmand) as fanout:
        assert worker.ends(signal.SIGTERM) == exits.OK
        assert worker.log.count(f"WARNING jobs.given_back: gave 1 unfinished jobs back to {gearmand.address}\n") == 1
        with awaiting(Worker([gearmand], tmp_path / "second", store)):
            fanout.finish_copy()
            again = fanout.receiver.take()
            fanout.receiver.complete(again.handle)
            assert fanout.count() == 1


def test_a_second_signal_cuts_the_wait_short(tmp_path: Path, gearmand: Gearmand) -> None:
    worker = Worker([gearmand], tmp_path, drain_timeout="1000")
    with awaiting(worker), waiting_fanout(gearmand) as fanout:
        worker.signal(signal.SIGTERM)
        worker.wait_for("stopping: 1 jobs")
        assert worker.ends(signal.SIGINT) == exits.OK
        assert "gave 1 unfinished jobs back" in worker.log
        assert fanout.client.counts_of(b"fanout") == [1, 0, 0]


def test_a_worker_that_holds_nothing_ends_at_once(tmp_path: Path, gearman_server: GearmanServer) -> None:
    with awaiting(Worker([gearman_server], tmp_path, drain_timeout="1000")) as worker:
        assert worker.ends(signal.SIGTERM) == exits.OK
        assert worker_counts(gearman_server) == [0, 0, 0, 0]


# What is away is waited for


def fanout_of_nobody(server: GearmanServer) -> bytes:
    """The answer to a fanout on a topic that nobody has subscribed to."""
    client = Client(server)
    answer = client.request("fanout", {"topic": "silence", "payload": ""})
    client.close()
    return answer.data


def test_a_store_that_is_away_at_the_start_is_waited_for_and_that_is_said_once(
    tmp_path: Path, gearmand: Gearmand
) -> None:
    redis = Redis(tmp_path / "redis")
    worker = Worker([gearmand], tmp_path, redis_url(redis))
    with awaiting(worker, "the store cannot be reached"):
        Connections(redis.port).refuse(3)
        assert worker_counts(gearmand) == [0, 0, 0, 0]
        assert READY not in worker.log
        with redis:
            worker.wait_for(READY)
            assert fanout_of_nobody(gearmand) == b"0"
        assert worker.log.count("the store cannot be reached") == 1


class Connections:
    """Counts those that come to a port, and closes them at once."""

    def __init__(self, port: int) -> None:
        self._port = port

    def refuse(self, count: int) -> None:
        """Returns when so many have come: then a program that says each try has said it more than once."""
        with socket.create_server(("127.0.0.1", self._port)) as listener:
            listener.settimeout(END_LIMIT_S)
            for _ in range(count):
                listener.accept()[0].close()


@pytest.mark.parametrize("kind", [Gearmand, Geard])
def test_a_gearman_server_that_is_away_at_the_start_is_waited_for_and_that_is_said_once(
    tmp_path: Path, kind: type[GearmanServer]
) -> None:
    server = kind(tmp_path / "server")
    with awaiting(Worker([server], tmp_path), "cannot be reached") as worker:
        Connections(server.port).refuse(3)
        assert READY not in worker.log
        with server:
            worker.wait_for(READY)
            assert fanout_of_nobody(server) == b"0"
            worker.wait_for("(copies) is back")
            said = [line for line in worker.log.splitlines() if "trying again" in line]
            assert sum("(copies)" in line for line in said) == 1
            assert sum("(jobs)" in line for line in said) <= 1  # they are not asked for before copies can be sent


def test_one_server_of_two_is_enough_to_be_ready(tmp_path: Path, gearmand: Gearmand) -> None:
    away = Gearmand(tmp_path / "away")
    with awaiting(Worker([away, gearmand], tmp_path)) as worker:
        assert fanout_of_nobody(gearmand) == b"0"
        with away:
            wait_until(lambda: worker_counts(away) == [1, 1, 1, 1], "the other server to be served as well")
            assert fanout_of_nobody(away) == b"0"
        assert worker.ends(signal.SIGTERM) == exits.OK


def test_a_server_that_is_started_again_is_served_again_and_that_is_said_once(
    tmp_path: Path, gearman_server: GearmanServer
) -> None:
    with awaiting(Worker([gearman_server], tmp_path)) as worker:
        gearman_server.stop()
        worker.wait_for("(jobs) is gone")
        worker.wait_for("(copies) is gone")
        Connections(gearman_server.port).refuse(6)
        gearman_server.start()
        worker.wait_for("(jobs) is back")
        worker.wait_for("(copies) is back")
        wait_until(lambda: worker_counts(gearman_server) == [1, 1, 1, 1], "its queues to be served again")
        assert fanout_of_nobody(gearman_server) == b"0"
        assert worker.log.count(READY) == 1
        assert worker.log.count("trying again") == 2
        assert worker.log.count(") is back\n") == 2


def test_a_redis_that_is_started_again_is_asked_again(tmp_path: Path, gearmand: Gearmand) -> None:
    with Redis(tmp_path / "redis") as redis, awaiting(Worker([gearmand], tmp_path, redis_url(redis))):
        assert fanout_of_nobody(gearmand) == b"0"
        redis.restart()
        assert fanout_of_nobody(gearmand) == b"0"


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_worker_that_waits_for_its_store_ends_when_told_to(tmp_path: Path, number: signal.Signals) -> None:
    with awaiting(Worker([], tmp_path, redis_url(Redis(tmp_path / "away"))), "cannot be reached") as worker:
        assert worker.ends(number) == exits.OK


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_worker_that_waits_for_its_server_ends_when_told_to(tmp_path: Path, number: signal.Signals) -> None:
    with awaiting(Worker([Gearmand(tmp_path / "away")], tmp_path), "cannot be reached") as worker:
        assert worker.ends(number) == exits.OK


# What waiting does not mend


def start_line(folder: Path, settings: str, *arguments: str) -> tuple[int, str]:
    """The status and the one line that a worker ends with that cannot start."""
    file = folder / "gearhorn.conf"
    file.write_text(settings)
    file.chmod(0o600)  # or there would be a second line about a file with secrets that everybody may read
    quiet = folder / "quiet.conf"  # or another worker of this machine may have the port of the pages
    quiet.write_text(NO_PAGES)
    files = [f"--config-file={each}" for each in (quiet, file)]
    command = [sys.executable, "-m", "gearhorn", "worker", *files, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=END_LIMIT_S, check=False)
    assert done.stdout == ""
    assert re.fullmatch(r"gearhorn: [^\n]+\n", done.stderr), done.stderr
    return done.returncode, done.stderr.removeprefix("gearhorn: ").removesuffix("\n")


@pytest.mark.parametrize(
    ("settings", "arguments", "words"),
    [
        ("", ["--store=oracle://host"], "no store has the URL scheme oracle://"),
        ("[store]\nurl = redis://127.0.0.1:many\n", [], "a port of the redis:// store URL is not a number"),
        ("", ["--store=sqlite:////dev/null/x/y"], "SQLite store /dev/null/x/y: Not a directory"),
        ("", ["--gearman=127.0.0.1:0"], "'127.0.0.1:0' is no server address"),
        ("", ["--log-level=loud"], "[DEFAULT] log_level: "),
        ("[worker]\ndrain_timout = 3\n", [], "[worker] drain_timout is no option"),
        ("[worker]\ndrain_timeout = soon\n", [], "[worker] drain_timeout: "),
        ("[worker]\nfanout_queue = fan out\n", [], "[worker] 'fan out' is no name for a queue"),
        ("[worker\n", [], "the configuration cannot be read: "),
        ("[signing]\nkeys_file = /no/where\n", [], "the keys file /no/where"),
        ("[gearman]\ntls = on\ncert_file = /no/where.pem\n", [], "the certificate '/no/where.pem' cannot be used"),
        ("", ["--config-file=/no/where.conf"], "/no/where.conf"),
    ],
)
def test_what_only_the_operator_can_mend_ends_the_start_with_one_line(
    tmp_path: Path, settings: str, arguments: list[str], words: str
) -> None:
    status, line = start_line(tmp_path, settings, *arguments)
    assert status == exits.MISCONFIGURED
    assert words in line


def test_a_file_that_is_no_certificate_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("-----BEGIN NONSENSE-----\n")
    (tmp_path / "cert.pem").chmod(0o600)
    status, line = start_line(tmp_path, f"[gearman]\ntls = on\ncert_file = {tmp_path}/cert.pem\n")
    assert status == exits.MISCONFIGURED
    assert f"the certificate '{tmp_path}/cert.pem' cannot be used" in line


def test_a_refused_password_ends_the_start_and_is_not_shown(tmp_path: Path) -> None:
    with Redis(tmp_path / "redis", "--requirepass", "right") as redis:
        status, line = start_line(tmp_path, f"[store]\nurl = redis://:sesame@127.0.0.1:{redis.port}/0\n")
    assert status == exits.MISCONFIGURED
    assert "password" in line
    assert "sesame" not in line


def test_an_unknown_option_on_the_command_line_is_wrong_usage(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gearhorn", "worker", "--no-such-option"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=END_LIMIT_S, check=False)
    assert done.returncode == exits.USAGE
    assert "--no-such-option" in done.stderr
    assert "Traceback" not in done.stderr
