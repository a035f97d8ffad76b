"""A fanout that nobody sees to any more is taken by one worker."""

import asyncio

from gearhorn.bodies import FanoutRequest
from gearhorn.errors import StoreUnavailable
from gearhorn.resuming.ledger import OWNER_TTL_S
from gearhorn.resuming.orphans import LOOK_EVERY_S, Orphan, Orphans
from gearhorn.resuming.record import OWNER, RECORD_TTL_S, REQUEST, render_request
from gearhorn.store.base import RecordKey
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import in_virtual_time, now_s

REQUESTED = FanoutRequest("news", b"hello", unique=b"u", background=True, exclude=[b"ann"], priority="low")


class Scene:
    def __init__(self) -> None:
        self.store = MoodyStore(now_s)
        self.taken: list[tuple[int, Orphan]] = []
        self.tasks = [asyncio.create_task(self._orphans(number).run()) for number in range(3)]

    def _orphans(self, number: int) -> Orphans:
        async def finish(orphan: Orphan) -> None:
            self.taken.append((number, orphan))

        return Orphans(self.store, b"%d" % number, finish)

    async def leave(self, name: str, request: bytes) -> None:
        await self.store.keep_record(RecordKey(OWNER, name), b"lost", OWNER_TTL_S)
        await self.store.keep_record(RecordKey(REQUEST, name), request, RECORD_TTL_S, is_listed=True)

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)


@in_virtual_time
async def test_one_worker_takes_what_has_no_owner_any_more() -> None:
    scene = Scene()
    await scene.leave("one", render_request(REQUESTED))
    await asyncio.sleep(OWNER_TTL_S - 1)
    assert scene.taken == []
    await asyncio.sleep(LOOK_EVERY_S + 2)
    [(_, orphan)] = scene.taken
    assert (orphan.identity, orphan.request) == ("one", REQUESTED)
    await scene.end()


@in_virtual_time
async def test_a_store_that_is_away_and_a_request_of_another_version_end_no_search() -> None:
    scene = Scene()
    await scene.leave("bad", b"\xc1")
    await scene.leave("one", render_request(REQUESTED))
    scene.store.fail("record_names", *[StoreUnavailable("away")] * 3)
    await asyncio.sleep(OWNER_TTL_S + 3 * LOOK_EVERY_S)
    assert "one" in {orphan.identity for _, orphan in scene.taken}
    assert "bad" not in {orphan.identity for _, orphan in scene.taken}
    await scene.end()
