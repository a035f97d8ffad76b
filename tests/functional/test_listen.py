"""`gearhorn listen` as people run it: what it prints, what commands answer, how it ends and what it outlives."""

import base64
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
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import GearmanServer
from tests.servers.listener import END_LIMIT_S, Listener, run_publish
from tests.servers.process import free_port, wait_until
from tests.servers.standalone import clean_environment

# Less than the 30 s for which a listener waits for its commands.
CUT_LIMIT_S = 25.0


@pytest.fixture
def worker(gearman_server: GearmanServer, tmp_path: Path) -> Iterator[GearhornWorker]:
    store = f"sqlite:///{tmp_path / 'lists.db'}"
    with GearhornWorker([gearman_server.address], store, tmp_path / "service") as worker:
        yield worker


@pytest.fixture
def address(worker: GearhornWorker, gearman_server: GearmanServer) -> str:
    """Of a server where the service runs."""
    return gearman_server.address


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "listener"


def publish(address: str, home: Path, message: bytes, *options: str) -> "subprocess.CompletedProcess[bytes]":
    return run_publish(address, home, "news", *options, stdin=message)


# Printing.


def test_each_copy_is_printed_as_it_was_sent(address: str, tmp_path: Path, folder: Path) -> None:
    with Listener(address, folder, "news") as listener:
        for message in (b"first", b"\0\xff\nsecond", b"", b"last"):
            assert publish(address, tmp_path, message, "--wait").returncode == exits.OK
        assert listener.output == b"first\n\0\xff\nsecond\n\nlast\n"


def test_json_lines_are_for_programs(address: str, tmp_path: Path, folder: Path) -> None:
    with Listener(address, folder, "news", "--json", "--client-id", "bob") as listener:
        for message in ("zwei\nZeilen — ü".encode(), b"\xff\0"):
            publish(address, tmp_path, message, "--wait")
        lines = listener.output.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"topic": "news", "client_id": "bob", "payload": "zwei\nZeilen — ü"},
        {"topic": "news", "client_id": "bob", "payload": base64.b64encode(b"\xff\0").decode(), "encoding": "base64"},
    ]


def test_a_large_message_is_printed_whole(address: str, tmp_path: Path, folder: Path) -> None:
    message = os.urandom(700_000).replace(b"\n", b" ")
    with Listener(address, folder, "news") as listener:
        publish(address, tmp_path, message, "--wait")
        assert listener.output == message + b"\n"


def test_the_listener_is_the_host_unless_told_otherwise(address: str, tmp_path: Path, folder: Path) -> None:
    with Listener(address, folder, "news") as listener:
        assert f"listening to news as {socket.gethostname()}\n" in listener.log
        assert publish(address, tmp_path, b"x", "--exclude", socket.gethostname()).returncode == exits.NOBODY_SUBSCRIBED


def test_it_ends_after_so_many_copies(address: str, tmp_path: Path, folder: Path) -> None:
    with Listener(address, folder, "news", "--count", "2") as listener:
        for message in (b"one", b"two"):
            publish(address, tmp_path, message)
        assert listener.wait() == exits.OK
        assert listener.output == b"one\ntwo\n"
    assert publish(address, tmp_path, b"three").returncode == exits.NOBODY_SUBSCRIBED


def test_a_copy_beyond_the_count_stays_in_the_queue(address: str, tmp_path: Path, folder: Path) -> None:
    assert run_with_nobody(address, tmp_path) == exits.NOBODY_SUBSCRIBED
    with Listener(address, folder, "news", "--client-id", "bob") as listener:
        listener.end(signal.SIGKILL)  # the subscription stays
    for message in (b"one", b"two"):
        publish(address, tmp_path, message)
    for message in (b"one\n", b"two\n"):
        with Listener(address, folder, "news", "--client-id", "bob", "--count", "1") as listener:
            assert listener.wait() == exits.OK
            assert listener.output == message


def run_with_nobody(address: str, home: Path) -> int:
    return publish(address, home, b"x").returncode


# Running commands.


def test_a_command_gets_the_payload_and_answers_with_its_output(address: str, tmp_path: Path, folder: Path) -> None:
    command = ["sh", "-c", 'cat; echo " for $GEARHORN_TOPIC and $GEARHORN_CLIENT_ID"; echo noted >&2']
    with Listener(address, folder, "news", "--client-id", "bob", "--exec", *command) as listener:
        ended = publish(address, tmp_path, b"\0\xff", "--results")
        listener.wait_for_log("noted")
        assert listener.output == b""
    assert ended.stdout == b"bob: \0\xff for news and bob\n"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "exit status 3"),
        ("echo 'no space left' >&2; exit 1", "exit status 1: no space left"),
        ("kill -KILL $$", "ended by SIGKILL"),
        ("echo 'going down' >&2; kill -TERM $$", "ended by SIGTERM: going down"),
        ("kill -40 $$", "ended by signal 40"),
        (r"printf '\377\n' >&2; exit 9", "exit status 9: \ufffd"),
    ],
)
def test_a_command_that_fails_says_how(address: str, tmp_path: Path, folder: Path, script: str, reason: str) -> None:
    with Listener(address, folder, "news", "--client-id", "bob", "--exec", "sh", "-c", script):
        ended = publish(address, tmp_path, b"x", "--wait")
    assert ended.returncode == exits.SOME_FAILED
    assert f"bob: exception: {reason}\n" in ended.stderr.decode()


def test_only_the_end_of_long_complaints_is_told(address: str, tmp_path: Path, folder: Path) -> None:
    script = "seq 100000 >&2; exit 1"
    with Listener(address, folder, "news", "--client-id", "bob", "--exec", "sh", "-c", script) as listener:
        ended = publish(address, tmp_path, b"x", "--wait", "--json")
        listener.wait_for_log("\n50000\n")
    (failure,) = json.loads(ended.stdout)["failures"]
    assert failure["reason"].endswith("\n99999\n100000")
    assert len(failure["reason"]) < 600


@pytest.mark.parametrize(
    "script",
    ["exit 0", "sleep 120 & echo $! >> left", "exec 0<&-"],
    ids=["does-not-read", "leaves-a-process", "closes-its-input"],
)
def test_odd_commands_hold_up_nobody(address: str, tmp_path: Path, folder: Path, script: str) -> None:
    with Listener(address, folder, "news", "--client-id", "bob", "--exec", "sh", "-c", script):
        for _ in range(2):
            assert publish(address, tmp_path, b"x" * 200_000, "--wait").returncode == exits.OK
    left = folder / "left"
    for pid in left.read_text().split() if left.exists() else []:
        os.kill(int(pid), signal.SIGKILL)


def test_a_command_that_cannot_be_run_any_more_is_told(address: str, tmp_path: Path, folder: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    with Listener(address, folder, "news", "--client-id", "bob", "--exec", str(program)):
        assert publish(address, tmp_path, b"x", "--wait").returncode == exits.OK
        program.unlink()
        ended = publish(address, tmp_path, b"x", "--wait")
    assert ended.returncode == exits.SOME_FAILED
    assert b"cannot be run" in ended.stderr


def test_options_after_exec_belong_to_the_command(address: str, tmp_path: Path, folder: Path) -> None:
    with Listener(address, folder, "news", "--client-id", "bob", "--exec", "echo", "--json", "-n", "--", "--wait"):
        assert publish(address, tmp_path, b"x", "--results").stdout == b"bob: --json -n -- --wait\n"


def test_commands_run_one_at_a_time_unless_told_otherwise(address: str, tmp_path: Path, folder: Path) -> None:
    one_by_one = "mkdir busy || exit 1; sleep 0.3; rmdir busy"
    with Listener(
        address, folder, "news", "--client-id", "bob", "--exec", "sh", "-c", f"cd {tmp_path}; {one_by_one}"
    ) as listener:
        calls = [_publish_in_background(address, tmp_path, str(number)) for number in range(3)]
        assert [call.wait(END_LIMIT_S) for call in calls] == [exits.OK] * 3
        listener.end()
    together = f"cd {tmp_path}; touch here-$(cat); until [ -e here-0 ] && [ -e here-1 ]; do sleep 0.05; done"
    with Listener(address, folder, "news", "--concurrency", "2", "--exec", "sh", "-c", together):
        calls = [_publish_in_background(address, tmp_path, str(number)) for number in range(2)]
        assert [call.wait(END_LIMIT_S) for call in calls] == [exits.OK] * 2


def _publish_in_background(address: str, home: Path, message: str) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-m", "gearhorn", "publish", f"--gearman={address}", "news", message, "--wait"]
    return subprocess.Popen(argv, env=clean_environment(home), stderr=subprocess.DEVNULL)


# Ending.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_unsubscribes_and_ends_it_well(
    address: str, tmp_path: Path, folder: Path, number: signal.Signals
) -> None:
    with Listener(address, folder, "news") as listener:
        assert listener.end(number) == exits.OK
        assert "Traceback" not in listener.log
    assert publish(address, tmp_path, b"x").returncode == exits.NOBODY_SUBSCRIBED


def test_what_runs_is_finished_before_the_end(address: str, tmp_path: Path, folder: Path) -> None:
    script = "touch begun; until [ -e go ]; do sleep 0.05; done; echo finished"
    with Listener(
        address, folder, "news", "--client-id", "bob", "--exec", "sh", "-c", f"cd {tmp_path}; {script}"
    ) as listener:
        assert listener.process is not None
        argv = [sys.executable, "-m", "gearhorn", "publish", f"--gearman={address}", "news", "x", "--results"]
        call = subprocess.Popen(argv, env=clean_environment(tmp_path), stdout=subprocess.PIPE)
        wait_until((tmp_path / "begun").exists, "the command")
        listener.process.send_signal(signal.SIGTERM)
        wait_until(lambda: publish(address, tmp_path, b"y").returncode == exits.NOBODY_SUBSCRIBED, "the unsubscribing")
        (tmp_path / "go").touch()
        output, _ = call.communicate(timeout=END_LIMIT_S)
        assert listener.wait() == exits.OK
    assert output == b"bob: finished\n"


def test_a_second_signal_cuts_it_short_and_ends_the_command(address: str, tmp_path: Path, folder: Path) -> None:
    script = f"echo $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; sleep 300"
    with Listener(address, folder, "news", "--exec", "sh", "-c", script) as listener:
        publish(address, tmp_path, b"x")
        wait_until((tmp_path / "pid").exists, "the command")
        assert listener.process is not None
        listener.process.send_signal(signal.SIGINT)
        wait_until(lambda: publish(address, tmp_path, b"y").returncode == exits.NOBODY_SUBSCRIBED, "the unsubscribing")
        listener.process.send_signal(signal.SIGINT)
        assert listener.process.wait(CUT_LIMIT_S) == exits.OK
        assert "gave 1 unfinished copies back" in listener.log
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the end of the command")


def test_the_keys_of_a_terminal_reach_the_listener_only(address: str, tmp_path: Path, folder: Path) -> None:
    with Listener(address, folder, "news", "--exec", "cut", "-d ", "-f5", "/proc/self/stat"):
        ended = publish(address, tmp_path, b"x", "--results", "--json")
    (result,) = json.loads(ended.stdout)["results"]
    assert int(result["data"]) != os.getpgid(0)


def test_it_ends_when_nobody_reads_its_output_any_more(address: str, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "gearhorn", "listen", f"--gearman={address}", "news"]
    process = subprocess.Popen(
        argv, env=clean_environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert b"listening" in process.stderr.readline()
    publish(address, tmp_path, b"first")
    assert process.stdout.readline() == b"first\n"
    process.stdout.close()
    assert publish(address, tmp_path, b"second", "--wait").returncode == exits.SOME_FAILED
    assert process.wait(END_LIMIT_S) == exits.BY_SIGPIPE
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    assert publish(address, tmp_path, b"third").returncode == exits.NOBODY_SUBSCRIBED


# Not beginning.


def listen(address: str, home: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    argv = [sys.executable, "-m", "gearhorn", "listen", f"--gearman={address}", *arguments]
    return subprocess.run(
        argv,
        env=clean_environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=END_LIMIT_S,
        check=False,
    )


def test_a_server_that_is_absent_is_told_at_once(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    ended = listen(address, tmp_path, "news")
    assert ended.returncode == exits.UNREACHABLE
    assert ended.stderr.decode() == f"gearhorn: no Gearman server can be reached: {address}: Connection refused\n"


def test_a_service_that_is_absent_is_told(gearman_server: GearmanServer, tmp_path: Path) -> None:
    ended = listen(gearman_server.address, tmp_path, "news", "--timeout", "2")  # geard may take a second to accept
    assert ended.returncode == exits.TIMED_OUT
    assert b"is a gearhorn worker running?" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a\tb"], "topic: has the control character U+0009"),
        (["subscribe", "--client-id", "fanout"], "belongs to the service"),
        (["news", "--client-id", ""], "client_id: is empty"),
        (["news", "--exec"], "--exec: needs a command"),
        (["news", "--exec", "no-such-program"], "there is no program 'no-such-program'"),
        (["news", "--exec", "cat -n"], "with arguments it is: --exec cat -n"),
        (["news", "--json", "--exec", "cat"], "not allowed with argument --json"),
        (["news", "--count", "0"], "'0' is no whole number from 1"),
        (["news", "--concurrency", "-1"], "'-1' is no whole number from 1"),
        (["news", "--ttl", "0"], "'0' is no number of seconds above 0"),
        (["news", "--ttl", "1e12"], "ttl: must be a number of seconds"),
        (["news", "more"], "unrecognized arguments: more"),
        ([], "TOPIC"),
    ],
)
def test_wrong_usage_is_told(gearmand: GearmanServer, tmp_path: Path, arguments: list[str], words: str) -> None:
    ended = listen(gearmand.address, tmp_path, *arguments)
    assert ended.returncode == exits.USAGE
    assert words in ended.stderr.decode()


def test_a_name_that_is_anothers_is_refused_with_the_services_words(address: str, tmp_path: Path, folder: Path) -> None:
    with Listener(address, folder, "a_b", "--client-id", "c"):
        ended = listen(address, tmp_path, "a", "--client-id", "b_c")
    assert ended.returncode == exits.USAGE
    assert b"'a_b_c'" in ended.stderr


# Outliving others.


def test_copies_come_again_after_a_restart_of_the_gearman_server(
    worker: GearhornWorker, gearman_server: GearmanServer, tmp_path: Path, folder: Path
) -> None:
    with Listener(gearman_server.address, folder, "news") as listener:
        for times in (1, 2):
            gearman_server.kill()
            listener.wait_for_log("is gone", times)
            gearman_server.start()
            listener.wait_for_log("subscribed again to topic 'news'", times)
            message = f"after restart {times}".encode()
            assert publish(gearman_server.address, tmp_path, message, "--wait").returncode == exits.OK
            listener.wait_for_output(message + b"\n")
        assert listener.log.count("is gone") == 2
        assert listener.log.count("(jobs) is back") == 2
        assert "cannot be reached" not in listener.log


def test_a_server_that_stays_away_is_spoken_of_once(
    worker: GearhornWorker, gearman_server: GearmanServer, tmp_path: Path, folder: Path
) -> None:
    """The ttl falls due many times meanwhile."""
    with Listener(gearman_server.address, folder, "news", "--ttl", "0.2", "--log-level", "debug") as listener:
        listener.wait_for_log("subscribed again")
        gearman_server.stop()
        listener.wait_for_log("is gone")
        for _ in range(5):
            assert publish(gearman_server.address, tmp_path, b"x").returncode == exits.UNREACHABLE
        assert listener.end() == exits.OK
        said = [line for line in listener.log.splitlines() if "asyncio" not in line and "subscribed again" not in line]
    address = gearman_server.address
    assert said == [
        f"gearhorn: listening to news as {socket.gethostname()}",
        f"gearhorn: Gearman server {address} (jobs) is gone: the server closed the connection; trying again until it "
        "is back",
        "gearhorn: could not unsubscribe: no Gearman server is connected",
    ]


def test_copies_come_on_after_a_restart_of_the_service(
    worker: GearhornWorker, gearman_server: GearmanServer, tmp_path: Path, folder: Path
) -> None:
    with Listener(gearman_server.address, folder, "news") as listener:
        worker.restart()
        assert publish(gearman_server.address, tmp_path, b"hello", "--wait").returncode == exits.OK
        assert listener.output == b"hello\n"
        worker.kill()
        worker.start()
        assert publish(gearman_server.address, tmp_path, b"again", "--wait").returncode == exits.OK
        assert listener.output == b"hello\nagain\n"


def test_a_subscription_with_a_ttl_ends_after_a_sudden_death_and_not_before(
    address: str, tmp_path: Path, folder: Path
) -> None:
    with Listener(address, folder, "news", "--ttl", "2") as listener:
        listener.wait_for_log("subscribed again", 3)
        assert publish(address, tmp_path, b"x", "--wait").returncode == exits.OK
        listener.end(signal.SIGKILL)
    wait_until(lambda: publish(address, tmp_path, b"x").returncode == exits.NOBODY_SUBSCRIBED, "its end", END_LIMIT_S)
