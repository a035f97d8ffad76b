"""What SIGHUP does and does not do: what is said of it, to whom, and in which moments."""

import contextlib
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.contract.stage import Stage
from tests.functional.reload.conftest import LIMIT_S, ReloadingWorker
from tests.servers.certificates import Certificates
from tests.servers.gearhorn_worker import READY
from tests.servers.gearman import Geard, Gearmand
from tests.servers.process import wait_until
from tests.servers.standalone import Standalone, clean_environment

OWN_QUEUES = "[worker]\nfanout_queue = own_fanout\nsubscribe_queues = own_subscribe\nunsubscribe_queue = own_un\n"


@contextlib.contextmanager
def started(worker: ReloadingWorker, words: str) -> Iterator[ReloadingWorker]:
    """Without waiting until it is ready."""
    worker.is_ready = lambda: words in worker.log  # type: ignore[method-assign]
    with worker:
        yield worker
        print(worker.log)
        assert worker.process is not None
        worker.signal(signal.SIGTERM)
        assert worker.process.wait(LIMIT_S) == 0
    assert "Traceback" not in worker.log


# What is said.


def test_what_has_changed_and_what_needs_a_restart_are_a_line_each(stage: Stage, worker: ReloadingWorker) -> None:
    seen = len(worker.log)
    worker.change(
        "[worker]\njobs_in_flight = 7\nfanout_queue = other\n[store]\ntimeout = 2\n[reaper]\npolicies = a.*:drop\n"
    )
    worker.wait_for("timeout: 5 → 2\n", seen)
    changed, kept = (line for line in worker.log[seen:].splitlines() if " settings." in line)
    assert changed.endswith(
        "INFO settings.read: the settings were read anew: [worker] jobs_in_flight: 4096 → 7; "
        "[reaper] policies: nothing → a.*:drop"
    )
    assert kept.endswith(
        "WARNING settings.kept: these changes count after a restart only: [worker] fanout_queue: fanout → other; "
        "[store] timeout: 5 → 2"
    )
    stage.subscribe("bob")
    assert stage.broadcast() == 1  # on the old queue
    stage.delivered()
    assert "nothing has changed" in worker.reload()  # of what counts
    wait_until(lambda: worker.log[seen:].count("after a restart only: ") == 2, "the same again", LIMIT_S)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("[worker]\njobs_in_flight = many\n", "[worker] jobs_in_flight: "),
        ("[worker]\njobs_in_flight = 0\n", "[worker] jobs_in_flight: "),
        ("[worker]\njobs_in_flite = 7\n", "[worker] jobs_in_flite is no option"),
        ("jobs_in_flight", "the configuration cannot be read"),
        ("[reaper]\npolicies = a:burn\n", "'burn', for 'a', is none of"),
        ("[matchmaking]\nlease_ttl = 1\nack_timeout = 2\n", "ack_timeout is longer than lease_ttl"),
        ("[store]\nurl = nonsense://sesame@host\n", ""),
        ("[gearman]\ntls = true\nca_file = /nowhere\n", "the CA file '/nowhere' cannot be used"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(
    settings: str, words: str, stage: Stage, worker: ReloadingWorker
) -> None:
    worker.change("[worker]\npayload_limit = 10\n")
    said = worker.change("[DEFAULT]\nlog_level = error\n[worker]\npayload_limit = 20\n" + settings)
    if "nonsense" in settings:  # the command line's beats it, so that nobody minds
        assert "sesame" not in said
        return
    assert said.count("\n") == 1
    assert "ERROR settings.broken: " in said
    assert said.endswith("; the settings from before stay\n")
    assert words in said
    assert b"more than 10" in stage.publish(payload="x" * 11, background=True).data
    stage.subscribe("bob")
    assert "subscriber.added" in worker.log.splitlines()[-1]  # the level is the one from before


# Which settings count.


def test_the_command_line_beats_the_files_after_a_reload_too_and_a_shorter_drain_counts(
    own_worker: ReloadingWorker, stage: Stage
) -> None:
    own_worker.argv += ["--log-level", "info"]
    own_worker.write(OWN_QUEUES)
    with started(own_worker, READY):
        assert stage.client.request("own_subscribe", {"topic": stage.topic, "client_id": "bob"}).data == b""
        stage.receiver.can_do(stage.queue("bob"))
        handle = stage.client.start("own_fanout", stage.fanout())
        job = stage.receiver.take()
        said = own_worker.change(f"{OWN_QUEUES}drain_timeout = 0.1\n[DEFAULT]\nlog_level = error\n")
        assert "[worker] drain_timeout: 30 → 0.1\n" in said  # and nothing of the level
        own_worker.signal(signal.SIGTERM)
        own_worker.wait_for("stopping: 1 jobs to finish, within 0.1 s")
        own_worker.wait_for("gave 1 unfinished jobs back to")
    assert own_worker.process is None
    assert not stage.client.has_ended(handle)
    stage.receiver.complete(job.handle)


def test_a_secret_is_not_shown(own_worker: ReloadingWorker) -> None:
    own_worker.argv = [word for word in own_worker.argv if not word.startswith("--store")]
    own_worker.write(f"{OWN_QUEUES}[store]\nurl = memory://\n")
    with started(own_worker, READY):
        own_worker.change(f"{OWN_QUEUES}[store]\nurl = redis://:sesame@127.0.0.1/1\n")
        own_worker.wait_for("these changes count after a restart only: [store] url\n")
    assert "sesame" not in own_worker.log


def test_what_keeps_it_from_starting_is_told_in_the_form_of_its_log(own_worker: ReloadingWorker) -> None:
    for settings, beginning in (("", "gearhorn: "), ("log_format = json\n", '{"time":')):
        own_worker.write(f"[DEFAULT]\n{settings}[worker]\ntopic_queues = __x\n")
        done = subprocess.run(own_worker.argv, cwd=own_worker.folder, capture_output=True, text=True, check=False)
        (line,) = done.stderr.splitlines()
        assert line.startswith(beginning)
        assert "[worker] topic_queues: a topic" in line
        assert done.returncode == 78  # EX_CONFIG of sysexits.h


def test_the_journal_is_told_how_bad_it_is(own_worker: ReloadingWorker) -> None:
    own_worker.write("[worker]\ntopic_queues = __x\n")
    for is_journal in (True, False):
        with (own_worker.folder / "journal").open("w") as journal:
            found = os.fstat(journal.fileno())
            stream = f"{found.st_dev}:{found.st_ino + (not is_journal)}"
            environ = {**os.environ, "JOURNAL_STREAM": stream}
            subprocess.run(own_worker.argv, cwd=own_worker.folder, stderr=journal, env=environ, check=False)
        shown = (own_worker.folder / "journal").read_text()
        assert shown.startswith("<3>gearhorn: " if is_journal else "gearhorn: ")


# Moments.


@pytest.fixture
def told(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket that systemd would listen on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(LIMIT_S)
        yield listener


def test_before_it_is_ready_the_signal_does_no_harm_and_systemd_hears_of_each_one_after(
    own_worker: ReloadingWorker, told: socket.socket, tmp_path: Path
) -> None:
    """See sd_notify(3): RELOADING=1 with the monotonic clock, and READY=1 at the end, also of a reading that failed."""
    server = Gearmand(tmp_path / "gearmand")
    own_worker.argv = [word for word in own_worker.argv if not word.startswith("--gearman")]
    own_worker.argv.append(f"--gearman={server.address}")
    own_worker.env = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
    with started(own_worker, "cannot be reached"):
        own_worker.reload()
        own_worker.change("[worker]\npayload_limit = 10\n")
        with server:
            own_worker.wait_for(READY)
            assert told.recv(1000) == b"READY=1"  # and nothing of a reload before
            for settings in ("[worker]\npayload_limit = 11\n", "[worker]\npayload_limit = eleven\n"):
                own_worker.change(settings)
                begin = told.recv(1000).decode()
                found = re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", begin)
                assert found, begin
                assert 0 <= _monotonic_us() - int(found[1]) < LIMIT_S * 1_000_000
                assert told.recv(1000) == b"READY=1"
            own_worker.signal(signal.SIGTERM)
            assert told.recv(1000) == b"STOPPING=1"


def _monotonic_us() -> int:
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_a_certificate_that_was_renewed_is_shown_on_the_next_connection(tmp_path: Path) -> None:
    ours, others = Certificates(tmp_path / "pki"), Certificates(tmp_path / "others")
    certificate, key = tmp_path / "own.pem", tmp_path / "own.key"
    settings = f"[gearman]\ntls = true\nca_file = {ours.ca_file}\ncert_file = {certificate}\nkey_file = {key}\n"
    key.touch(mode=0o600)
    certificate.write_bytes(Path(others.client_certificate).read_bytes())
    key.write_bytes(Path(others.client_key).read_bytes())
    with Geard(tmp_path / "geard", tls=ours) as server:
        worker = ReloadingWorker([server.address], "memory://", tmp_path / "worker")
        worker.write(settings)
        with started(worker, "trying again"):
            certificate.write_bytes(Path(ours.client_certificate).read_bytes())
            assert "settings.broken: the certificate" in worker.reload()  # its key is not there yet
            key.write_bytes(Path(ours.client_key).read_bytes())
            worker.reload()
            worker.wait_for("tls_files.read")
            worker.wait_for(READY)
            worker.reload()
            assert worker.log.count("tls_files.read") == 1


def test_standalone_reads_its_settings_again(tmp_path: Path) -> None:
    settings = tmp_path / "own.conf"
    settings.write_text("")
    standalone = Standalone(tmp_path / "standalone", [f"--config-file={settings}"])
    with standalone:
        settings.write_text("[DEFAULT]\nlog_format = json\n[gearman]\nservers = elsewhere:1\ncheck_hostname = false\n")
        standalone.signal(signal.SIGHUP)
        wait_until(lambda: '"event":"settings.read"' in standalone.log, "the answer", LIMIT_S)
        wait_until(lambda: "after a restart only: [gearman] check_hostname" in standalone.log, "the rest", LIMIT_S)
        assert standalone.ask(b"status\n", b".\n")


def test_a_terminal_that_is_closed_ends_what_was_started_in_it(tmp_path: Path) -> None:
    """Else the quick start would go on unseen, with its port and its store."""
    outside, inside = pty.openpty()
    command = [sys.executable, "-m", "gearhorn", "standalone", "--port=0", f"--data-dir={tmp_path}"]
    environment = clean_environment(tmp_path)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *command], stdin=inside, stdout=log, stderr=log, env=environment
        )
    os.close(inside)
    wait_until(lambda: "third one" in (tmp_path / "log").read_text(), "the service", LIMIT_S)
    os.close(outside)
    process.wait(LIMIT_S)
    shown = (tmp_path / "log").read_text()
    assert "service.stopped" in shown
    assert "settings.read" not in shown
