"""Workers that are killed, stopped, continued or started twice, and how little the others suffer from it."""

import signal
import time
from pathlib import Path

from gearhorn.cmd import exits
from tests.functional.matchmaking.asked import reads_of
from tests.functional.matchmaking.crew import HELD_UP_LIMIT_S, NO_ANSWER, Crew, Member
from tests.servers.commands import run_gearhorn
from tests.servers.process import wait_until
from tests.servers.stores import Redis


def seconds_of_change(member: Member, client_id: str) -> float:
    started_s = time.monotonic()
    member.subscribe("news", client_id)
    return time.monotonic() - started_s


def test_a_stopped_worker_holds_up_one_change_and_no_longer_than_its_lease(crew: Crew) -> None:
    ann, ben = crew.hire(), crew.hire()
    assert (ann.count("news"), ben.count("news")) == (0, 0)
    ben.worker.signal(signal.SIGSTOP)
    assert seconds_of_change(ann, "bob") < HELD_UP_LIMIT_S
    for number in range(5):
        ann.subscribe("news", f"host{number}")
    assert ann.worker.log.count(NO_ANSWER) == 1


def test_a_worker_that_is_continued_serves_no_list_from_before(any_crew: Crew) -> None:
    ann, ben = any_crew.hire(), any_crew.hire()
    assert ben.count("news") == 0
    ben.worker.signal(signal.SIGSTOP)
    ann.subscribe("news", "bob")
    (waiting,) = ben.start_fanouts("news")
    ben.worker.signal(signal.SIGCONT)
    assert ben.client.finish(waiting).count == 1
    ann.subscribe("news", "eve")
    assert ben.count("news") == 2


def test_a_worker_that_is_continued_comes_back_to_its_memory(crew: Crew, redis: Redis) -> None:
    ann, ben = crew.hire(), crew.hire()
    ben.worker.signal(signal.SIGSTOP)
    ann.subscribe("news", "bob")  # waits until ben's lease has run out
    ben.worker.signal(signal.SIGCONT)
    wait_until(lambda: ben.worker.worker_id in crew.holders(), "the worker to hold a lease again")
    wait_until(lambda: reads_of(redis, "news", lambda: ben.count("news")) == 0, "a fanout that reads nothing")
    ann.subscribe("news", "eve")
    assert ben.count("news") == 2


def test_a_pause_shorter_than_the_lease_costs_a_change_no_more_than_the_pause(crew: Crew) -> None:
    ann, ben = crew.hire("[matchmaking]\nack_timeout = 3\n"), crew.hire()
    assert ben.count("news") == 0
    ben.worker.signal(signal.SIGSTOP)
    change = ann.client.start("subscribe1", {"topic": "news", "client_id": "bob"})
    wait_until(lambda: crew.message_count(ben.worker) == 1, "the message to lie on the queue")
    assert not ann.client.has_ended(change)
    ben.worker.signal(signal.SIGCONT)
    ann.client.finish(change)
    assert ben.count("news") == 1
    assert NO_ANSWER not in ann.worker.log
    assert "lease was lost" not in ben.worker.log


def test_a_killed_worker_is_cleaned_up_after(any_crew: Crew) -> None:
    ann, ben = any_crew.hire(), any_crew.hire()
    assert ben.count("news") == 0
    ben.worker.kill()
    assert seconds_of_change(ann, "bob") < HELD_UP_LIMIT_S
    wait_until(lambda: any_crew.forgets(ben.worker), "nothing to be left of the worker")
    ann.subscribe("news", "eve")
    assert ann.worker.log.count(NO_ANSWER) == 1


def test_what_was_sent_to_a_killed_worker_is_taken_off_its_queue(crew: Crew) -> None:
    ann, ben = crew.hire(), crew.hire()
    ben.worker.kill()
    ann.subscribe("news", "bob")
    assert crew.message_count(ben.worker) >= 1
    wait_until(lambda: crew.forgets(ben.worker), "nothing to be left of the worker")
    assert f"off the queue of worker {ben.worker.worker_id}" in ann.worker.log


def test_a_killed_worker_that_starts_again_at_once_need_not_wait_for_its_own_lease(crew: Crew) -> None:
    """Ready within the limit for a start, where the lease would last for much longer."""
    settings = "[matchmaking]\nlease_ttl = 600\n"
    ann, ben = crew.hire(settings), crew.hire(settings)
    ben.worker.kill()
    ben.worker.start()
    ann.subscribe("news", "bob")
    assert ben.count("news") == 1
    assert NO_ANSWER not in ann.worker.log


def test_a_worker_that_is_told_to_end_leaves_at_once_and_no_change_waits_for_it(crew: Crew) -> None:
    ann, ben = crew.hire(), crew.hire()
    assert ben.count("news") == 0
    assert ben.worker.process is not None
    ben.worker.signal(signal.SIGTERM)
    assert ben.worker.process.wait(HELD_UP_LIMIT_S) == exits.OK
    assert crew.forgets(ben.worker)
    ann.subscribe("news", "bob")
    assert NO_ANSWER not in ann.worker.log + ben.worker.log


def test_a_second_worker_with_the_same_id_does_not_start_and_the_first_goes_on(crew: Crew, tmp_path: Path) -> None:
    ann, ben = crew.hire(), crew.hire()
    own = f"--config-file={ann.worker.folder}/own.conf"
    place = [f"--gearman={crew.server.address}", f"--store={crew.url}"]
    second = run_gearhorn(tmp_path, "worker", own, *place)
    assert second.returncode == exits.MISCONFIGURED
    (line,) = second.stderr.splitlines()
    assert ann.worker.worker_id in line
    assert "is running already" in line
    assert crew.holders() == {ann.worker.worker_id, ben.worker.worker_id}
    ben.subscribe("news", "bob")
    assert ann.count("news") == 1
    assert NO_ANSWER not in ben.worker.log
