"""Signed changes of one subscription are made in the order in which they were signed, by whichever worker."""

import asyncio
import itertools

import pytest

from gearhorn.signing.order import LOCKS, TIMES
from gearhorn.signing.replays import ENDINGS, RUNS
from gearhorn.store.base import RecordKey
from tests.unit.signing.conftest import MakeScene
from tests.unit.signing.scene import NOW_S, Keeping, Scene, Stuck, cut_short, signed

CHANGED = ("complete", b"")
LATE = "time: a later change of this subscription was made before: sign anew to make this one"


async def test_an_older_change_is_refused(scene: Scene) -> None:
    assert await scene.do("unsubscribe_fanout", signed("unsubscribe", "host", time=NOW_S)) == CHANGED
    assert await scene.refusal("subscribe_fanout", signed("subscribe", "host", time=NOW_S - 0.001)) == LATE
    assert await scene.subscribers("news") == []


async def test_by_another_worker_too(make_scene: MakeScene) -> None:
    one, other = make_scene(), make_scene()
    assert await one.do("unsubscribe_fanout", signed("unsubscribe", "host", time=NOW_S)) == CHANGED
    assert await other.refusal("subscribe_fanout", signed("subscribe", "host", time=NOW_S - 0.001)) == LATE


async def test_and_of_another_key_too(scene: Scene) -> None:
    assert await scene.do("unsubscribe_fanout", signed("unsubscribe", "admin", time=NOW_S)) == CHANGED
    assert await scene.refusal("subscribe_fanout", signed("subscribe", "host", time=NOW_S - 1)) == LATE


async def test_changes_of_the_same_time_come_as_they_come(scene: Scene) -> None:
    for job in ("subscribe", "unsubscribe", "subscribe"):
        assert await scene.do(f"{job}_fanout", signed(job, "host")) == CHANGED


async def test_other_subscriptions_have_an_order_of_their_own(scene: Scene) -> None:
    assert await scene.do("subscribe_fanout", signed("subscribe", "admin", time=NOW_S)) == CHANGED
    for other in ({"client_id": "host-2"}, {"topic": "orders"}, {"topic": "news.host", "client_id": "1"}):
        assert await scene.do("subscribe_fanout", signed("subscribe", "admin", time=NOW_S - 9, **other)) == CHANGED


@pytest.mark.parametrize("times", list(itertools.permutations([1, 2, 3])))
async def test_of_changes_at_once_the_newest_holds(make_scene: MakeScene, times: tuple[int, ...]) -> None:
    scenes = [make_scene() for _ in times]
    jobs = {1: "subscribe", 2: "unsubscribe", 3: "subscribe"}
    await asyncio.gather(
        *(
            scene.do(f"{jobs[time]}_fanout", signed(jobs[time], "host", time=NOW_S + time), b"H:lap:%d" % time)
            for scene, time in zip(scenes, times, strict=True)
        )
    )
    assert await scenes[0].subscribers("news") == ["host-1"]


async def test_a_lock_of_a_worker_that_died_is_its_job_s_own(make_scene: MakeScene) -> None:
    """Or the job that is handed out again would wait until the lock ends by itself."""
    one, other = make_scene(), make_scene()
    one.directory._store = Stuck(one.store)  # type: ignore[assignment]
    one.guard._order._store = Keeping(one.store)  # type: ignore[assignment]
    other.guard._order._wait_limit_s = 0.05
    body = signed("subscribe", "host")
    await cut_short(one, body, b"H:lap:7", queue="subscribe_fanout")
    assert "take too long" in await other.refusal("subscribe_fanout", signed("subscribe", "host"))
    assert await other.do("subscribe_fanout", body, b"H:lap:7") == CHANGED
    assert await other.do("subscribe_fanout", signed("subscribe", "host")) == CHANGED  # it was let go


async def test_a_lock_that_has_become_another_s_is_left_alone(scene: Scene) -> None:
    keys: list[RecordKey] = []
    claim = scene.store.claim_record

    async def take_over(key: RecordKey, value: bytes, ttl_s: float) -> bytes | None:
        if key.kind == TIMES:
            keys.append(lock := RecordKey(LOCKS, key.name))
            await scene.store.keep_record(lock, b"another's", 1000.0)
        return await claim(key, value, ttl_s)

    scene.store.claim_record = take_over  # type: ignore[method-assign]
    assert await scene.do("subscribe_fanout", signed("subscribe", "host")) == CHANGED
    assert await scene.store.read_record(keys[0]) == b"another's"


async def test_who_does_not_get_the_lock_gives_up_in_time(scene: Scene) -> None:
    order = scene.guard._order
    order._wait_limit_s = 0.05
    taken = scene.store.claim_record

    async def refuse(key: RecordKey, value: bytes, ttl_s: float) -> bytes | None:
        return b"another's" if key.kind == LOCKS else await taken(key, value, ttl_s)

    scene.store.claim_record = refuse  # type: ignore[method-assign]
    said = await scene.refusal("subscribe_fanout", signed("subscribe", "host"))
    assert said == "the store cannot be reached: other changes of the same subscription take too long"
    assert await scene.subscribers("news") == []


async def test_a_change_that_takes_too_long_is_refused_before_the_lock_ends(scene: Scene) -> None:
    """Made later, it could come behind a newer one."""
    order = scene.guard._order
    order._hold_limit_s = 0.05

    async def apply(changes: object) -> None:
        await asyncio.Event().wait()

    scene.store.apply = apply  # type: ignore[assignment, method-assign]
    said = await scene.refusal("subscribe_fanout", signed("subscribe", "host"))
    assert said == "the store cannot be reached: the change took too long"


async def test_no_record_is_one_that_stores_list_by_name(scene: Scene) -> None:
    """In memcached the list of names is one value: thousands of subscriptions would not fit in."""
    for job in ("subscribe", "unsubscribe", "subscribe"):
        assert await scene.do(f"{job}_fanout", signed(job, "host")) == CHANGED
    assert await scene.do("fanout", signed("fanout", "web", exclude=["host-1"])) == ("complete", b"0")
    for kind in (TIMES, LOCKS, RUNS, ENDINGS):
        assert await scene.store.record_names(kind) == []
