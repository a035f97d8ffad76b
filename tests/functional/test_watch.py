"""`gearhorn subscribers --watch`, by way of a running service: what it shows, how it ends, and what it outlives."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gearhorn.cmd import exits
from gearhorn.cmd.watch import TTL_S
from gearhorn.store.base import Change, Subscribe
from gearhorn.store.leases import TopicVersion
from gearhorn.store.opening import StoreSettings, open_store
from tests.servers.commands import run_gearhorn
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import GearmanServer
from tests.servers.listener import END_LIMIT_S
from tests.servers.process import wait_until
from tests.servers.standalone import clean_environment
from tests.servers.watcher import Watcher

# Less than the 30 s after which the list is read whatever is heard.
SOON_S = 25.0


async def make_change(store_url: str, change: Change) -> None:
    """In the store itself, as if everybody had been told."""
    store = open_store(StoreSettings(store_url))
    await store.open()
    outcome = await store.apply([change])
    await store.settle([TopicVersion(change.topic, outcome.topics[change.topic].version)])
    await store.close()


class Site:
    """A service, and what people do to its lists."""

    def __init__(self, server: GearmanServer, store_url: str, home: Path) -> None:
        self.server = server
        self.store_url = store_url
        self._home = home

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        done = run_gearhorn(self._home, *arguments, f"--gearman={self.server.address}")
        assert done.returncode == exits.OK, done.stderr
        return done

    def members(self, topic: str) -> list[dict[str, object]]:
        done = run_gearhorn(self._home, "subscribers", topic, "--json", f"--store={self.store_url}")
        return json.loads(done.stdout)

    def watchers(self) -> list[dict[str, object]]:
        return [member for member in self.members("__matchmaking") if str(member["client_id"]).startswith("watch-")]

    def change_silently(self, change: Change) -> None:
        asyncio.run(make_change(self.store_url, change))


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'lists.db'}"


@pytest.fixture
def worker(gearmand: GearmanServer, tmp_path: Path, store_url: str) -> Iterator[GearhornWorker]:
    with GearhornWorker([gearmand.address], store_url, tmp_path / "service") as worker:
        yield worker
    print(worker.log)


@pytest.fixture
def site(worker: GearhornWorker, gearmand: GearmanServer, tmp_path: Path, store_url: str) -> Site:
    return Site(gearmand, store_url, tmp_path / "home")


@pytest.fixture
def watcher(site: Site, tmp_path: Path) -> Watcher:
    return Watcher(site.server.address, site.store_url, tmp_path / "watcher", "news")


# What it shows.


def test_the_list_comes_first_and_then_who_joins_and_who_leaves(site: Site, watcher: Watcher) -> None:
    site.run("subscribe", "news", "alice")
    with watcher:
        watcher.wait_for_lines("alice")
        site.run("subscribe", "memos", "zoe")
        site.run("subscribe", "news", "bob")
        watcher.wait_for_lines("alice", "+bob")
        site.run("subscribe", "news", "bob")
        site.run("unsubscribe", "news", "alice")
        watcher.wait_for_lines("alice", "+bob", "-alice")


def test_programs_get_objects(site: Site, tmp_path: Path) -> None:
    site.run("subscribe", "news", "été")
    with Watcher(site.server.address, site.store_url, tmp_path / "watcher", "news", "--json") as watcher:
        site.run("unsubscribe", "news", "été")
        watcher.wait_for_output(b'"left"')
        lines = [json.loads(line) for line in watcher.output.splitlines()]
    assert lines == [{"event": "listed", "client_id": "été"}, {"event": "left", "client_id": "été"}]


def test_each_of_several_sees_everything(site: Site, tmp_path: Path) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    first, second = (Watcher(site.server.address, site.store_url, folder, "news") for folder in folders)
    with first, second:
        for client_id in ("alice", "bob"):
            site.run("subscribe", "news", client_id)
        for each in (first, second):
            each.wait_for_lines("+alice", "+bob")


def test_a_subscription_that_ends_by_itself_is_told(site: Site, watcher: Watcher) -> None:
    with watcher:
        site.run("subscribe", "news", "alice", "--ttl", "1")
        watcher.wait_for_lines("+alice", "-alice")


def test_a_flush_makes_it_read_again(site: Site, watcher: Watcher) -> None:
    with watcher:
        site.change_silently(Subscribe("news", "alice"))
        site.run("publish", "__matchmaking", "{}")
        wait_until(lambda: watcher.output == b"+alice\n", "alice", SOON_S)


def test_a_topic_of_another_name_for_meeting_does_as_well(gearmand: GearmanServer, tmp_path: Path) -> None:
    settings = tmp_path / "meeting.conf"
    settings.write_text("[matchmaking]\ntopic = __meeting\n")
    configured, store_url = f"--config-file={settings}", f"sqlite:///{tmp_path / 'lists.db'}"
    with GearhornWorker([gearmand.address], store_url, tmp_path / "service", [configured]):
        site = Site(gearmand, store_url, tmp_path / "home")
        with Watcher(gearmand.address, store_url, tmp_path / "watcher", "news", configured) as watcher:
            site.run("subscribe", "news", "alice")
            wait_until(lambda: watcher.output == b"+alice\n", "alice", SOON_S)
            assert watcher.end() == exits.OK


# Standing by.


def test_one_that_stands_still_holds_up_no_change(site: Site, worker: GearhornWorker, watcher: Watcher) -> None:
    with watcher:
        assert watcher.process is not None
        watcher.process.send_signal(signal.SIGSTOP)
        site.run("subscribe", "news", "alice")
        watcher.process.send_signal(signal.SIGCONT)
        watcher.wait_for_lines("+alice")
    assert "acknowledge" not in worker.log


def test_what_was_missed_while_the_gearman_server_was_away_is_read(site: Site, watcher: Watcher) -> None:
    with watcher:
        site.server.kill()
        watcher.wait_for_log("is gone")
        site.change_silently(Subscribe("news", "alice"))
        site.server.start()
        wait_until(lambda: watcher.output == b"+alice\n", "alice", SOON_S)
        site.run("subscribe", "news", "bob")
        watcher.wait_for_lines("+alice", "+bob")


def test_what_changes_before_the_service_knows_the_watcher_is_read(
    gearmand: GearmanServer, store_url: str, tmp_path: Path
) -> None:
    asyncio.run(make_change(store_url, Subscribe("news", "alice")))
    site = Site(gearmand, store_url, tmp_path / "home")
    watcher = Watcher(gearmand.address, store_url, tmp_path / "watcher", "news").launch()
    with contextlib.ExitStack() as stack:
        stack.push(watcher)
        watcher.wait_for_lines("alice")  # there is no service yet to subscribe with
        site.change_silently(Subscribe("news", "bob"))
        with GearhornWorker([gearmand.address], store_url, tmp_path / "service"):
            watcher.wait_for_log("watching")
            wait_until(lambda: watcher.output == b"alice\n+bob\n", "bob", SOON_S)
            assert watcher.end() == exits.OK


# The end.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_leaves_nothing_behind(site: Site, watcher: Watcher, number: signal.Signals) -> None:
    with watcher:
        assert [member["client_id"] for member in site.watchers()] == [
            f"watch-{socket.gethostname()}-{watcher.process.pid if watcher.process else 0}"
        ]
        assert watcher.end(number) == exits.OK
    assert site.watchers() == []
    assert watcher.log == "gearhorn: watching news\n"


def test_one_that_was_killed_goes_away_by_itself(site: Site, watcher: Watcher) -> None:
    with watcher:
        watcher.end(signal.SIGKILL)
    (left,) = site.watchers()
    assert isinstance(left["expires_in_s"], float)
    assert 0 < left["expires_in_s"] <= TTL_S


def test_it_ends_when_nobody_reads_its_output_any_more(site: Site, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    places = [f"--gearman={site.server.address}", f"--store={site.store_url}"]
    command = [sys.executable, "-m", "gearhorn", "subscribers", "--watch", "news", *places]
    environ = clean_environment(tmp_path)
    with subprocess.Popen(command, env=environ, stdout=writer, stderr=subprocess.PIPE) as process:
        os.close(writer)
        assert process.stderr is not None
        assert process.stderr.readline() == b"gearhorn: watching news\n"
        os.close(reader)
        site.run("subscribe", "news", "alice")
        assert process.wait(END_LIMIT_S) == exits.BY_SIGPIPE
        assert process.stderr.read() == b""
    assert site.watchers() == []


def test_a_server_that_is_absent_is_told_at_once(tmp_path: Path) -> None:
    store_url = f"sqlite:///{tmp_path / 'lists.db'}"
    asyncio.run(make_change(store_url, Subscribe("news", "alice")))
    with socket.socket() as nobody:  # bound, and never listening: connections are refused
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        places = [f"--gearman={address}", f"--store={store_url}"]
        done = run_gearhorn(tmp_path, "subscribers", "--watch", "news", *places)
    assert (done.returncode, done.stdout) == (exits.UNREACHABLE, "alice\n")
    assert done.stderr == f"gearhorn: no Gearman server can be reached: {address}: Connection refused\n"


def test_a_store_that_is_absent_is_told_at_once(gearmand: GearmanServer, tmp_path: Path) -> None:
    places = [f"--gearman={gearmand.address}", f"--store=sqlite:///{tmp_path}/none.db"]
    done = run_gearhorn(tmp_path, "subscribers", "--watch", "news", *places)
    assert (done.returncode, done.stdout) == (exits.UNREACHABLE, "")
    assert "there is no SQLite store" in done.stderr
