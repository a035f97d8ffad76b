"""Messages reach the workers that hold leases, and those who watch; whoever watches holds up nobody."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

import pytest

from gearhorn.core.members import Members
from gearhorn.core.news import News
from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.matchmaking.messages import Told, parse_message
from gearhorn.matchmaking.post import Post
from gearhorn.net.shipment import Shipment
from gearhorn.store.leases import Lease, LeaseKey
from tests.unit.net.links import Link
from tests.unit.virtual_time import in_virtual_time, let_run
from tests.unit.wire.streams import packets_in

WORK_COMPLETE, WORK_FAIL, SUBMIT_JOB_BG, SUBMIT_JOB_HIGH = 13, 14, 18, 21
TOPIC = "__matchmaking"
STEP, MEMO = News("news", 7, 6, {b"ann": True}), News("memos", 3)


class Dispatch:
    """Stands in for what sends copies."""

    def __init__(self) -> None:
        self.links = [Link("a"), Link("b")]
        self.sent: list[tuple[Shipment, Members]] = []

    def send(self, shipment: Shipment, members: Members) -> None:
        self.sent.append((shipment, members))

    def copies(self) -> list[tuple[str, dict[str, object]]]:
        """Who is sent what."""
        found = []
        for shipment, members in self.sent:
            assert not shipment.run.foreground
            assert shipment.run.total_count == len(members)
            for member in members:
                ((kind, body),) = packets_in(b"".join(shipment.encoder.encode(member + b"\n", len(member))))
                queue, unique, payload = body.split(b"\0", 2)
                assert (kind, unique) == (SUBMIT_JOB_BG, b"")
                found.append((queue.decode(), json.loads(payload)))
        return found


class Scene:
    """Worker `a`, and who is on the list of the topic."""

    def __init__(self, *members: str) -> None:
        self.members = Members.of([member.encode() for member in members])
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.dispatch = Dispatch()
        find: Callable[[], Awaitable[Members]] = self._find
        self.post = Post("a", TOPIC, self.dispatch, 1.0, find)  # type: ignore[arg-type]
        self.acknowledged_count = 0

    def send(self, info: str = "{}") -> Callable[[], None]:
        return self.post.send(Lease(LeaseKey("b", "token"), 10.0, False, info), [STEP, MEMO], self._acknowledged)

    def put_counts(self) -> list[int]:
        return [len(link.put) for link in self.dispatch.links]

    async def _find(self) -> Members:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.members

    def _acknowledged(self) -> None:
        self.acknowledged_count += 1


# To workers


@in_virtual_time
async def test_a_message_goes_to_the_queue_of_its_worker_and_names_its_lease() -> None:
    scene = Scene()
    scene.send()
    ((kind, body),) = packets_in(scene.dispatch.links[0].packets[0])
    queue, unique, payload = body.split(b"\0", 2)
    assert (kind, queue, unique) == (SUBMIT_JOB_HIGH, b"__matchmaking_b", b"")
    message = parse_message(payload)
    assert isinstance(message, Told)
    assert message.token == "token"
    assert [(one.topic, one.version, one.difference) for one in message.news] == [
        ("news", 7, {b"ann": True}),
        ("memos", 3, None),
    ]
    assert json.loads(payload)["from"] == "a"


@pytest.mark.parametrize(
    ("info", "put_counts"),
    [
        ('{"servers": ["b:4730"]}', [0, 1]),
        ('{"servers": ["x:1", "b:4730", 7, null]}', [0, 1]),
        ('{"servers": [[], {}, "b:4730"]}', [0, 1]),
        ('{"servers": []}', [1, 0]),
        ('{"servers": "b:4730"}', [1, 0]),
        ('{"servers": {"b:4730": 1}}', [1, 0]),
        ('{"servers": null}', [1, 0]),
        ("{}", [1, 0]),
        ("[]", [1, 0]),
        ("no JSON", [1, 0]),
    ],
)
@in_virtual_time
async def test_it_goes_first_to_a_server_where_the_worker_says_that_it_is(info: str, put_counts: list[int]) -> None:
    scene = Scene()
    scene.send(info)
    assert scene.put_counts() == put_counts


@in_virtual_time
async def test_the_worker_acknowledges_by_completing_it() -> None:
    scene = Scene()
    scene.send()
    scene.dispatch.links[0].report(WORK_FAIL)
    assert scene.acknowledged_count == 0
    scene.dispatch.links[1].report(WORK_COMPLETE)
    assert scene.acknowledged_count == 1


@in_virtual_time
async def test_the_sender_may_stop_trying() -> None:
    scene = Scene()
    scene.send()()
    await asyncio.sleep(10)
    assert scene.put_counts() == [1, 0]


@in_virtual_time
async def test_every_server_is_tried_before_the_lease_is_revoked() -> None:
    scene = Scene()
    scene.send()
    await asyncio.sleep(0.9)
    assert scene.put_counts() == [1, 1]


# To those who watch


@in_virtual_time
async def test_those_who_watch_are_on_the_list_and_neither_hold_a_lease_nor_make_the_change() -> None:
    scene = Scene("a", "b", "eve", "c", "wally")
    scene.post.publish([STEP, MEMO], {"b", "c", "not on the list"})
    await let_run()
    step = {"topic": "news", "version": 7, "old_version": 6, "added": ["ann"], "from": "a"}
    memo = {"topic": "memos", "version": 3, "from": "a"}
    watching = ["__matchmaking_eve", "__matchmaking_wally"]
    assert sorted(scene.dispatch.copies(), key=str) == sorted(
        [(queue, told) for told in (step, memo) for queue in watching], key=str
    )


@in_virtual_time
async def test_each_gets_the_changes_in_their_order() -> None:
    scene = Scene("eve")
    scene.post.publish([STEP, MEMO], ())
    await let_run()
    assert [told["topic"] for _, told in scene.dispatch.copies()] == ["news", "memos"]


@pytest.mark.parametrize("members", [[], ["a"], ["b", "a"]])
@in_virtual_time
async def test_where_nobody_watches_nothing_is_sent(members: list[str]) -> None:
    scene = Scene(*members)
    scene.post.publish([STEP], {"b"})
    await let_run()
    assert scene.dispatch.sent == []


@pytest.mark.parametrize("error", [StoreUnavailable("away"), Misconfigured("wrong password")])
@in_virtual_time
async def test_trouble_to_find_those_who_watch_harms_nobody(caplog: pytest.LogCaptureFixture, error: Exception) -> None:
    caplog.set_level(logging.INFO)
    scene = Scene("eve")
    scene.error = error
    scene.post.publish([STEP], ())
    await let_run()
    assert scene.dispatch.sent == []
    assert [record.getMessage() for record in caplog.records] == [f"those who watch were not told of a change: {error}"]
    scene.error = None
    scene.post.publish([MEMO], ())
    await let_run()
    assert len(scene.dispatch.copies()) == 1


@in_virtual_time
async def test_nobody_waits_until_those_who_watch_are_found_and_closing_ends_the_search() -> None:
    scene = Scene("eve")
    scene.gate.clear()
    scene.post.publish([STEP], ())
    await let_run()
    await scene.post.close()
    scene.gate.set()
    await let_run()
    assert scene.dispatch.sent == []


@in_virtual_time
async def test_closing_twice_or_idle_does_nothing() -> None:
    scene = Scene("eve")
    await scene.post.close()
    scene.post.publish([STEP], ())
    await let_run()
    await scene.post.close()
    assert len(scene.dispatch.sent) == 1
