"""A worker joins the others, hears them, does what would be nobody's, and leaves, in an order that keeps promises."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from gearhorn.core.news import News
from gearhorn.errors import ListLost, Misconfigured, StoreUnavailable
from gearhorn.matchmaking import matchmaker as module
from gearhorn.matchmaking import reaping
from gearhorn.matchmaking.leasing import IdTaken
from gearhorn.matchmaking.losses import find_loss
from gearhorn.matchmaking.matchmaker import Matchmaker, MatchmakingLimits, MatchmakingSettings
from gearhorn.matchmaking.messages import render_message
from gearhorn.matchmaking.rounds import Rounds
from gearhorn.metrics import Counters
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.dispatch import Dispatch
from gearhorn.patience import Patience, PatienceSettings
from gearhorn.process_marks import own_mark
from gearhorn.store.base import Evidence, Subscribe, Unsubscribe
from gearhorn.store.leases import LeaseKey
from gearhorn.store.memory import MemoryLists
from gearhorn.wire.worker_events import Assigned
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import in_virtual_time, let_run, now_s

TOPIC = "__matchmaking"
QUEUE = b"__matchmaking_a"
TTL_S = 9.0
RENEWAL_S = 3.0
AWAY = StoreUnavailable("away")
FOREIGN = json.dumps({"address": "host9", "process": own_mark()})


class Link:
    """Stands in for the link that brings messages from one server."""

    def __init__(self, address: Address, *_: object, history: list[str], **__: object) -> None:
        self.address = address
        self.up = asyncio.Event()
        self.answered = asyncio.Event()
        self._history = history

    def come_up(self) -> None:
        self.up.set()
        self.answered.set()

    def serve(self, queues: Iterable[bytes]) -> None:
        self._say("serve", *queues)

    def leave(self, queues: Iterable[bytes]) -> None:
        self._say("leave", *queues)

    def start_grabbing(self) -> None:
        self._say("grab")

    def stop_grabbing(self) -> None:
        self._say("stop")

    async def run(self) -> None:
        self._say("run")
        await asyncio.Event().wait()

    async def close(self) -> None:
        self._say("close")

    def _say(self, what: str, *queues: bytes) -> None:
        self._history.append(" ".join([what, *(queue.decode() for queue in queues)]))


class Job:
    """Stands in for a message as it comes from a server."""

    def __init__(self, payload: bytes) -> None:
        self.assigned = Assigned(b"H:lap:1", QUEUE, b"", payload)
        self.ending = ""

    def complete(self) -> None:
        self.ending = "completed"

    def fail(self) -> None:
        self.ending = "failed"


class Store(MoodyStore):
    """Writes into the history when leases and names come and go."""

    def __init__(self, history: list[str]) -> None:
        super().__init__(now_s)
        self.history = history

    async def _do(self, call: str, what: Any, work: Any) -> Any:
        if call in ("take_lease", "release_lease"):
            self.history.append(call)
        elif call == "apply" and what:
            self.history.append(type(what[0]).__name__)
        return await super()._do(call, what, work)


class Scene:
    """Worker `a` with servers `s1` and `s2`."""

    def __init__(self, *, enabled: bool = True) -> None:
        self.history: list[str] = []
        self.store = Store(self.history)
        settings = MatchmakingSettings("a", enabled=enabled, limits=MatchmakingLimits(TTL_S))
        patience = Patience(PatienceSettings(retry_timeout_s=0.0))
        link = LinkSettings()
        addresses = [Address("s1", 4730), Address("s2", 4730)]
        self.matchmaker = Matchmaker(
            settings, patience, self.store, Dispatch([], link, "gearhorn", 0.0), addresses, link, "gearhorn", Counters()
        )
        self.running: asyncio.Task[None] | None = None

    @property
    def links(self) -> list[Link]:
        return self.matchmaker._links  # type: ignore[return-value]

    @property
    def token(self) -> str:
        return self.matchmaking.lease.token or ""

    @property
    def matchmaking(self) -> Any:
        return self.matchmaker._matchmaking

    async def join(self) -> None:
        self.running = asyncio.create_task(self.matchmaker.run())
        for link in self.links:
            link.come_up()
        await self.matchmaker.join()

    async def pass_renewals(self, count: int) -> None:
        await asyncio.sleep(count * RENEWAL_S + 0.1)

    async def listed(self) -> list[str]:
        ((_, members),) = await self.store.read([TOPIC])
        return sorted(member.decode() for member in members)

    async def holders(self) -> list[str]:
        return [lease.key.worker_id for lease in await self.store.leases()]

    def hear(self, payload: bytes) -> str:
        job = Job(payload)
        self.matchmaker._take(job)  # type: ignore[arg-type]
        return job.ending

    async def keep_lists(self) -> None:
        for topic in ("news", "memos"):
            await self.matchmaker.directory.members(topic)
        assert self.kept() == ["memos", "news"]

    def kept(self) -> list[str]:
        return [topic for topic in ("memos", "news") if self.matchmaker.directory.find(topic) is not None]


MakeScene = Callable[..., Any]
ask = asyncio.ensure_future


@pytest.fixture
def make_scene(monkeypatch: pytest.MonkeyPatch) -> MakeScene:
    """Within the scene all clocks are the virtual one, and no server is there."""

    async def drain(*_: object) -> int:
        return 0

    @asynccontextmanager
    async def make(*, enabled: bool = True) -> AsyncIterator[Scene]:
        history: list[str] = []
        monkeypatch.setattr(module, "WorkerLink", partial(Link, history=history))
        monkeypatch.setattr(module, "HastyClock", lambda: now_s)
        monkeypatch.setattr(module, "Rounds", partial(Rounds, now_s=now_s))
        monkeypatch.setattr(reaping, "drain", drain)
        scene = Scene(enabled=enabled)
        scene.history = scene.store.history = history
        yield scene
        if scene.running is not None:
            scene.running.cancel()
            await asyncio.wait([scene.running])
        await scene.matchmaker.close()

    return make


# Joining


@in_virtual_time
async def test_a_worker_can_be_told_before_it_holds_a_lease_and_is_on_the_list_after_that(
    make_scene: MakeScene,
) -> None:
    async with make_scene() as scene:
        joining = asyncio.create_task(scene.matchmaker.join())
        await asyncio.sleep(60)
        assert scene.history == [f"serve {QUEUE.decode()}", "grab"] * 2
        del scene.history[:]
        scene.links[1].come_up()  # one server that knows the queue is enough
        await joining
        assert scene.history == ["take_lease", "Subscribe"]
        assert (await scene.listed(), await scene.holders()) == (["a"], ["a"])


@in_virtual_time
async def test_a_lease_that_is_not_there_yet_is_not_kept(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        go_on = scene.store.hold("take_lease")
        joining = asyncio.create_task(scene.join())
        await asyncio.sleep(60)
        assert not scene.running.done()
        assert scene.store.asked["renew_lease"] == []
        go_on()
        await joining


@in_virtual_time
async def test_a_name_that_cannot_be_put_on_the_list_now_is_put_there_later(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        scene.store.fail("read", AWAY)
        await scene.join()
        assert (await scene.listed(), await scene.holders()) == ([], ["a"])
        await scene.pass_renewals(1)
        assert await scene.listed() == ["a"]


@in_virtual_time
async def test_another_process_with_the_id_ends_the_joining(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        await scene.store.take_lease(LeaseKey("a", "other"), TTL_S, FOREIGN)
        with pytest.raises(IdTaken, match="host9"):
            await scene.join()
        await scene.matchmaker.leave()
        assert await scene.holders() == ["a"]


@in_virtual_time
async def test_a_worker_that_shall_keep_nothing_in_memory_does_not_join(make_scene: MakeScene) -> None:
    async with make_scene(enabled=False) as scene:
        await scene.join()
        await asyncio.sleep(60)
        await scene.matchmaker.leave()
        assert scene.history == []
        assert not scene.running.done()


@in_virtual_time
async def test_a_worker_that_shall_keep_nothing_in_memory_waits_for_those_that_do(make_scene: MakeScene) -> None:
    async with make_scene(enabled=False) as scene:
        await scene.store.take_lease(LeaseKey("b", "token"), TTL_S, "{}")
        began_s = now_s()
        await scene.matchmaker.directory.change(Subscribe("news", "ann"))
        assert now_s() - began_s >= TTL_S


@in_virtual_time
async def test_a_worker_says_where_it_is_and_how_it_is(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        await scene.join()
        scene.links[0].up.clear()
        await scene.keep_lists()
        scene.hear(b"{}")
        await scene.keep_lists()
        await scene.pass_renewals(2)
        (lease,) = await scene.store.leases()
        info = json.loads(lease.info)
        # The renewal that writes this is counted when it is answered.
        assert (info["servers"], info["renewals"], info["messages"]) == (["s2:4730"], 1, 1)
        assert (info["topics"], info["subscribers"]) == (3, 1)
        assert info["process"] == own_mark()


# Messages


@in_virtual_time
async def test_a_message_for_the_lease_that_is_held_takes_effect_before_it_is_acknowledged(
    make_scene: MakeScene,
) -> None:
    async with make_scene() as scene:
        await scene.join()
        await scene.keep_lists()
        assert scene.hear(render_message(TOPIC, "b", scene.token, [News("news", 10**18)])) == "completed"
        assert scene.kept() == ["memos"]


@in_virtual_time
async def test_a_message_for_another_process_is_not_acknowledged(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        await scene.join()
        await scene.keep_lists()
        assert scene.hear(render_message(TOPIC, "b", "of another", [News("news", 10**18)])) == "failed"
        assert scene.kept() == ["memos", "news"]


@in_virtual_time
async def test_a_message_for_a_lease_that_was_lost_is_acknowledged(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        await scene.join()
        lost = scene.token
        await scene.store.release_lease(LeaseKey("a", lost))
        await scene.pass_renewals(10)
        assert scene.token not in ("", lost)
        assert scene.hear(render_message(TOPIC, "b", lost, [News("news", 10**18)])) == "completed"


@pytest.mark.parametrize(
    ("body", "kept"),
    [(b'{"topic": "news"}', ["memos"]), (b'{"topic": "others"}', ["memos", "news"]), (b"{}", []), (b"\xff", [])],
)
@in_virtual_time
async def test_other_programs_may_wish_that_lists_be_read_anew(
    make_scene: MakeScene, body: bytes, kept: list[str]
) -> None:
    async with make_scene() as scene:
        await scene.join()
        await scene.keep_lists()
        assert scene.hear(body) == "completed"
        assert scene.kept() == kept


# What would be nobody's


@in_virtual_time
async def test_what_a_dead_worker_has_changed_is_told_and_settled(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        await scene.join()
        await scene.keep_lists()
        outcome = await scene.store.apply([Subscribe("news", "ann")])
        assert scene.kept() == ["memos", "news"]
        await scene.pass_renewals(4)
        assert (await scene.store.apply([Subscribe("news", "ann")])).topics["news"].is_settled
        assert scene.kept() == ["memos"]
        assert set(await scene.matchmaker.directory.members("news")) == {b"ann"}
        assert outcome.topics["news"].version in [
            version for versions in scene.store.asked["settle"] for _, version in versions
        ]


@in_virtual_time
async def test_a_subscription_that_ends_by_itself_is_noticed(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        await scene.join()
        await scene.matchmaker.directory.change(Subscribe("news", "ann", ttl_s=20.0))
        assert set(await scene.matchmaker.directory.members("news")) == {b"ann"}
        await asyncio.sleep(20 + RENEWAL_S)
        assert not await scene.matchmaker.directory.members("news")


@in_virtual_time
async def test_workers_that_died_are_removed(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        await scene.join()
        await scene.store.take_lease(LeaseKey("b", "token"), TTL_S, "{}")
        await scene.store.apply([Subscribe(TOPIC, "b")])
        assert await scene.listed() == ["a", "b"]
        await scene.pass_renewals(8)
        assert (await scene.listed(), await scene.holders()) == (["a"], ["a"])


@in_virtual_time
async def test_a_name_that_was_taken_off_the_list_is_put_back(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        await scene.join()
        await scene.matchmaker.directory.change(Unsubscribe(TOPIC, "a"))
        assert await scene.listed() == []
        await scene.pass_renewals(1)
        assert await scene.listed() == ["a"]


@pytest.mark.parametrize("trouble", [AWAY, Misconfigured("wrong password")])
@in_virtual_time
async def test_a_chore_that_fails_is_left_for_later(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture, trouble: Exception
) -> None:
    caplog.set_level(logging.INFO)
    async with make_scene() as scene:
        await scene.join()
        await scene.matchmaker.directory.change(Unsubscribe(TOPIC, "a"))
        scene.store.fail("apply", trouble)
        await scene.pass_renewals(1)
        assert f"a chore was left undone for now: {trouble}" in caplog.text
        assert not scene.running.done()
        await scene.pass_renewals(1)
        assert await scene.listed() == ["a"]


# Service


@in_virtual_time
async def test_another_process_that_has_come_to_hold_the_id_ends_the_worker(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        await scene.join()
        await scene.store.release_lease(LeaseKey("a", scene.token))
        await scene.store.take_lease(LeaseKey("a", "other"), 1000.0, FOREIGN)
        await asyncio.wait([scene.running])
        (error,) = scene.running.exception().exceptions
        assert isinstance(error, IdTaken)


# Leaving


@in_virtual_time
async def test_who_leaves_takes_its_name_off_the_list_then_gives_its_lease_back_and_can_be_told_until_then(
    make_scene: MakeScene,
) -> None:
    async with make_scene() as scene:
        await scene.join()
        del scene.history[:]
        await scene.matchmaker.leave()
        assert scene.history == [
            "Unsubscribe",
            "release_lease",
            *["stop", f"leave {QUEUE.decode()}", "close"] * 2,
        ]
        assert (await scene.listed(), await scene.holders()) == ([], [])


@in_virtual_time
async def test_who_leaves_takes_no_other_lease(make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A renewal that is due while the last messages are answered would miss the lease, and take another one."""
    monkeypatch.setattr(module, "LINGER_S", 2 * RENEWAL_S)
    async with make_scene() as scene:
        await scene.join()
        await scene.pass_renewals(100)
        await scene.matchmaker.leave()
        assert await scene.holders() == []
        await asyncio.sleep(20 * TTL_S)
        assert await scene.holders() == []


@in_virtual_time
async def test_who_leaves_while_a_lease_is_being_taken_is_left_without_one(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        await scene.join()
        await scene.pass_renewals(100)
        await scene.store.release_lease(LeaseKey("a", scene.token))
        go_on = scene.store.hold("take_lease")
        await scene.pass_renewals(1)
        assert scene.token == ""
        leaving = asyncio.create_task(scene.matchmaker.leave())
        await let_run()
        go_on()
        await leaving
        assert await scene.holders() == []


@pytest.mark.parametrize("call", ["apply", "release_lease"])
@pytest.mark.parametrize("trouble", [AWAY, Misconfigured("wrong password")])
@in_virtual_time
async def test_who_leaves_is_not_held_up_by_the_store(make_scene: MakeScene, call: str, trouble: Exception) -> None:
    async with make_scene() as scene:
        await scene.join()
        scene.store.fail(call, trouble)
        await scene.matchmaker.leave()
        assert scene.history[-1] == "close"


@in_virtual_time
async def test_who_leaves_is_not_held_up_by_others_for_long(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        await scene.join()
        await scene.store.take_lease(LeaseKey("b", "token"), 1000.0, "{}")
        began_s = now_s()
        await scene.matchmaker.leave()
        assert now_s() - began_s < 5
        assert await scene.holders() == ["b"]
        assert await scene.listed() == []  # though its lease was renewed meanwhile


@in_virtual_time
async def test_who_leaves_is_not_put_back_on_the_list_by_its_own_chores(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        await scene.join()
        scene.hear(b"{}")
        go_on = scene.store.hold("read")
        await scene.pass_renewals(1)  # a chore looks whether the name is still there
        await scene.matchmaker.leave()
        go_on()
        await let_run()
        assert await scene.listed() == []


@in_virtual_time
async def test_who_has_not_joined_has_nothing_to_leave(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        await scene.matchmaker.leave()
        assert scene.history == []


@in_virtual_time
async def test_closing_leaves_nobody_waiting(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        await scene.join()
        directory = scene.matchmaker.directory
        await scene.store.take_lease(LeaseKey("b", "token"), 1000.0, "{}")
        scene.store.hold("read")
        told = ask(directory.change(Subscribe("news", "ann")))
        asked = ask(directory.members("news"))
        await let_run()
        scene.store.hold("apply")
        changed = ask(directory.change(Subscribe("news", "bob")))
        await let_run()
        await scene.matchmaker.close()
        await scene.matchmaker.close()
        await asyncio.wait([told, asked, changed])
        assert (asked.cancelled(), changed.cancelled()) == (True, True)
        assert isinstance(told.exception(), StoreUnavailable)


@in_virtual_time
async def test_closing_ends_the_chores(make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch) -> None:
    draining: list[str] = []

    async def drain(*_: object) -> int:
        draining.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            draining.append("ended")
        raise AssertionError

    async with make_scene() as scene:
        monkeypatch.setattr(reaping, "drain", drain)
        await scene.join()
        await scene.store.take_lease(LeaseKey("b", "token"), 1.0, "{}")
        await scene.pass_renewals(1)
        assert draining == ["begun"] * 2
        await scene.matchmaker.close()
        assert draining == ["begun", "begun", "ended", "ended"]


# A store that loses its lists


MONDAY, FRIDAY = Evidence({"since": "monday"}), Evidence({"since": "friday"})


class Loss:
    """Of all that the store of a scene had; its leases go with the rest unless they are spared."""

    def __init__(self, scene: Scene) -> None:
        self._lists = scene.store._lists
        self._lists.evidence = MONDAY

    def strike(self, *, spares_leases: bool = False) -> None:
        leases = self._lists.leases
        self._lists.__dict__.update(MemoryLists().__dict__)
        self._lists.evidence = FRIDAY
        if spares_leases:
            self._lists.leases = leases


@in_virtual_time
async def test_a_loss_is_put_on_record_with_the_next_renewal(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        loss = Loss(scene)
        await scene.join()
        await scene.pass_renewals(2)
        assert await find_loss(scene.store) is None
        loss.strike(spares_leases=True)
        await scene.pass_renewals(1)
        assert await find_loss(scene.store) is not None


@in_virtual_time
async def test_a_loss_is_put_on_record_before_there_is_a_lease_again(make_scene: MakeScene) -> None:
    async with make_scene() as scene:
        loss = Loss(scene)
        await scene.join()
        loss.strike()
        scene.store.hold("take_lease")
        await scene.pass_renewals(1)
        assert await find_loss(scene.store) is not None


@pytest.mark.parametrize("enabled", [True, False])
@in_virtual_time
async def test_a_worker_knows_from_its_start_what_there_was(make_scene: MakeScene, enabled: bool) -> None:
    async with make_scene(enabled=enabled) as scene:
        loss = Loss(scene)
        await scene.join()
        loss.strike()
        with pytest.raises(ListLost):
            await scene.matchmaker.directory.members("news")
