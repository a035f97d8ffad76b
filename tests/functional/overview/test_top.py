"""`gearhorn top` at a terminal of 80 columns and 24 rows, of which keys are pressed and the screen is read."""

import json
import re
import signal
import subprocess
import sys

import pytest

from gearhorn.cmd import exits
from tests.functional.overview.system import System, nobody
from tests.servers.standalone import clean_environment
from tests.servers.terminal import Terminal


def test_keys_sort_and_end_it_and_the_terminal_is_as_it_was(system: System) -> None:
    system.subscribe("live", "bob")
    with Terminal(system.folder, "top", *system.places, "--interval=0.3") as terminal:
        first = terminal.wait_for("all is well", system.worker.worker_id, "q quit", "by backlog").split("\n")
        assert first[0].startswith("all is well")
        assert len(first) == 24
        assert not terminal.is_echoing()
        terminal.press("s")
        terminal.wait_for("by subscribers")
        terminal.press("-")
        terminal.wait_for("+ - every 0.25 s")
        terminal.press("q")
        assert terminal.wait_for_end() == exits.OK
        assert terminal.is_echoing()
    assert terminal.shown.endswith(b"\x1b[?25h\x1b[?1049l")  # the cursor, and the screen from before


def test_it_follows_the_size_of_the_terminal_and_what_happens(system: System) -> None:
    with Terminal(system.folder, "top", *system.places, "--interval=0.3") as terminal:
        terminal.wait_for("q quit")
        terminal.resize(50, 15)
        terminal.wait_for("q quit")
        terminal.resize(100, 40)
        terminal.wait_for("space look now")
        system.subscribe("comes-while-looking", "bob")
        system.publish("comes-while-looking", 20)
        terminal.wait_for("comes-while-looking")


@pytest.mark.parametrize(("end", "name"), [("\x03", "Ctrl-C"), (signal.SIGTERM, "SIGTERM")], ids=str)
def test_signals_end_it_cleanly(system: System, end: str | int, name: str) -> None:
    with Terminal(system.folder, "top", *system.places) as terminal:
        terminal.wait_for("q quit")
        terminal.press(end) if isinstance(end, str) else terminal.process.send_signal(end)
        assert terminal.wait_for_end() == exits.OK
        assert terminal.is_echoing()
    assert b"Traceback" not in terminal.shown


def test_a_store_that_is_away_ends_nothing_and_no_colour_is_used_where_none_is_wanted(system: System) -> None:
    with nobody() as address:
        places = [*system.places, f"--store=redis://{address}"]
        with Terminal(system.folder, "top", *places, NO_COLOR="1") as terminal:
            terminal.wait_for("1 thing is wrong", "away", system.gearmand.address)
            terminal.press("q")
            assert terminal.wait_for_end() == exits.OK
    assert not re.search(rb"\x1b\[[0-9;]*3[0-7]m", terminal.shown)


def test_a_terminal_that_is_closed_ends_it(system: System) -> None:
    with Terminal(system.folder, "top", *system.places) as terminal:
        terminal.wait_for("q quit")
        terminal.close()
        assert terminal.process.wait(60) is not None


def test_a_terminal_that_cannot_go_back_gets_one_frame(system: System) -> None:
    with Terminal(system.folder, "top", *system.places, TERM="dumb") as terminal:
        assert terminal.wait_for_end() == exits.OK
        assert "all is well" in terminal.text


def test_once_shows_a_frame_and_ends(system: System) -> None:
    with Terminal(system.folder, "top", *system.places, "--once") as terminal:
        assert terminal.wait_for_end() == exits.OK
        assert "all is well" in terminal.text
    assert b"\x1b[?1049h" not in terminal.shown


def test_a_pipe_gets_one_frame_in_lines(system: System) -> None:
    done = system.run("top")
    assert done.returncode == exits.OK
    assert done.stdout.startswith("verdict\twell\tall is well\n")


def test_json_goes_on_with_an_object_a_line_until_it_is_ended(system: System) -> None:
    command = [sys.executable, "-m", "gearhorn", "top", *system.places, "--json", "--interval=0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean_environment(system.folder)) as process:
        assert process.stdout is not None
        for _ in range(3):
            assert json.loads(process.stdout.readline())["state"] == "well"
        process.terminate()
        assert process.wait(30) == exits.OK
