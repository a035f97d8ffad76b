"""`gearhorn subscribe` and `gearhorn unsubscribe`, by way of a running service."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from gearhorn.cmd import exits
from tests.servers.commands import run_gearhorn
from tests.servers.gearman import Gearmand
from tests.servers.standalone import Standalone


class Site:
    """A service, and commands that use it."""

    def __init__(self, standalone: Standalone) -> None:
        self._standalone = standalone
        self._home = standalone.folder / "home"
        self._home.mkdir()

    def run(self, *arguments: str) -> CompletedProcess[str]:
        environ = {"GEARMAN_SERVERS": self._standalone.address}
        return run_gearhorn(self._home, *arguments, environ=environ)

    def subscribers(self, topic: str) -> list[dict[str, object]]:
        done = self.run("subscribers", topic, "--json", f"--store={self._standalone.store_url}")
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Standalone(tmp_path_factory.mktemp("site")) as standalone:
        yield Site(standalone)


def test_who_is_subscribed_is_on_the_list_until_unsubscribed(site: Site) -> None:
    done = site.run("subscribe", "news", "bob")
    assert (done.returncode, done.stdout, done.stderr) == (exits.OK, "", "gearhorn: bob is subscribed to news\n")
    (bob,) = site.subscribers("news")
    assert (bob["client_id"], bob["expires_in_s"]) == ("bob", None)
    done = site.run("unsubscribe", "news", "bob")
    assert (done.returncode, done.stdout, done.stderr) == (exits.OK, "", "gearhorn: bob is not subscribed to news\n")
    assert site.subscribers("news") == []


def test_a_ttl_is_kept(site: Site) -> None:
    assert site.run("subscribe", "brief", "bob", "--ttl", "900").returncode == exits.OK
    (bob,) = site.subscribers("brief")
    assert isinstance(bob["expires_in_s"], float)
    assert 0 < bob["expires_in_s"] <= 900


def test_a_change_that_is_made_already_is_no_error(site: Site) -> None:
    assert [site.run("subscribe", "twice", "bob").returncode for _ in range(2)] == [exits.OK] * 2
    assert len(site.subscribers("twice")) == 1
    assert [site.run("unsubscribe", "twice", "bob").returncode for _ in range(2)] == [exits.OK] * 2


@pytest.mark.parametrize(("command", "state"), [("subscribe", True), ("unsubscribe", False)])
def test_programs_get_json(site: Site, command: str, state: bool) -> None:
    done = site.run(command, "données", "été", "--json")
    assert (done.returncode, done.stderr) == (exits.OK, "")
    assert json.loads(done.stdout) == {"topic": "données", "client_id": "été", "subscribed": state}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("__matchmakers", "bob"), "is reserved"),
        (("news", ""), "client_id: is empty"),
        (("a\tb", "bob"), "control character"),
        (("subscribe", "fanout"), "belongs to the service"),
        (("x" * 200, "y" * 100), "more than 255"),
    ],
)
def test_names_that_are_none_are_refused_with_one_line(site: Site, names: tuple[str, str], words: str) -> None:
    done = site.run("subscribe", *names)
    assert (done.returncode, done.stdout) == (exits.USAGE, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_queue_that_is_taken_is_refused_by_the_service(site: Site) -> None:
    assert site.run("subscribe", "a_b", "c").returncode == exits.OK
    done = site.run("subscribe", "a", "b_c")
    assert done.returncode == exits.USAGE
    assert done.stderr == "gearhorn: client_id: the queue 'a_b_c' is that of a subscriber of topic 'a_b'\n"
    assert site.subscribers("a") == []


@pytest.mark.parametrize("ttl", ["0", "-1", "nan", "inf", "soon"])
def test_a_ttl_that_is_none_is_wrong_usage(site: Site, ttl: str) -> None:
    done = site.run("subscribe", "news", "bob", f"--ttl={ttl}")
    assert done.returncode == exits.USAGE
    assert "is no number of seconds above 0" in done.stderr


@pytest.mark.parametrize("command", ["subscribe", "unsubscribe"])
def test_without_a_server_there_is_a_status_of_its_own_at_once(tmp_path: Path, command: str) -> None:
    with socket.socket() as nobody:  # bound, and never listening: connections are refused
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        done = run_gearhorn(tmp_path, command, "news", "bob", f"--gearman={address}")
    assert (done.returncode, done.stdout) == (exits.UNREACHABLE, "")
    assert done.stderr == f"gearhorn: no Gearman server can be reached: {address}: Connection refused\n"


@pytest.mark.parametrize("command", ["subscribe", "unsubscribe"])
def test_without_a_worker_there_is_no_answer(tmp_path: Path, command: str) -> None:
    with Gearmand(tmp_path / "gearmand") as gearmand:
        done = run_gearhorn(tmp_path, command, "news", "bob", f"--gearman={gearmand.address}", "--timeout=0.3")
    assert (done.returncode, done.stdout) == (exits.TIMED_OUT, "")
    assert done.stderr.startswith("gearhorn: ")
    assert done.stderr.count("\n") == 1
