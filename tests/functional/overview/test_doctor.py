"""`gearhorn doctor`, with the real trouble for each finding, and fixes that are run as they are pasted."""

import asyncio
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gearhorn.cmd import exits
from gearhorn.doctor.findings import Finding
from gearhorn.doctor.probe import PROBE_TOPIC
from gearhorn.matchmaking.losses import LOSS, Loss
from gearhorn.store.facts import ask_redis
from gearhorn.store.opening import StoreSettings, open_store
from tests.functional.overview.system import System, asking, examine, examine_all, findings_in, nobody
from tests.functional.reaper.looks import settings
from tests.servers.certificates import Certificates
from tests.servers.commands import run_gearhorn, run_on_terminal
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import Geard, Gearmand
from tests.servers.process import wait_until
from tests.servers.standalone import clean_environment
from tests.servers.stores import Memcached, Redis

LIMIT_S = 60.0


def paste(folder: Path, command: str) -> str:
    """What a shell makes of a fix, where `gearhorn` is this one."""
    bin_folder = folder / "bin"
    bin_folder.mkdir(exist_ok=True)
    program = bin_folder / "gearhorn"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m gearhorn "$@"\n')
    program.chmod(0o755)
    env = {**clean_environment(folder), "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", command], env=env, capture_output=True, text=True, timeout=LIMIT_S, check=True)
    return done.stdout


def whats_of(code: str, *words: str) -> list[str]:
    return [finding.what for result in examine_all(*words) for finding in result.findings if finding.code == code]


# A system that is well.


def test_a_system_that_is_well_has_notes_at_the_most_and_nothing_is_left_behind(system: System) -> None:
    state, found = system.doctor()
    assert (state, {finding.severity for finding in found.values()} - {"note"}) == ("well", set())
    topics = run_gearhorn(system.folder, "topics", f"--store={system.store_url}")
    assert topics.returncode == exits.OK
    assert PROBE_TOPIC not in topics.stdout
    with system.gearmand._connect() as connection:
        connection.sendall(b"status\n")
        assert PROBE_TOPIC.encode() not in connection.recv(1 << 20)


def test_a_terminal_gets_what_was_checked_and_what_was_found(system: System) -> None:
    with nobody() as address:
        shown = run_on_terminal(system.folder, "doctor", *system.places, f"--gearman={address}", NO_COLOR="1")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "ok store\n" in plain
    assert "-- certificates: no TLS is configured\n" in plain
    assert f"   error server-unreachable: Gearman server {address} cannot be asked: Connection refused\n" in plain
    assert (
        f"   fix: systemctl restart gearman-job-server; gearadmin --host=127.0.0.1 --port={address[10:]} --status"
        in plain
    )
    assert re.search(r"\n1 error, \d notes?\n$", plain)


def test_a_pipe_gets_a_line_for_each_finding(system: System) -> None:
    with nobody() as address:
        done = system.run("doctor", "--no-probe", f"--gearman={address}")
    assert done.returncode == exits.TROUBLE
    assert f"error\tserver-unreachable\tGearman server {address} cannot be asked: Connection refused\t" in done.stdout


def test_nothing_reachable_has_a_status_of_its_own(tmp_path: Path) -> None:
    with nobody() as address:
        done = run_gearhorn(tmp_path, "doctor", "--json", f"--gearman={address}", f"--store=redis://{address}")
    assert done.returncode == exits.UNREACHABLE
    assert {"server-unreachable", "store-unreachable"} <= findings_in(done.stdout).keys()


# Redis and memcached.


def test_a_redis_that_throws_out_lists_is_found_and_mended(system: System) -> None:
    redis = system.redis.client()
    redis.config_set("maxmemory", "100mb")
    redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        state, found = system.doctor("--no-probe")
        assert (state, found["redis-evicts-lists"].severity) == ("error", "error")
        fix, rewriting = found["redis-evicts-lists"].fix.split(" && ")
        assert rewriting.endswith("config rewrite")  # which a Redis without a file refuses
        paste(system.folder, fix)
        assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        redis.config_set("maxmemory-policy", "volatile-ttl")
        redis.config_set("maxmemory", "1100kb")  # it uses nearly as much when it is empty
        state, found = system.doctor("--no-probe")
        assert {"redis-evicts-records", "redis-nearly-full"} <= found.keys()
    finally:
        redis.config_set("maxmemory-policy", "noeviction")
        redis.config_set("maxmemory", "0")


def test_a_redis_that_writes_nothing_to_disk_is_found(system: System) -> None:
    redis = system.redis.client()
    redis.config_set("appendonly", "no")
    try:
        state, found = system.doctor("--no-probe")
        assert (state, found["redis-not-persistent"].severity) == ("warning", "warning")
    finally:
        paste(system.folder, found["redis-not-persistent"].fix.split(" && ")[0])
    assert redis.config_get("appendonly") == {"appendonly": "yes"}


def test_a_redis_that_takes_no_changes_is_found(system: System) -> None:
    redis = system.redis.client()
    redis.config_set("maxmemory", "1")  # with noeviction: it is full
    try:
        assert {"store-refuses-writes", "redis-nearly-full"} <= system.doctor("--no-probe")[1].keys()
    finally:
        redis.config_set("maxmemory", "0")
    wait_until(lambda: system.doctor()[0] == "well", "the worker to go on", LIMIT_S)


def test_a_redis_that_cannot_save_is_found(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with Redis(tmp_path / "redis", "--dir", str(tmp_path / "data")) as server, nobody() as address:
        (tmp_path / "data").rmdir()
        redis = server.client()
        redis.bgsave()
        wait_until(lambda: redis.info("persistence")["rdb_last_bgsave_status"] == "err", "the failure", LIMIT_S)
        found = examine(f"--store=redis://{server.address}", f"--gearman={address}")[1]["redis-saving-fails"]
        assert found.severity == "error"
        assert "saving started" in paste(tmp_path, found.fix)


async def test_the_clock_of_a_redis_is_held_against_this_hosts(system: System) -> None:
    settings = StoreSettings(system.store_url)
    assert abs((await ask_redis(settings, time.time)).ahead_s) < 60
    facts = await ask_redis(settings, lambda: time.time() - 1000)
    assert 900 < facts.ahead_s < 1100


def test_a_memcached_that_has_thrown_out_lists_is_found(tmp_path: Path) -> None:
    with Memcached(tmp_path / "memcached", "-m", "8") as memcached, nobody() as address:
        _fill(memcached.port)
        store = f"--store=memcached://{memcached.address}"
        found = examine(store, f"--gearman={address}")[1]
    assert found["memcached-volatile"].severity == "note"
    assert found["memcached-evicts"].severity == "error"


def _fill(port: int) -> None:
    from pymemcache.client.base import Client

    client = Client(("127.0.0.1", port))
    for number in range(200):
        client.set(f"key{number}", b"x" * 100_000, noreply=False)
    client.close()


# Queues and names.


def test_what_was_left_in_a_queue_is_found_and_emptied(system: System) -> None:
    system.subscribe("orphans", "stays", "leaves")
    system.publish("orphans", 3)
    system.unsubscribe("orphans", "leaves")
    state, found = system.doctor("--no-probe")
    assert state == "warning"
    assert "orphans_leaves" in found["queue-orphaned"].what
    while "queue-orphaned" in found:  # one for each server on which there are copies
        paste(system.folder, found["queue-orphaned"].fix)
        state, found = system.doctor("--no-probe")
    system.publish("orphans")  # still works


def test_topics_that_overlap_are_noted(system: System) -> None:
    system.subscribe("over", "bob")
    system.subscribe("over_lap", "bob")
    assert "over_lap" in system.doctor("--no-probe")[1]["topics-overlap"].what


# Files, processes.


def test_a_file_with_a_secret_that_everybody_can_read_is_found_and_closed(system: System) -> None:
    text = f"[store]\nurl = redis://:secret@{system.redis.address}/0\n"
    with system.config_file(text, 0o644) as option:
        done = run_gearhorn(system.folder, "doctor", "--json", option, f"--gearman={system.gearmand.address}")
        found = findings_in(done.stdout)
        paste(system.folder, found["secret-readable"]["fix"])
        assert (system.folder / "some.conf").stat().st_mode & 0o777 == 0o640
    assert "secret@" not in done.stdout + done.stderr


def test_a_gearmand_that_runs_out_of_file_descriptors_is_found(system: System) -> None:
    assert system.gearmand.process is not None
    pid = system.gearmand.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used_count = len(os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used_count + 5, before[1]))
    try:
        found = system.doctor("--no-probe")[1]
        assert f"gearmand at {system.gearmand.address} (process {pid})" in found["file-descriptors"].what
        if shutil.which("prlimit"):
            paste(system.folder, found["file-descriptors"].fix)
            assert resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] > 4 * used_count
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def test_servers_that_keep_jobs_in_memory_are_found_where_they_should_not(system: System) -> None:
    with system.config_file("[gearman]\npersistent_queue = true\n") as option:
        whats = whats_of("queue-not-persistent", *system.places, "--no-probe", option)
    assert any(system.geard.address in what for what in whats)
    assert any("gearmand" in what and "--queue-type" in what for what in whats)


# Workers.


def test_workers_that_hang_die_or_use_another_store_are_found(tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(Gearmand(tmp_path / "gearmand"))
        store = f"sqlite:///{tmp_path}/lists.db"
        worker = stack.enter_context(GearhornWorker([server.address], store, tmp_path / "worker"))
        places = [f"--store={store}", f"--gearman={server.address}"]

        def doctor(*words: str) -> tuple[str, dict[str, Finding]]:
            return examine(*places, *words)

        assert doctor() == ("well", {})
        asyncio.run(_lose_lists(store))
        state, found = doctor("--no-probe")
        assert (state, list(found)) == ("error", ["store-lost-lists"])
        paste(tmp_path, found["store-lost-lists"].fix)
        assert doctor("--no-probe") == ("well", {})

        with nobody() as address:
            found = doctor("--no-probe", f"--gearman={address}")[1]
        assert "worker-misses-server" not in found  # nobody is connected to a server that is away
        asyncio.run(_make_store(f"sqlite:///{tmp_path}/other.db"))
        found = doctor("--no-probe", f"--store=sqlite:///{tmp_path}/other.db")[1]
        assert {"no-worker", "worker-other-store"} == found.keys()
        assert worker.worker_id in found["worker-other-store"].what
        with Gearmand(tmp_path / "second") as second:
            found = doctor("--no-probe", f"--gearman={second.address}")[1]
            assert {"server-unserved", "worker-misses-server"} == found.keys()
            found = examine("--no-probe", places[0], f"--gearman={second.address}")[1]
            assert "worker-other-servers" in found

        worker.signal(signal.SIGSTOP)
        state, found = doctor()
        assert (state, found["probe-failed"].severity) == ("error", "error")
        wait_until(lambda: "worker-ran-out" in doctor("--no-probe")[1], "the lease to run out", LIMIT_S)
        worker.signal(signal.SIGCONT)
        wait_until(lambda: doctor() == ("well", {}), "the worker to be back", LIMIT_S)
        assert (
            run_gearhorn(tmp_path, "topics", places[0]).stdout == "__matchmaking\t1\n"
        )  # nothing of the probe that failed

        worker.signal(signal.SIGKILL)
        wait_until(lambda: "worker-ran-out" in doctor("--no-probe")[1], "the lease to run out", LIMIT_S)
        paste(tmp_path, doctor("--no-probe")[1]["worker-ran-out"].fix)
        assert {"no-worker", "server-unserved"} == doctor()[1].keys()


def test_subscribers_that_are_dead_and_a_probe_that_is_refused_are_found(tmp_path: Path) -> None:
    made = run_gearhorn(tmp_path, "keys", "new", "doctor", "--publish=*", "--subscribe=*", "--unsubscribe=*")
    keys = tmp_path / "keys.toml"
    keys.write_text(made.stdout)
    keys.chmod(0o600)
    (tmp_path / "worker").mkdir()
    (tmp_path / "worker" / "gearhorn.conf").write_text(
        f"[signing]\nkeys_file = {keys}\nrequired_topics = {PROBE_TOPIC}\n" + settings(dead_after=1)
    )
    store = f"sqlite:///{tmp_path}/lists.db"
    with (
        Gearmand(tmp_path / "gearmand") as server,
        GearhornWorker([server.address], store, tmp_path / "worker"),
        asking(server) as client,
    ):
        client.request("subscribe_fanout", {"topic": "news", "client_id": "gone"})
        for _ in range(20):
            client.request("fanout", {"topic": "news", "payload": "x", "background": True})
        places = [f"--store={store}", f"--gearman={server.address}"]
        assert examine(*places)[1].keys() >= {"probe-refused"}
        wait_until(lambda: "subscriber-dead" in examine("--no-probe", *places)[1], "it to be dead", LIMIT_S)
        fix = examine("--no-probe", *places)[1]["subscriber-dead"].fix
        assert paste(tmp_path, fix) == ""
        wait_until(lambda: "subscriber-dead" not in examine("--no-probe", *places)[1], "it to be gone", LIMIT_S)
        signed = ["--sign-key=doctor", f"--sign-keys-file={keys}"]
        done = run_gearhorn(tmp_path, "doctor", "--json", *places, *signed)
        assert "probe-refused" not in findings_in(done.stdout)
        assert "probe-failed" not in findings_in(done.stdout)


async def _lose_lists(url: str) -> None:
    store = open_store(StoreSettings(url))
    await store.open()
    await store.keep_record(
        LOSS, json.dumps({"at_s": time.time(), "worker_id": "x", "is_forgotten": False}).encode(), 60
    )
    await store.close()
    assert Loss(1.0).when == "1970-01-01T00:00:01Z"


async def _make_store(url: str) -> None:
    store = open_store(StoreSettings(url))
    await store.open()
    await store.close()


# Certificates.


class LenientGeard(Geard):
    """Whose certificate may have ended."""

    def _answers(self) -> bool:
        """It listens, as has been seen."""
        return True


@pytest.mark.parametrize(("days", "code"), [(-1, "certificate-expired"), (5, "certificate-expires")])
def test_certificates_of_servers_and_clients_that_end_are_found(tmp_path: Path, days: int, code: str) -> None:
    """A server that refuses the client's certificate does not get so far as to show its own."""
    certificates = Certificates(tmp_path / "certificates")
    now = datetime.now(UTC)
    times = {"not_before": now - timedelta(days=30), "not_after": now + timedelta(days=days)}
    certificates.server_certificate, certificates.server_key = certificates.issue(None, "127.0.0.1", **times)
    client, key = certificates.issue(None, **times)
    asyncio.run(_make_store(f"sqlite:///{tmp_path}/lists.db"))
    with LenientGeard(tmp_path / "geard", tls=certificates) as server:
        places = ["--no-probe", f"--store=sqlite:///{tmp_path}/lists.db", f"--gearman={server.address}"]
        places.append(f"--ssl-ca={certificates.ca_file}")
        good = [f"--ssl-cert={certificates.client_certificate}", f"--ssl-key={certificates.client_key}"]
        [shown] = whats_of(code, *places, *good)
        assert shown.startswith(f"the certificate of Gearman server {server.address} end")
    filed = whats_of(code, *places, f"--ssl-cert={client}", f"--ssl-key={key}")[0]
    assert filed.startswith(f"the certificate of [gearman] cert_file, {client}, end")


def test_a_file_that_holds_no_certificate_is_found(tmp_path: Path) -> None:
    from gearhorn.doctor.certificates import _check_file
    from gearhorn.doctor.findings import Notes

    (tmp_path / "ca.pem").write_text("nothing")
    notes = Notes()
    _check_file(notes, "[gearman] ca_file", str(tmp_path / "ca.pem"))
    assert notes.findings[0].code == "certificate-unreadable"
