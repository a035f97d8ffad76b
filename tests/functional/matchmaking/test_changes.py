"""Changes and fanouts through workers that tell each other, when nothing is in the way."""

import json

import pytest

from tests.functional.facts.raw import Kind
from tests.functional.matchmaking.asked import calls_during, reads_of
from tests.functional.matchmaking.crew import LONG_LEASE, MATCHMAKING, NO_ANSWER, Crew, Member
from tests.functional.trouble.scene import Scene
from tests.servers.process import wait_until
from tests.servers.stores import Redis

FANOUT_COUNT = 10_000
BATCH_COUNT = 1_000


def test_a_change_through_one_worker_is_seen_by_the_very_next_fanout_through_another(any_crew: Crew) -> None:
    ann, ben = any_crew.hire(), any_crew.hire()
    assert (ann.count("news"), ben.count("news")) == (0, 0)  # from now on both have it in memory
    for number in range(20):
        ann.subscribe("news", f"host{number}")
        assert ben.count("news") == number + 1
    for number in range(20):
        ben.unsubscribe("news", f"host{number}")
        assert ann.count("news") == 19 - number
    assert NO_ANSWER not in ann.worker.log + ben.worker.log


def test_fanouts_of_a_list_in_memory_ask_the_store_nothing(crew: Crew, redis: Redis) -> None:
    ann, ben = crew.hire(LONG_LEASE), crew.hire(LONG_LEASE)
    ben.subscribe("news", "bob")
    assert ann.count("news") == 1
    wait_until_settled(redis)

    def publish() -> None:
        for _ in range(FANOUT_COUNT // BATCH_COUNT):
            handles = ann.start_fanouts("news", BATCH_COUNT)
            assert {ann.client.finish(handle).count for handle in handles} == {1}

    assert calls_during(redis, publish) == {}


def test_a_subscription_that_changes_nothing_costs_one_store_call_and_no_message(crew: Crew, redis: Redis) -> None:
    ann, _ = crew.hire(LONG_LEASE), crew.hire(LONG_LEASE)
    ann.subscribe("news", "bob")
    wait_until_settled(redis)
    assert ann.count("news") == 1
    before = job_number(ann)
    calls = calls_during(redis, lambda: ann.subscribe("news", "bob"))
    assert calls["evalsha"] == 1
    assert "eval" not in calls
    assert job_number(ann) == before + 2  # the subscription, and the one that asks
    ann.subscribe("news", "eve")
    assert job_number(ann) == before + 5  # with a message to the other worker


def job_number(member: Member) -> int:
    """How many jobs the server was ever given. Gives it another one."""
    return int(member.client.start("nobody", b"", kind=Kind.SUBMIT_JOB_BG).rpartition(b":")[2])


def wait_until_settled(redis: Redis) -> None:
    client = redis.client()
    try:
        wait_until(lambda: client.zcard("gearhorn:unsettled") == 0, "all topics to be settled")
    finally:
        client.close()


@pytest.mark.parametrize(("payload", "topics"), [({}, {"news", "sports"}), ({"topic": "news"}, {"news"})])
def test_a_message_from_outside_makes_every_worker_read_its_lists_anew(
    crew: Crew, redis: Redis, payload: dict[str, str], topics: set[str]
) -> None:
    ann, ben = crew.hire(), crew.hire()
    for topic in ("news", "sports"):
        ann.subscribe(topic, "bob")
        assert (ann.count(topic), ben.count(topic)) == (1, 1)
        redis.ask(f"SADD gearhorn:topic:{topic} eve")  # behind everybody's back
        assert (ann.count(topic), ben.count(topic)) == (1, 1)
    assert ann.count(MATCHMAKING, payload=payload, background=False) == 2
    for topic in ("news", "sports"):
        count = 2 if topic in topics else 1
        assert (ann.count(topic), ben.count(topic)) == (count, count)


def test_who_watches_gets_one_message_for_each_change_and_holds_none_up(scene: Scene, crew: Crew) -> None:
    ann, ben = crew.hire(), crew.hire()
    ann.subscribe(MATCHMAKING, "watcher")
    assert crew.subscribers(MATCHMAKING) == {"watcher", ann.worker.worker_id, ben.worker.worker_id}
    ann.subscribe("news", "bob")
    ben.subscribe("news", "eve")
    ann.unsubscribe("news", "bob")
    ann.unsubscribe("news", "bob")
    assert NO_ANSWER not in ann.worker.log + ben.worker.log
    jobs = scene.receiver(crew.server, MATCHMAKING, ["watcher"]).take_all()
    found = [json.loads(job.payload) for job in jobs]
    told = sorted((each for each in found if each["topic"] == "news"), key=lambda each: each["version"])
    assert [(each["from"], each.get("added"), each.get("removed")) for each in told] == [
        (ann.worker.worker_id, ["bob"], None),
        (ben.worker.worker_id, ["eve"], None),
        (ann.worker.worker_id, None, ["bob"]),
    ]


def test_a_worker_without_a_memory_and_those_with_one_see_each_others_changes(crew: Crew) -> None:
    ann, forgetful = crew.hire(), crew.hire("[matchmaking]\nenabled = false\n")
    assert (ann.count("news"), forgetful.count("news")) == (0, 0)
    for number in range(5):
        forgetful.subscribe("news", f"host{number}")
        assert ann.count("news") == 2 * number + 1
        ann.subscribe("news", f"more{number}")
        assert forgetful.count("news") == 2 * number + 2
    assert crew.holders() == {ann.worker.worker_id}
    assert NO_ANSWER not in ann.worker.log + forgetful.worker.log


def test_a_list_that_is_too_large_for_the_memory_is_read_for_each_fanout_and_said_once(
    crew: Crew, redis: Redis
) -> None:
    ann = crew.hire("[matchmaking]\ncache_subscribers = 3\n")
    for number in range(5):
        ann.subscribe("news", f"host{number}")
    assert reads_of(redis, "news", lambda: [ann.count("news") for _ in range(4)]) == 4
    assert ann.worker.log.count("is too large to be kept in memory") == 1
    for number in range(3):
        ann.unsubscribe("news", f"host{number}")
    assert ann.count("news") == 2
    assert reads_of(redis, "news", lambda: [ann.count("news") for _ in range(4)]) == 0


def test_the_end_of_a_subscription_by_its_ttl_reaches_every_memory(any_crew: Crew) -> None:
    ann, ben = any_crew.hire(), any_crew.hire()
    ann.subscribe("news", "eve")
    ann.subscribe("news", "bob", ttl=1)
    for member in (ann, ben):
        wait_until(lambda member=member: member.count("news") == 1, "bob to be gone from the list")
    assert NO_ANSWER not in ann.worker.log + ben.worker.log
