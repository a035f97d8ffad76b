"""`gearhorn topics` and `gearhorn subscribers`, on a store that the service has written, and on none."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gearhorn.cmd import exits
from gearhorn.matchmaking.losses import LOSS
from gearhorn.store.base import Change, Subscribe
from gearhorn.store.opening import StoreSettings, open_store
from tests.servers.commands import run_gearhorn, run_on_terminal
from tests.servers.process import free_port
from tests.servers.standalone import clean_environment
from tests.servers.stores import Memcached, Redis

LISTS = (Subscribe("news", "bob"), Subscribe("news", "eve", 5000.0), Subscribe("memos", "bob"))


async def _fill(url: str, changes: tuple[Change, ...]) -> None:
    store = open_store(StoreSettings(url=url))
    await store.open()
    await store.apply(changes)
    await store.close()


def fill(url: str, *changes: Change) -> None:
    asyncio.run(_fill(url, changes))


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/store.db"
    fill(url, *LISTS)
    return url


def test_topics_come_as_lines_sorted_by_name(tmp_path: Path, store_url: str) -> None:
    done = run_gearhorn(tmp_path, "topics", f"--store={store_url}")
    assert (done.returncode, done.stdout, done.stderr) == (exits.OK, "memos\t1\nnews\t2\n", "")


def test_topics_come_as_json(tmp_path: Path, store_url: str) -> None:
    done = run_gearhorn(tmp_path, "topics", f"--store={store_url}", "--json")
    assert json.loads(done.stdout) == [{"topic": "memos", "subscribers": 1}, {"topic": "news", "subscribers": 2}]


def test_subscribers_come_with_the_seconds_that_they_have_left(tmp_path: Path, store_url: str) -> None:
    done = run_gearhorn(tmp_path, "subscribers", "news", f"--store={store_url}")
    assert done.returncode == exits.OK
    assert re.fullmatch(r"bob\t\t\t\t\neve\t(4\d\d\d|5000)\t\t\t\n", done.stdout)


def test_a_server_that_cannot_be_asked_is_named_and_the_list_is_shown_all_the_same(
    tmp_path: Path, store_url: str
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        done = run_gearhorn(tmp_path, "subscribers", "memos", f"--store={store_url}", f"--gearman={address}")
    assert (done.returncode, done.stdout) == (exits.OK, "bob\t\t\t\t\n")
    assert done.stderr == f"gearhorn: Gearman server {address} cannot be asked: Connection refused\n"


def test_subscribers_come_as_json(tmp_path: Path, store_url: str) -> None:
    bob, eve = json.loads(run_gearhorn(tmp_path, "subscribers", "news", f"--store={store_url}", "--json").stdout)
    unknown = {"state": None, "backlog": None, "since": None}
    assert bob == {"client_id": "bob", "expires_in_s": None, **unknown}
    assert eve["client_id"] == "eve"
    assert 0 < eve["expires_in_s"] <= 5000


@pytest.mark.parametrize(("option", "output"), [([], ""), (["--json"], "[]\n")], ids=["lines", "json"])
def test_a_topic_without_subscribers_has_a_status_of_its_own(
    tmp_path: Path, store_url: str, option: list[str], output: str
) -> None:
    done = run_gearhorn(tmp_path, "subscribers", "nothing", f"--store={store_url}", *option)
    assert (done.returncode, done.stdout) == (exits.NOBODY_SUBSCRIBED, output)
    assert done.stderr == "gearhorn: nobody is subscribed to nothing\n"


def test_no_topics_are_no_error(tmp_path: Path) -> None:
    fill(f"sqlite:///{tmp_path}/empty.db")
    done = run_gearhorn(tmp_path, "topics", f"--store=sqlite:///{tmp_path}/empty.db")
    assert (done.returncode, done.stdout, done.stderr) == (exits.OK, "", "")


@pytest.mark.parametrize("topic", ["", "__matchmakers", "a\nb"])
def test_a_name_that_is_none_is_wrong_usage(tmp_path: Path, store_url: str, topic: str) -> None:
    done = run_gearhorn(tmp_path, "subscribers", topic, f"--store={store_url}")
    assert (done.returncode, done.stdout) == (exits.USAGE, "")
    assert done.stderr.startswith("gearhorn: topic: ")


def test_the_topic_where_workers_meet_can_be_looked_at(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    fill(url, Subscribe("__matchmaking", "host"), Subscribe("__meeting", "host"))
    settings = tmp_path / "meeting.conf"
    settings.write_text("[matchmaking]\ntopic = __meeting\n")
    assert run_gearhorn(tmp_path, "subscribers", "__matchmaking", f"--store={url}").stdout == "host\t\t\t\t\n"
    configured = [f"--store={url}", f"--config-file={settings}"]
    assert run_gearhorn(tmp_path, "subscribers", "__meeting", *configured).stdout == "host\t\t\t\t\n"
    assert run_gearhorn(tmp_path, "subscribers", "__matchmaking", *configured).returncode == exits.USAGE


@pytest.mark.parametrize("server", [Redis, Memcached], ids=["redis", "memcached"])
def test_lists_on_servers_are_shown_as_well(tmp_path: Path, server: type[Redis] | type[Memcached]) -> None:
    with server(tmp_path / "server") as running:
        url = f"{'redis' if server is Redis else 'memcached'}://127.0.0.1:{running.port}"
        fill(url, *LISTS)
        done = run_gearhorn(tmp_path, "topics", f"--store={url}")
    assert (done.returncode, done.stdout) == (exits.OK, "memos\t1\nnews\t2\n")


# A store that cannot be asked


@pytest.mark.parametrize("scheme", ["redis", "memcached"])
def test_a_store_that_is_away_is_not_waited_for(tmp_path: Path, scheme: str) -> None:
    with socket.socket() as nobody:  # bound, and never listening: connections are refused
        nobody.bind(("127.0.0.1", 0))
        done = run_gearhorn(tmp_path, "topics", f"--store={scheme}://127.0.0.1:{nobody.getsockname()[1]}")
    assert (done.returncode, done.stdout) == (exits.UNREACHABLE, "")
    assert len([line for line in done.stderr.splitlines() if line.startswith("gearhorn: ")]) == 1


@pytest.mark.parametrize("scheme", ["redis", "memcached"])
def test_a_store_that_never_answers_is_given_up(tmp_path: Path, scheme: str) -> None:
    settings = tmp_path / "gearhorn.conf"
    settings.write_text("[store]\ntimeout = 0.2\n")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        done = run_gearhorn(tmp_path, "topics", f"--store={url}", f"--config-file={settings}")
    assert (done.returncode, done.stdout) == (exits.UNREACHABLE, "")
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    done = run_gearhorn(tmp_path, "topics", f"--store=sqlite:///{tmp_path}/folder/none.db")
    assert (done.returncode, done.stdout) == (exits.UNREACHABLE, "")
    assert (
        done.stderr == f"gearhorn: there is no SQLite store {tmp_path}/folder/none.db; option --store names another\n"
    )
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize("url", ["memory://", "foo://bar", "sqlite://x", "redis://127.0.0.1:port"])
def test_a_url_that_leads_nowhere_is_the_operators_to_mend(tmp_path: Path, url: str) -> None:
    done = run_gearhorn(tmp_path, "topics", f"--store={url}")
    assert (done.returncode, done.stdout) == (exits.MISCONFIGURED, "")
    assert re.fullmatch(r"gearhorn: [^\n]+\n", done.stderr)


@pytest.mark.parametrize("url", ["redis://:sesame@host", "rediss://host?ssl_password=sesame", "redis://:ses/ame@host"])
def test_a_password_on_the_command_line_is_refused_since_everybody_sees_it_there(tmp_path: Path, url: str) -> None:
    done = run_gearhorn(tmp_path, "topics", f"--store={url}")
    assert (done.returncode, done.stdout) == (exits.USAGE, "")
    assert "configuration file" in done.stderr
    assert "ame" not in done.stderr.replace("name", "")


def test_a_password_of_the_store_is_not_shown(tmp_path: Path) -> None:
    settings = tmp_path / "gearhorn.conf"
    with Redis(tmp_path / "redis", "--requirepass", "right") as redis:
        settings.write_text(f"[store]\nurl = redis://:sesame@127.0.0.1:{redis.port}\n")
        done = run_gearhorn(tmp_path, "topics", f"--config-file={settings}")
    assert (done.returncode, done.stdout) == (exits.MISCONFIGURED, "")
    assert "sesame" not in done.stderr


# The output


def test_a_terminal_shows_a_table_with_a_head(tmp_path: Path, store_url: str) -> None:
    shown = run_on_terminal(tmp_path, "topics", f"--store={store_url}")
    assert "\x1b[1m" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert [line.split() for line in plain.splitlines()] == [["topic", "subscribers"], ["memos", "1"], ["news", "2"]]


def test_a_terminal_shows_names_as_they_are(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/odd.db"
    fill(url, Subscribe("[red]:smile:[/red]", "bob"))
    assert "[red]:smile:[/red]" in run_on_terminal(tmp_path, "topics", f"--store={url}")


def test_no_color_is_honoured(tmp_path: Path, store_url: str) -> None:
    shown = run_on_terminal(tmp_path, "topics", f"--store={store_url}", NO_COLOR="1")
    assert "topic" in shown
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", shown)


def test_json_is_json_on_a_terminal_too(tmp_path: Path, store_url: str) -> None:
    assert len(json.loads(run_on_terminal(tmp_path, "topics", f"--store={store_url}", "--json"))) == 2


@pytest.mark.parametrize("topic_count", [1, 20_000])
def test_a_reader_that_has_hung_up_is_no_error_to_tell(tmp_path: Path, topic_count: int) -> None:
    url = f"sqlite:///{tmp_path}/many.db"
    fill(url, *(Subscribe(f"topic{number}", "bob") for number in range(topic_count)))
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "gearhorn", "topics", f"--store={url}"]
    with subprocess.Popen(command, env=clean_environment(tmp_path), stdout=writer, stderr=subprocess.PIPE) as process:
        os.close(writer)
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(60) == exits.BY_SIGPIPE


def put_down_a_loss(url: str) -> None:
    async def keep() -> None:
        store = open_store(StoreSettings(url=url))
        await store.open()
        await store.keep_record(LOSS, b'{"at_s": 1763776800, "worker_id": "web-1"}', 1000.0)
        await store.close()

    asyncio.run(keep())


def test_a_loss_is_shown_beside_the_topics_and_can_be_forgotten(tmp_path: Path, store_url: str) -> None:
    place = f"--store={store_url}"
    put_down_a_loss(store_url)
    shown = run_gearhorn(tmp_path, "topics", place)
    assert shown.stdout == "memos\t1\nnews\t2\n"
    assert "the store lost its lists at 2025-11-22T02:00:00Z" in shown.stderr
    forgotten = run_gearhorn(tmp_path, "topics", "forget-loss", place)
    assert (forgotten.returncode, forgotten.stdout) == (exits.OK, "")
    assert forgotten.stderr == "gearhorn: the loss of 2025-11-22T02:00:00Z is forgotten\n"
    assert run_gearhorn(tmp_path, "topics", place).stderr == ""


def test_where_nothing_was_lost_there_is_nothing_to_forget(tmp_path: Path, store_url: str) -> None:
    done = run_gearhorn(tmp_path, "topics", f"--store={store_url}", "forget-loss")
    assert (done.returncode, done.stdout) == (exits.OK, "")
    assert done.stderr == "gearhorn: the store has lost nothing that is known\n"


def test_a_person_is_told_who_knows_why_the_store_cannot_be_reached(tmp_path: Path) -> None:
    store = f"--store=redis://127.0.0.1:{free_port()}"
    assert run_on_terminal(tmp_path, "topics", store).endswith("\ngearhorn: to find out why: gearhorn doctor\n")
    assert "doctor" not in run_gearhorn(tmp_path, "topics", store).stderr
