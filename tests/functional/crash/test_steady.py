"""Hours of ordinary work, in a few minutes: nothing grows. GEARHORN_SOAK_S makes it last longer:

GEARHORN_SOAK_S=1800 make test TESTS=functional ARGS='-s tests/functional/crash/test_steady.py'
"""

import os
import time
from typing import Any

import pytest

from tests.functional.contract.clients import Client
from tests.functional.crash.drain import drain
from tests.functional.crash.growth import Watch, medians
from tests.functional.crash.ledger import Ledger
from tests.functional.crash.lists import subscribe_many
from tests.functional.facts.raw import Kind
from tests.functional.matchmaking.receivers import Receivers, Roster
from tests.functional.trouble.scene import Scene
from tests.servers.stores import Redis

SECONDS = float(os.environ.get("GEARHORN_SOAK_S", "0")) or 300.0
MARGIN_S = 120.0
MEASURED_FOR_S = 5.0

# A round that is late by more is left out.
LATE_LIMIT_S = 1.0

# Of what the worker and this program can do together on the machine as it is.
LOAD = 0.5

SMALL_COUNT, LARGE_COUNT, RECEIVER_COUNT, WAITING_COUNT = 20, 8_000, 5, 5
SMALL_PER_ROUND, CALLS_PER_ROUND, ROUNDS_PER_LARGE = 50, 5, 20

# Things that come and go; what a round leaves behind would be thousands.
SLACK_COUNT = 10

# Python and gearmand take memory in pieces and give it back late.
RSS_SLACK_BYTES, RSS_SLACK = 4 << 20, 0.05


class Work:
    """One round after the other, each with a bit of everything. Counts the copies that there should be."""

    def __init__(self, client: Client) -> None:
        self.round_count = 0
        self.copy_count = 0
        self._client = client

    def do_round(self) -> None:
        self.round_count += 1
        guest = {"topic": "small", "client_id": f"guest{self.round_count % 10}"}
        fanouts = [("small", SMALL_COUNT)] * SMALL_PER_ROUND
        if self.round_count % ROUNDS_PER_LARGE == 1:
            fanouts.append(("large", LARGE_COUNT))
        self.copy_count += sum(count for _, count in fanouts)
        self._publish(fanouts, {"payload": "x" * 100, "background": True})
        assert self._client.request("subscribe_fanout", guest).kind == Kind.WORK_COMPLETE
        self._publish([("calls", RECEIVER_COUNT)] * CALLS_PER_ROUND, {"payload": "?", "results": True})
        assert self._client.request("unsubscribe_fanout", guest).kind == Kind.WORK_COMPLETE

    def _publish(self, fanouts: list[tuple[str, int]], keys: dict[str, Any]) -> None:
        """All at once, and waits for the answers."""
        handles = self._client.start_many([("fanout", {"topic": topic, **keys}) for topic, _ in fanouts])
        for handle, (_, count) in zip(handles, fanouts, strict=True):
            assert self._client.finish(handle).count == count


@pytest.mark.timeout(SECONDS + MARGIN_S)
def test_nothing_grows_under_half_of_the_load_that_can_be_borne(scene: Scene, redis: Redis, ledger: Ledger) -> None:
    store, roster = f"redis://{redis.address}", Roster()
    for topic, count in (("large", LARGE_COUNT), ("small", SMALL_COUNT), ("calls", RECEIVER_COUNT)):
        subscribe_many(ledger, store, topic, count)
    for number in range(RECEIVER_COUNT):
        roster.add("calls", f"{number:05}")
    gearmand = scene.gearmand()
    worker = scene.worker(gearmand.address, store=store)
    receivers = Receivers(gearmand, roster)
    receivers.start()
    queues = ledger.queues("large", "small")
    work = Work(scene.client(gearmand))
    taken_count = 0

    def work_until(end_s: float, pause_s: float) -> None:
        nonlocal taken_count
        due_s = time.monotonic()
        while time.monotonic() < end_s:
            work.do_round()
            if work.round_count % WAITING_COUNT == 0:
                taken_count += sum(1 for _ in drain(gearmand, queues))
            due_s = max(due_s, time.monotonic() - LATE_LIMIT_S) + pause_s
            time.sleep(max(0, due_s - time.monotonic()))

    work_until(time.monotonic() + MEASURED_FOR_S, 0)
    round_s = MEASURED_FOR_S / work.round_count
    watch = Watch(worker, gearmand, redis)
    watch.start()
    begun_s, begun_count = time.monotonic(), work.round_count
    work_until(begun_s + SECONDS, round_s / LOAD)
    lasted_s = time.monotonic() - begun_s
    samples = watch.stop()
    taken_count += sum(1 for _ in drain(gearmand, queues))
    receivers.stop()
    assert taken_count == work.copy_count

    quarter = len(samples) // 4
    early, late = medians(samples[quarter : 2 * quarter]), medians(samples[-quarter:])
    rate = (work.round_count - begun_count) / lasted_s
    print(f"{SECONDS:g} s, {rate:.1f} rounds/s, of {1 / round_s:.1f} that can be borne; {work.copy_count} copies")
    for name, value in late.items():
        print(f"{name}: first {vars(samples[0])[name]:,}, second quarter {early[name]:,.0f}, last quarter {value:,.0f}")
    for name in ("rss_bytes", "server_rss_bytes"):
        assert late[name] - early[name] < RSS_SLACK_BYTES + RSS_SLACK * early[name], name
    for name in ("fd_count", "thread_count", "connection_count", "key_count", "server_fd_count", "queue_count"):
        assert late[name] <= early[name] + SLACK_COUNT, name
    assert samples[-1].record_count <= work.round_count / ROUNDS_PER_LARGE + 1
