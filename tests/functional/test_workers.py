"""`gearhorn workers`, and what `gearhorn workers remove` does for real workers and for leases that nobody renews."""

import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

import gearhorn
from gearhorn.cmd import exits
from gearhorn.store.base import Store, Subscribe
from gearhorn.store.leases import Lease, LeaseKey, read_info
from gearhorn.store.opening import StoreSettings, open_store
from tests.functional.contract.clients import Client, Receiver
from tests.functional.facts.raw import Peer
from tests.servers.commands import LIMIT_S, run_gearhorn, run_on_terminal
from tests.servers.gearhorn_worker import LEASE_TTL_S, GearhornWorker
from tests.servers.gearman import Gearmand, GearmanServer
from tests.servers.process import free_port, wait_until
from tests.servers.standalone import clean_environment
from tests.servers.stores import Redis

COLUMNS = ["worker_id", "since", "lease_left_s", "state", "topics", "subscribers", "version", "address", "servers"]
KEYS = [*COLUMNS, "counters"]
LONG_S = 600.0
INFO = '{"since": 1700000000.5, "address": "box", "servers": ["one:1", "two:2"], "topics": 3, "version": "9"}'

Result = TypeVar("Result")


class Site:
    """A store, and commands that use it."""

    def __init__(self, store_url: str, home: Path) -> None:
        self.store_url = store_url
        self.home = home

    def ask(self, question: Callable[[Store], Awaitable[Result]]) -> Result:
        return asyncio.run(self._ask(question))

    async def _ask(self, question: Callable[[Store], Awaitable[Result]]) -> Result:
        store = open_store(StoreSettings(self.store_url))
        await store.open()
        try:
            return await question(store)
        finally:
            await store.close()

    def hold(self, worker_id: str, ttl_s: float = LONG_S, info: str = INFO) -> LeaseKey:
        """A lease that nobody renews."""
        key = LeaseKey(worker_id, f"token of {worker_id}")
        assert self.ask(lambda store: store.take_lease(key, ttl_s, info)) is None
        return key

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return run_gearhorn(self.home, "workers", *arguments, f"--store={self.store_url}")

    def shown(self) -> list[dict[str, Any]]:
        return json.loads(self.run("--json").stdout)

    def states(self) -> dict[str, str]:
        return {worker["worker_id"]: worker["state"] for worker in self.shown()}

    def leases(self) -> dict[str, Lease]:
        """Quicker to ask than the command, for those who wait."""
        return {lease.key.worker_id: lease for lease in self.ask(lambda store: store.leases())}

    def wait_until_run_out(self, worker_id: str) -> None:
        wait_until(lambda: self.leases()[worker_id].left_s <= 0, "the end of the lease")

    def wait_until_revoked(self, worker_id: str) -> None:
        wait_until(lambda: self.leases()[worker_id].is_revoked, "the command")

    def members(self) -> list[str]:
        """Who is on the list of the topic where workers meet."""
        return [each.client_id for each in self.ask(lambda store: store.subscriptions("__matchmaking"))]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(f"sqlite:///{tmp_path / 'lists.db'}", tmp_path / "home")
    site.ask(lambda store: store.leases())  # now it is there
    return site


@pytest.fixture(params=["sqlite", "redis"])
def any_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    if request.param == "sqlite":
        yield request.getfixturevalue("site")
        return
    with Redis(tmp_path / "redis") as redis:
        yield Site(f"redis://127.0.0.1:{redis.port}", tmp_path / "home")


def work(site: Site, server: GearmanServer, folder: Path, *others: GearmanServer) -> GearhornWorker:
    return GearhornWorker([each.address for each in (server, *others)], site.store_url, folder)


# What is shown.


def test_each_worker_is_shown_with_what_it_tells(any_site: Site, gearmand: GearmanServer, tmp_path: Path) -> None:
    with work(any_site, gearmand, tmp_path / "a") as first, work(any_site, gearmand, tmp_path / "b") as second:
        workers = any_site.shown()
    assert [worker["worker_id"] for worker in workers] == sorted([first.worker_id, second.worker_id])
    for worker in workers:
        assert list(worker) == KEYS
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", worker["since"])
        assert 0 < worker["lease_left_s"] <= LEASE_TTL_S
        assert (worker["state"], worker["version"]) == ("held", gearhorn.__version__)
        assert (worker["address"], worker["servers"]) == (socket.gethostname(), [gearmand.address])


def test_what_a_worker_keeps_in_memory_is_counted(site: Site, gearmand: GearmanServer, tmp_path: Path) -> None:
    with work(site, gearmand, tmp_path / "service"):
        client = Client(gearmand)
        for client_id in ("alice", "bob"):
            client.request("subscribe_fanout", {"topic": "news", "client_id": client_id})
        client.request("fanout", {"topic": "news", "payload": "hello", "background": True})
        client.close()
        # beside that of the topic where workers meet
        wait_until(lambda: read_info(*site.leases().values())["topics"] == 2, "the lists in memory and a renewal")
        (worker,) = site.shown()
        assert (worker["topics"], worker["subscribers"]) == (2, 3)


def test_a_worker_that_stops_is_not_shown(site: Site, gearmand: GearmanServer, tmp_path: Path) -> None:
    with work(site, gearmand, tmp_path / "service"):
        assert len(site.shown()) == 1
    done = site.run()
    assert (done.returncode, done.stdout, done.stderr) == (exits.NO_WORKER, "", "gearhorn: no worker holds a lease\n")


def test_a_worker_that_was_killed_is_shown_as_gone(site: Site, gearmand: GearmanServer, tmp_path: Path) -> None:
    with work(site, gearmand, tmp_path / "service") as worker:
        worker.kill()
        site.wait_until_run_out(worker.worker_id)
        (shown,) = site.shown()
        assert (shown["worker_id"], shown["state"]) == (worker.worker_id, "ran out")
        assert shown["lease_left_s"] <= 0


def test_a_lease_that_is_waited_for_is_shown_as_such(any_site: Site) -> None:
    key = any_site.hold("host")
    any_site.ask(lambda store: store.revoke_leases([key]))
    (worker,) = any_site.shown()
    assert worker["state"] == "revoked"
    assert 0 < worker["lease_left_s"] <= LONG_S


def test_a_revoked_lease_that_ran_out_is_shown_as_gone(site: Site) -> None:
    key = site.hold("host", 0.05)
    site.ask(lambda store: store.revoke_leases([key]))
    site.wait_until_run_out("host")
    assert site.states() == {"host": "ran out"}


def test_a_pipe_gets_lines_with_tabs(site: Site) -> None:
    site.hold("host b")
    site.hold("host a")
    lines = site.run().stdout.splitlines()
    told = r"2023-11-14T22:13:20Z\t(600|59\d)\theld\t3\t\t9\tbox\tone:1,two:2"
    assert [bool(re.fullmatch(rf"host {letter}\t{told}", line)) for letter, line in zip("ab", lines, strict=True)] == [
        True,
        True,
    ]


def test_a_terminal_gets_a_table(site: Site) -> None:
    site.hold("host")
    shown = run_on_terminal(site.home, "workers", f"--store={site.store_url}", COLUMNS="160", NO_COLOR="1")
    head, row, more = (re.split(r" {2,}", re.sub(r"\x1b\[[0-9;]*m", "", line).strip()) for line in shown.splitlines())
    assert head == [column.replace("_", " ") for column in COLUMNS]
    assert (row[0], row[-1], more) == ("host", "one:1", ["two:2"])


@pytest.mark.parametrize(
    "info",
    ["{}", "", "[1]", '{"since": "now", "servers": 1, "topics": "many", "version": 2}', '{"since": 1e300}'],
)
def test_what_a_worker_does_not_tell_is_null(site: Site, info: str) -> None:
    site.hold("host", info=info)
    (worker,) = site.shown()
    assert [worker[column] for column in COLUMNS[4:]] == [None, None, None, None, []]
    assert (worker["worker_id"], worker["since"], worker["state"]) == ("host", None, "held")


def test_no_workers_are_a_list_as_well(site: Site) -> None:
    done = site.run("--json")
    assert (done.returncode, done.stdout) == (exits.NO_WORKER, "[]\n")


# Removing.


@pytest.fixture
def gone(any_site: Site, gearmand: GearmanServer, tmp_path: Path) -> str:
    """The id of a worker that was killed a moment ago, and whose queue has a message."""
    with work(any_site, gearmand, tmp_path / "gone") as worker:
        wait_until(lambda: worker.worker_id in any_site.members(), "its name on the list")
        worker.kill()
    peer = Peer(gearmand)
    peer.submit(b"__matchmaking_" + worker.worker_id.encode(), b"", b"{}")
    peer.close()
    return worker.worker_id


def test_of_a_worker_that_was_killed_nothing_is_left(any_site: Site, gearmand: GearmanServer, gone: str) -> None:
    done = any_site.run("remove", gone, f"--gearman={gearmand.address}")
    assert (done.returncode, done.stdout) == (exits.OK, "")
    waiting, emptied, removed = done.stderr.splitlines()
    assert re.search(rf"the lease of {gone} is revoked; waiting up to [0-3]\.\d s", waiting)
    assert emptied == f"gearhorn: took 1 messages off the queue of {gone} on {gearmand.address}"
    assert removed == f"gearhorn: {gone} is removed"
    assert (any_site.shown(), any_site.members()) == ([], [])
    peer = Peer(gearmand)
    assert (peer.counts_of(b"__matchmaking_" + gone.encode()) or [0])[0] == 0
    peer.close()


def test_other_workers_stay(site: Site, gearmand: GearmanServer, tmp_path: Path) -> None:
    with work(site, gearmand, tmp_path / "other") as other:
        site.hold("host", 5.0)
        done = site.run("remove", "host", f"--gearman={gearmand.address}")
        assert done.returncode == exits.OK, done.stderr
        assert set(site.leases()) == {other.worker_id}
        assert site.members() == [other.worker_id]


def test_where_other_workers_hold_leases_the_service_takes_it_off_the_list(
    site: Site, gearmand: GearmanServer, tmp_path: Path
) -> None:
    """They may have the list in memory. Here the test is the service."""
    settings = tmp_path / "meeting.conf"
    settings.write_text("[matchmaking]\ntopic = __meeting\n[worker]\nunsubscribe_queue = leave\n")
    site.hold("other")
    site.hold("host", 0.05)
    service = Receiver(gearmand)
    service.can_do(b"leave")
    arguments = ["remove", "host", f"--config-file={settings}", f"--gearman={gearmand.address}"]
    with start(site, *arguments) as command:
        job = service.take()
        assert json.loads(job.payload) == {"topic": "__meeting", "client_id": "host"}
        assert set(site.leases()) == {"host", "other"}
        service.complete(job.handle)
        assert command.wait(LIMIT_S) == exits.OK
    service.close()
    assert set(site.leases()) == {"other"}


def test_where_nobody_else_holds_a_lease_no_service_is_needed(site: Site, gearmand: GearmanServer) -> None:
    site.hold("host", 0.05)
    site.ask(lambda store: store.apply([Subscribe("__matchmaking", "host"), Subscribe("__matchmaking", "observer")]))
    done = site.run("remove", "host", f"--gearman={gearmand.address}")
    assert (done.returncode, site.members(), site.leases()) == (exits.OK, ["observer"], {})


def test_a_lease_that_has_run_out_is_not_waited_for(site: Site, gearmand: GearmanServer) -> None:
    site.hold("host", 0.01)
    site.wait_until_run_out("host")
    done = site.run("remove", "host", f"--gearman={gearmand.address}")
    assert (done.returncode, done.stderr) == (exits.OK, "gearhorn: host is removed\n")


def test_nothing_is_taken_before_the_lease_has_run_out(site: Site, gearmand: GearmanServer) -> None:
    key = site.hold("host", 5.0)
    site.ask(lambda store: store.apply([Subscribe("__matchmaking", "host")]))
    with start(site, "remove", "host", f"--gearman={gearmand.address}") as command:
        site.wait_until_revoked("host")
        assert not site.ask(lambda store: store.renew_lease(key, LONG_S, INFO)).is_held
        assert site.members() == ["host"]
        assert command.wait(LIMIT_S) == exits.OK
    assert (site.members(), site.leases()) == ([], {})


def test_a_worker_with_a_new_lease_stays(site: Site, gearmand: GearmanServer) -> None:
    old = site.hold("host")
    site.ask(lambda store: store.apply([Subscribe("__matchmaking", "host")]))
    with start(site, "remove", "host", f"--gearman={gearmand.address}") as command:
        site.wait_until_revoked("host")
        new = LeaseKey("host", "new")
        assert site.ask(lambda store: store.take_lease(new, LONG_S, INFO, [old.token])) is None
        assert command.wait(LIMIT_S) == exits.ERROR
        assert command.stderr is not None
        assert command.stderr.read().endswith(b"gearhorn: host is alive: it has taken a new lease, and stays\n")
    assert (site.members(), site.states()) == (["host"], {"host": "held"})


def test_a_worker_that_is_alive_comes_back_by_itself(site: Site, gearmand: GearmanServer, tmp_path: Path) -> None:
    with work(site, gearmand, tmp_path / "service") as worker:
        done = site.run("remove", worker.worker_id, f"--gearman={gearmand.address}")
        assert done.returncode in (exits.OK, exits.ERROR)
        assert "a worker that is alive takes a new one by itself" in done.stderr.lower()
        wait_until(lambda: held(site.leases().get(worker.worker_id)), "its next lease", LIMIT_S)
        wait_until(lambda: site.members() == [worker.worker_id], "its name on the list", LIMIT_S)


def test_one_that_is_not_there_is_told(site: Site, gearmand: GearmanServer) -> None:
    site.hold("host")
    done = site.run("remove", "ghost", f"--gearman={gearmand.address}")
    assert (done.returncode, done.stdout, done.stderr) == (exits.NO_WORKER, "", "gearhorn: there is no worker ghost\n")
    assert site.states() == {"host": "held"}


def test_without_a_gearman_server_nothing_is_begun(site: Site) -> None:
    site.hold("host")
    address = f"127.0.0.1:{free_port()}"
    done = site.run("remove", "host", f"--gearman={address}")
    assert done.returncode == exits.UNREACHABLE
    assert done.stderr == f"gearhorn: no Gearman server can be reached: {address}: Connection refused\n"
    assert site.states() == {"host": "held"}


def test_a_server_whose_queue_cannot_be_emptied_is_named(site: Site, gearmand: GearmanServer) -> None:
    site.hold("host", 0.05)
    away = f"127.0.0.1:{free_port()}"
    done = site.run("remove", "host", f"--gearman={away},{gearmand.address}")
    assert done.returncode == exits.OK
    assert f"gearhorn: {away} cannot be reached: messages to host may be left there\n" in done.stderr
    assert gearmand.address not in done.stderr


def test_the_queue_is_emptied_on_every_server(site: Site, gearmand: GearmanServer, tmp_path: Path) -> None:
    site.hold("host", 0.05)
    with Gearmand(tmp_path / "second") as second:
        for server in (gearmand, second):
            peer = Peer(server)
            for _ in range(300):
                peer.submit(b"__matchmaking_host", b"", b"{}")
            peer.close()
        done = site.run("remove", "host", f"--gearman={gearmand.address}", f"--gearman={second.address}")
        assert done.stderr.count("took 300 messages off the queue of host") == 2


def test_options_may_stand_before_the_word_remove(site: Site, gearmand: GearmanServer) -> None:
    site.hold("host", 0.05)
    places = [f"--store={site.store_url}", "--log-level=error"]
    done = run_gearhorn(site.home, "workers", *places, "remove", "host", f"--gearman={gearmand.address}")
    assert (done.returncode, site.leases()) == (exits.OK, {})


@pytest.mark.parametrize("arguments", [["remove"], ["remove", "a", "b"], ["forget", "a"], ["a"]])
def test_wrong_usage_is_told(site: Site, arguments: Sequence[str]) -> None:
    done = site.run(*arguments)
    assert (done.returncode, done.stdout) == (exits.USAGE, "")
    assert done.stderr.startswith("usage: gearhorn")


def held(lease: Lease | None) -> bool:
    return lease is not None and lease.left_s > 0 and not lease.is_revoked


def start(site: Site, *arguments: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "gearhorn", "workers", *arguments, f"--store={site.store_url}"]
    return subprocess.Popen(command, env=clean_environment(site.home), stderr=subprocess.PIPE)
