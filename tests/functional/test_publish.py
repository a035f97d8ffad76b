"""`gearhorn publish` as people and programs run it: what it prints, what it says, how it ends."""

import asyncio
import base64
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gearhorn.client import Publisher
from gearhorn.cmd import exits
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import GearmanServer
from tests.servers.listener import END_LIMIT_S, Listener, run_publish
from tests.servers.process import free_port, wait_until
from tests.servers.standalone import clean_environment


@pytest.fixture
def worker(gearmand: GearmanServer, tmp_path: Path) -> Iterator[GearhornWorker]:
    with GearhornWorker([gearmand.address], "memory://", tmp_path / "service") as worker:
        yield worker


@pytest.fixture
def address(worker: GearhornWorker, gearmand: GearmanServer) -> str:
    """Of a server where the service runs."""
    return gearmand.address


@pytest.fixture
def bob(address: str, tmp_path: Path) -> Iterator[Listener]:
    with Listener(address, tmp_path / "bob", "news", "--client-id", "bob", "--exec", "cat") as listener:
        yield listener


@pytest.fixture
def eve(address: str, tmp_path: Path) -> Iterator[Listener]:
    """A subscriber that always fails."""
    command = ["sh", "-c", "echo no space left >&2; exit 3"]
    with Listener(address, tmp_path / "eve", "news", "--client-id", "eve", "--exec", *command) as listener:
        yield listener


def subscribe(address: str, topic: str, client_id: str) -> None:
    """Somebody who does not listen."""

    async def ask() -> None:
        async with Publisher(address) as publisher:
            await publisher.subscribe(topic, client_id)

    asyncio.run(ask())


# Sending.


def test_a_message_is_sent_and_counted(address: str, tmp_path: Path) -> None:
    subscribe(address, "news", "bob")
    subscribe(address, "news", "eve")
    ended = run_publish(address, tmp_path, "news", "hello")
    assert ended.returncode == exits.OK
    assert (ended.stdout, ended.stderr) == (b"", b"gearhorn: 2 of 2 copies sent\n")


@pytest.mark.parametrize("arguments", [["news"], ["news", "-"]])
def test_the_message_is_read_from_standard_input_byte_by_byte(
    bob: Listener, address: str, tmp_path: Path, arguments: list[str]
) -> None:
    payload = b"\0line\nline\r\n" + bytes(range(256)) * 1000
    ended = run_publish(address, tmp_path, *arguments, "--results", "--json", stdin=payload)
    assert ended.returncode == exits.OK
    (result,) = json.loads(ended.stdout)["results"]
    assert base64.b64decode(result["data"]) == payload


@pytest.mark.parametrize("message", [b"hello", "grüße".encode(), b"\xff\xfe", b"", b"-1"])
def test_the_message_is_what_the_shell_gave(bob: Listener, address: str, tmp_path: Path, message: bytes) -> None:
    ended = run_publish(address, tmp_path, b"news", message, "--results")
    assert ended.returncode == exits.OK
    assert ended.stdout == b"bob: " + message + b"\n"


@pytest.mark.parametrize(
    "arguments", [["news", "--results", "hello"], ["--results", "news", "hello"], ["news", "hello", "--results"]]
)
def test_options_may_stand_anywhere(bob: Listener, address: str, tmp_path: Path, arguments: list[str]) -> None:
    assert run_publish(address, tmp_path, *arguments).stdout == b"bob: hello\n"


def test_options_reach_the_copies(address: str, tmp_path: Path) -> None:
    for client_id in ("bob", "eve", "zoe"):
        subscribe(address, "news", client_id)
    options = ["--unique", "key", "--priority", "low", "--exclude", "eve", "--exclude", "zoe", "--expires", "+3600"]
    for _ in range(3):
        assert run_publish(address, tmp_path, "news", "hello", *options).returncode == exits.OK
    copies = [line for line in admin(address, "prioritystatus") if line.startswith("news_")]
    assert copies == ["news_bob\t0\t0\t1\t0"]  # one, of low priority


def admin(address: str, command: str) -> list[str]:
    """The lines of the server's answer."""
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), END_LIMIT_S) as connection:
        connection.sendall(f"{command}\n".encode())
        table = b""
        while not table.endswith(b".\n"):
            table += connection.recv(65536)
    return table.decode().splitlines()[:-1]


def test_the_servers_come_from_the_variable_that_libgearman_reads(address: str, tmp_path: Path) -> None:
    subscribe(address, "news", "bob")
    environ = {**clean_environment(tmp_path), "GEARMAN_SERVERS": address}
    argv = [sys.executable, "-m", "gearhorn", "publish", "news", "hello"]
    assert subprocess.run(argv, env=environ, timeout=END_LIMIT_S, check=False).returncode == exits.OK


# Waiting.


def test_with_wait_it_tells_how_many_are_done(bob: Listener, address: str, tmp_path: Path) -> None:
    ended = run_publish(address, tmp_path, "news", "hello", "--wait")
    assert ended.returncode == exits.OK
    assert (ended.stdout, ended.stderr) == (b"", b"gearhorn: 1 of 1 receivers done\n")


def test_who_failed_is_listed_a_line_each(bob: Listener, eve: Listener, address: str, tmp_path: Path) -> None:
    subscribe(address, "news", "nobody")
    ended = run_publish(address, tmp_path, "news", "hello", "--wait", "--timeout", "2")
    assert ended.returncode == exits.SOME_FAILED
    assert ended.stdout == b""
    lines = ended.stderr.decode().splitlines()
    assert set(lines[:-1]) == {"eve: exception: exit status 3: no space left", "nobody: timeout"}
    assert lines[-1] == "gearhorn: 1 of 3 receivers done"


def test_answers_are_printed_under_the_name_of_who_gave_them(bob: Listener, address: str, tmp_path: Path) -> None:
    ended = run_publish(address, tmp_path, "news", "--results", stdin=b"one\n\ntwo \xff\n")
    assert ended.returncode == exits.OK
    assert ended.stdout == b"bob: one\nbob: \nbob: two \xff\n"


def test_a_program_gets_one_json_object(bob: Listener, eve: Listener, address: str, tmp_path: Path) -> None:
    ended = run_publish(address, tmp_path, "news", "hello", "--json", "--results")
    assert ended.returncode == exits.SOME_FAILED
    document = json.loads(ended.stdout)
    assert sorted(document.pop("results"), key=lambda each: each["client_id"]) == [
        {"client_id": "bob", "status": "complete", "data": "hello"},
        {"client_id": "eve", "status": "exception", "data": "exit status 3: no space left"},
    ]
    assert document == {
        "topic": "news",
        "receivers": 2,
        "done": 1,
        "failures": [{"client_id": "eve", "reason": "exception: exit status 3: no space left"}],
    }
    assert ended.stderr == b""


def test_without_results_the_object_has_none(address: str, tmp_path: Path) -> None:
    subscribe(address, "news", "nobody")
    ended = run_publish(address, tmp_path, "news", "hello", "--json")
    assert ended.returncode == exits.OK
    assert json.loads(ended.stdout) == {"topic": "news", "receivers": 1, "done": 1, "failures": []}


# What goes wrong.


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "nobody is subscribed to news"),
        (["--wait"], "nobody is subscribed to news"),
        (["--exclude", "bob"], "nobody else is subscribed to news"),
        (["--expires", "1"], "nobody is subscribed to news, or the message had expired"),
    ],
)
def test_nobody_subscribed_has_a_status_of_its_own(
    address: str, tmp_path: Path, options: list[str], words: str
) -> None:
    if "--exclude" in options or "--expires" in options:
        subscribe(address, "news", "bob")
    ended = run_publish(address, tmp_path, "news", "hello", *options)
    assert ended.returncode == exits.NOBODY_SUBSCRIBED
    assert (ended.stdout, ended.stderr.decode()) == (b"", f"gearhorn: {words}\n")


def test_nobody_subscribed_is_a_document_for_a_program(address: str, tmp_path: Path) -> None:
    ended = run_publish(address, tmp_path, "news", "hello", "--json", "--results")
    assert ended.returncode == exits.NOBODY_SUBSCRIBED
    assert json.loads(ended.stdout) == {"topic": "news", "receivers": 0, "done": 0, "failures": [], "results": []}
    assert ended.stderr == b""


@pytest.mark.parametrize("options", [[], ["--wait"], ["--json"]])
def test_a_service_that_is_absent_is_told(gearman_server: GearmanServer, tmp_path: Path, options: list[str]) -> None:
    ended = run_publish(gearman_server.address, tmp_path, "news", "hello", "--timeout", "0.3", *options)
    assert ended.returncode == exits.TIMED_OUT
    assert ended.stdout == b""
    assert ended.stderr == b"gearhorn: fanout: no answer from the service within 0.3 s; is a gearhorn worker running?\n"


def test_a_server_that_is_absent_is_told_at_once(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    ended = run_publish(address, tmp_path, "news", "hello", "--timeout", "3600")
    assert ended.returncode == exits.UNREACHABLE
    assert ended.stdout == b""
    assert ended.stderr.decode() == f"gearhorn: no Gearman server can be reached: {address}: Connection refused\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a\nb", "hello"], "topic: has the control character U+000A"),
        (["", "hello"], "topic: is empty"),
        (["__secret", "hello"], "topic: '__secret' is reserved"),
        ([b"\xff", "hello"], "topic: has half of a surrogate pair"),
        (["news", "hello", "--unique", "x" * 64], "unique: has 64 bytes"),
        (["news", "hello", "--timeout", "0"], "--timeout: '0' is no number of seconds above 0"),
        (["news", "hello", "--timeout", "nan"], "--timeout"),
        (["news", "hello", "--expires", "soon"], "--expires: 'soon' is no Unix time"),
        (["news", "hello", "--priority", "highest"], "--priority"),
        (["news", "hello", "more"], "unrecognized arguments: more"),
        ([], "TOPIC"),
    ],
)
def test_wrong_usage_is_told(address: str, tmp_path: Path, arguments: list[Any], words: str) -> None:
    ended = run_publish(address, tmp_path, *arguments)
    assert ended.returncode == exits.USAGE
    assert ended.stdout == b""
    assert words in ended.stderr.decode()


def test_a_wrong_configuration_has_its_status(tmp_path: Path) -> None:
    ended = run_publish("nonsense:port", tmp_path, "news", "hello")
    assert ended.returncode == exits.MISCONFIGURED
    assert b"nonsense:port" in ended.stderr


# On a terminal.


def on_terminal(home: Path, *argv: str, environ: dict[str, str] | None = None) -> tuple[int, str, bytes]:
    """Runs it with a terminal for standard error: status, what the terminal saw, standard output."""
    master, slave = pty.openpty()
    with (home / "stdout").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gearhorn", *argv],
            env={**clean_environment(home), "TERM": "xterm-256color", "COLUMNS": "100", **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=slave,
        )
    os.close(slave)
    seen = b""
    while chunk := _read(master):
        seen += chunk
    os.close(master)
    return process.wait(END_LIMIT_S), seen.decode(), (home / "stdout").read_bytes()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how the end of the other side looks on Linux
        return b""


def slow_listener(address: str, folder: Path) -> Listener:
    return Listener(address, folder, "news", "--client-id", "slow", "--exec", "sh", "-c", "sleep 1; cat")


def test_a_progress_bar_is_drawn_on_a_terminal_and_goes(bob: Listener, address: str, tmp_path: Path) -> None:
    with slow_listener(address, tmp_path / "slow"):
        argv = ["publish", f"--gearman={address}", "news", "hello", "--results", "--json"]
        status, seen, output = on_terminal(tmp_path, *argv)
    assert status == exits.OK
    assert "1/2" in seen
    assert "━" in seen
    assert "\x1b[" in seen
    assert "\x1b[2K" in seen.rpartition("1/2")[2]  # the line is cleared
    assert json.loads(output)["done"] == 2


def test_colours_are_left_out_where_nobody_wants_them(bob: Listener, address: str, tmp_path: Path) -> None:
    with slow_listener(address, tmp_path / "slow"):
        argv = ["publish", f"--gearman={address}", "news", "hello", "--wait"]
        _, coloured, _ = on_terminal(tmp_path, *argv)
        _, plain, _ = on_terminal(tmp_path, *argv, environ={"NO_COLOR": "1"})
    colour = re.compile(r"\x1b\[[0-9;]*(3[0-9]|38;[0-9;]+)m")
    assert colour.search(coloured)
    assert "1/2" in plain
    assert not colour.search(plain)


def test_the_bar_keeps_out_of_answers_that_go_to_a_file(bob: Listener, address: str, tmp_path: Path) -> None:
    with slow_listener(address, tmp_path / "slow"):
        argv = ["publish", f"--gearman={address}", "news", "hello", "--results"]
        _, seen, output = on_terminal(tmp_path, *argv)
    assert "1/2" in seen
    assert "hello" not in seen
    assert output == b"bob: hello\nslow: hello\n"


def test_without_wait_there_is_no_bar(address: str, tmp_path: Path) -> None:
    subscribe(address, "news", "bob")
    _, seen, _ = on_terminal(tmp_path, "publish", f"--gearman={address}", "news", "hello")
    assert seen == "gearhorn: 1 of 1 copies sent\r\n"


def test_no_bar_gets_into_a_log_even_when_colours_are_forced(bob: Listener, address: str, tmp_path: Path) -> None:
    ended = run_publish(address, tmp_path, "news", "hello", "--wait", environ=[("FORCE_COLOR", "1")])
    assert ended.stderr == b"gearhorn: 1 of 1 receivers done\n"


def test_who_failed_is_listed_below_where_the_bar_was(eve: Listener, address: str, tmp_path: Path) -> None:
    status, seen, _ = on_terminal(tmp_path, "publish", f"--gearman={address}", "news", "hello", "--wait")
    assert status == exits.SOME_FAILED
    assert seen.endswith("eve: exception: exit status 3: no space left\r\ngearhorn: 0 of 1 receivers done\r\n")


def heed_interrupts() -> None:
    """Shells let what they run in the background ignore SIGINT, and so would everything that is started there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupted_wait_ends_in_one_line_at_most(address: str, tmp_path: Path) -> None:
    subscribe(address, "news", "nobody")
    process = subprocess.Popen(
        [sys.executable, "-m", "gearhorn", "publish", f"--gearman={address}", "news", "hello", "--wait"],
        env=clean_environment(tmp_path),
        stderr=subprocess.PIPE,
        preexec_fn=heed_interrupts,
    )
    wait_until(lambda: "news_nobody\t1\t0\t0" in admin(address, "status"), "the copy")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=END_LIMIT_S)
    assert process.returncode == exits.BY_SIGINT
    assert b"Traceback" not in said
