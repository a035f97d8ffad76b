"""`gearhorn import`: what it takes and refuses, what it changes, and that it can be done again."""

import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from gearhorn.cmd import exits
from gearhorn.store.base import Subscribe
from tests.functional.moving.conftest import Place
from tests.servers.commands import run_on_terminal
from tests.servers.process import wait_until
from tests.servers.standalone import clean_environment

MakePlace = Callable[[str], Place]

HEAD = '{"gearhorn":"subscriptions","format":1}\n'


def end(count: int) -> str:
    return f'{{"gearhorn":"end","subscriptions":{count}}}\n'


def entry(topic: str, client_id: str, **more: float) -> str:
    keys = "".join(f',"{key}":{value!r}' for key, value in more.items())
    return f'{{"topic":"{topic}","client_id":"{client_id}"{keys}}}\n'


@pytest.fixture(params=["redis", "memcached", "sqlite"])
def place(request: pytest.FixtureRequest, make_place: MakePlace) -> Place:
    return make_place(request.param)


@pytest.fixture
def file_place(make_place: MakePlace) -> Place:
    return make_place("sqlite")


def test_a_dry_run_tells_what_an_import_then_does_and_changes_nothing(place: Place) -> None:
    place.fill(Subscribe("news", "bob"), Subscribe("a_b", "c"), Subscribe("rest", "of it"))
    before = place.lists()
    text = (
        *(entry("news", name) for name in ("alice", "bob", "alice")),
        entry("a", "b_c"),  # whose queue is a_b_c
        entry("x_y", "z") + entry("x", "y_z"),  # and so with these two
        entry("news", "late", expires_at=1.0),
        "{}\n",
    )
    expected = {"lines": 8, "new": 2, "already": 2, "ended": 1, "invalid": 1, "collisions": 2}
    assert place.told("--dry-run", text="".join(text)) == {"dry_run": True, **expected}
    assert place.lists() == before
    assert place.told("--skip-bad", text="".join(text)) == expected
    assert place.names() == {"a_b": ["c"], "news": ["alice", "bob"], "rest": ["of it"], "x_y": ["z"]}


@pytest.mark.parametrize(("option", "rest"), [("--replace", {"rest": ["of it"]}), ("--replace-all", {})])
def test_whoever_is_not_in_the_file_goes_where_that_is_asked_for(
    place: Place, option: str, rest: dict[str, list[str]]
) -> None:
    place.fill(Subscribe("news", "bob", 9000), Subscribe("news", "carol"), Subscribe("rest", "of it"))
    place.fill(Subscribe("__matchmaking", "watcher"), *(Subscribe("news", f"host{n}") for n in range(3000)))
    text = HEAD + entry("news", "alice") + entry("news", "bob", ttl=600) + end(2)
    expected = {"lines": 4, "new": 1, "already": 1, "removed": 3001 + (not rest)}
    assert place.told("--dry-run", option, text=text) == {"dry_run": True, **expected}
    assert len(place.names()["news"]) == 3002
    assert place.told(option, text=text) == expected
    assert place.names() == {"__matchmaking": ["watcher"], "news": ["alice", "bob"], **rest}
    (bob,) = [one for one in place.lists()["news"] if one.client_id == "bob"]
    assert (bob.expires_in_s or 0) <= 600


def test_nobody_is_removed_where_the_export_was_cut_short(file_place: Place) -> None:
    file_place.fill(Subscribe("news", "bob"))
    done = file_place.run("import", "--replace", "--skip-bad", text=HEAD + entry("news", "alice"))
    assert done.returncode == exits.ERROR
    assert "line 3: the export is cut short" in done.stderr
    assert file_place.names() == {"news": ["alice", "bob"]}


def test_a_line_that_is_not_in_order_stops_it_behind_those_before(file_place: Place) -> None:
    done = file_place.run("import", text=f"{entry('news', 'alice')}news bob\n{entry('news', 'carol')}")
    words = "line 2: is neither a JSON object nor a topic, a tab and a client id; before it 1 new, 0 there already"
    assert (done.returncode, done.stderr) == (exits.ERROR, f"gearhorn: {words}\n")
    assert file_place.names() == {"news": ["alice"]}


def test_lines_that_are_not_in_order_are_left_out_on_request(file_place: Place) -> None:
    bad = "".join(f"bad {number}\n" for number in range(25))
    done = file_place.run("import", "--skip-bad", text=f"{bad}{entry('news', 'alice')}")
    assert done.returncode == exits.OK
    assert done.stderr.count("left out: line") == 20
    assert "left out: 5 more lines" in done.stderr
    assert file_place.names() == {"news": ["alice"]}


def test_exports_may_stand_behind_each_other_and_come_by_a_pipe(file_place: Place) -> None:
    text = HEAD + entry("news", "alice") + end(1) + HEAD + "\r\n" + entry("news", "bob") + end(1)
    command = [sys.executable, "-m", "gearhorn", "import", "-", "--config-file", str(file_place.home / "gearhorn.conf")]
    environ = clean_environment(file_place.home)
    done = subprocess.run(command, input=text, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == "gearhorn: imported: 2 new, 0 there already\n"
    assert file_place.names() == {"news": ["alice", "bob"]}


def test_ctrl_c_ends_it_and_another_run_goes_on(file_place: Place) -> None:
    lines = "".join(entry("news", f"host{number:05}") for number in range(60_000))
    command = [sys.executable, "-m", "gearhorn", "import", "-", "--config-file", str(file_place.home / "gearhorn.conf")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(file_place.home)
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(lines.encode())
        process.stdin.flush()
        wait_until(lambda: (file_place.home / "lists.db").exists() and bool(file_place.names()), "the first ones")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == exits.BY_SIGINT
        assert b"Run it again to go on" in process.stderr.read()
    told = file_place.told(text=lines)
    assert told["already"] >= 2000
    assert told["already"] + told.get("new", 0) == 60_000


def test_the_bar_is_for_terminals_only(file_place: Place) -> None:
    file = file_place.home / "lines"
    file.write_text("".join(entry("news", f"host{number:05}") for number in range(20_000)))
    shown = run_on_terminal(file_place.home, "import", str(file), "--store", file_place.url)
    bar, _, rest = shown.partition("gearhorn: imported: ")
    assert "imported" in bar
    assert rest == "20000 new, 0 there already\n"


def test_a_file_that_is_not_there_is_one_clear_line(file_place: Place) -> None:
    done = file_place.run("import", "nowhere.jsonl")
    assert (done.returncode, done.stderr) == (exits.ERROR, "gearhorn: nowhere.jsonl: No such file or directory\n")


def test_a_dry_run_makes_no_store(file_place: Place) -> None:
    assert file_place.told("--dry-run", text="news\talice\n") == {"dry_run": True, "lines": 1, "new": 1}
    assert not (file_place.home / "lists.db").exists()
