"""Drops dead subscribers: off the lists, and then their queues emptied, unless they turn out to be alive."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence

from gearhorn.core.health import Case
from gearhorn.matchmaking.directory import Directory
from gearhorn.metrics import Counters
from gearhorn.net.address import Address
from gearhorn.net.admin import ask_status
from gearhorn.net.connection import LinkSettings
from gearhorn.store.base import Subscribe, Unsubscribe
from gearhorn.subscribers.emptying import Emptying
from gearhorn.subscribers.letters import LetterBox
from gearhorn.subscribers.owners import find_members
from gearhorn.subscribers.report import owner_of
from gearhorn.subscribers.telling import Patient, tell_dropped
from gearhorn.wire.status import NO_OTHERS, StatusRole

# The servers are asked whether somebody is back before queues are emptied, and so often meanwhile.
LOOK_AGAIN_S = 1.0

Cases = Mapping[bytes, Case]


class Dropper:
    """What is raised here is StoreUnavailable or ServerUnavailable, and what was begun then is to be done again."""

    def __init__(
        self,
        directory: Directory,
        servers: Sequence[Address],
        link: LinkSettings,
        client_id: str,
        letter_box: LetterBox,
        counters: Counters,
    ) -> None:
        self._directory = directory
        self._servers = servers
        self._link = link
        self._client_id = client_id
        self._letter_box = letter_box
        self._counters = counters

    def adjust(self, link: LinkSettings, letter_box: LetterBox) -> None:
        """For the queues that are emptied from now on."""
        self._link = link
        self._letter_box = letter_box

    async def unsubscribe(self, cases: Cases) -> dict[bytes, Case]:
        """Takes these off the lists. Returns those that are off: without whoever turned out to be served."""
        cases = _without(cases, await self._served(cases))
        await self._change(cases, Unsubscribe)
        # Who came between the question and the change must not go away empty-handed.
        late = await self._served(cases)
        await self._change({queue: cases[queue] for queue in late}, Subscribe)
        return _without(cases, late)

    async def empty(self, cases: Cases, *, is_new: bool) -> set[bytes]:
        """Empties the queues of those that are off the lists. Returns whom it left alone, as somebody had come back.

        Not `is_new`: a worker before this one, or an earlier call, may have done some of it.
        """
        back = await self._served(cases) | await self._subscribed(cases)
        rest = _without(cases, back)
        return back | await self._empty(rest, is_new=is_new) if rest else back

    async def _change(self, cases: Cases, kind: type[Subscribe] | type[Unsubscribe]) -> None:
        changes = [kind(*owner_of(queue, case)) for queue, case in cases.items()]
        await asyncio.gather(*(self._directory.change(change) for change in changes))

    async def _empty(self, cases: Cases, *, is_new: bool) -> set[bytes]:
        """Returns those of whom somebody came back meanwhile."""
        owners = {queue: owner_of(queue, case) for queue, case in cases.items()}
        back: set[bytes] = set()
        box = self._letter_box
        emptyings = [Emptying(address, self._link, self._client_id, owners, box) for address in self._servers]
        try:
            async with _all_begun(emptyings):
                await self._watch_over(emptyings, cases, back)
        finally:
            self._tell(cases, sum((one.taken for one in emptyings), Counter()), back, box.fate, is_new=is_new)
        return back

    async def _watch_over(self, emptyings: Sequence[Emptying], cases: Cases, back: set[bytes]) -> None:
        """Until all are empty. Whoever comes back is left its queue, and is put into `back`."""
        waiting = asyncio.create_task(_all_empty(emptyings))
        try:
            while _without(cases, back):
                done, _ = await asyncio.wait([waiting], timeout=LOOK_AGAIN_S)
                if done:
                    break
                await self._leave_those_back(emptyings, _without(cases, back), back)
        finally:
            waiting.cancel()
            await asyncio.wait([waiting])

    async def _leave_those_back(self, emptyings: Sequence[Emptying], cases: Cases, back: set[bytes]) -> None:
        came = await self._served(cases, own_count=1) | await self._subscribed(cases)
        if came:
            back |= came
            await asyncio.gather(*(one.leave(came) for one in emptyings))
            for one in emptyings:
                one.go_on()

    async def _served(self, queues: Collection[bytes], own_count: int = 0) -> set[bytes]:
        """Those that have a worker on some server, beside `own_count` of ours on each."""
        if not queues:
            return set()
        roles = [StatusRole(NO_OTHERS, queues) for _ in self._servers]
        asked = zip(self._servers, roles, strict=True)
        await asyncio.gather(*(ask_status(address, self._link, role) for address, role in asked))
        found = (item for role in roles for item in role.counts.items())
        return {queue for queue, counts in found if counts.worker_count > own_count}

    async def _subscribed(self, cases: Cases) -> set[bytes]:
        pairs = {queue: owner_of(queue, case) for queue, case in cases.items()}
        lists = await find_members(self._directory, {topic for topic, _ in pairs.values()})
        return {queue for queue, (topic, client_id) in pairs.items() if client_id.encode() in lists[topic]}

    def _tell(self, cases: Cases, taken: Counter[bytes], back: Collection[bytes], fate: str, *, is_new: bool) -> None:
        for queue, case in cases.items():
            if is_new or taken[queue]:
                whole_fate = f"{fate}; then it came back" if queue in back else fate
                tell_dropped(Patient(*owner_of(queue, case), taken[queue], case.since_s), whole_fate)
        self._counters.add("reaper_dropped_subscribers", len(cases) if is_new else 0)
        self._counters.add("reaper_drained_copies", taken.total())


def _without(cases: Cases, others: Iterable[bytes]) -> dict[bytes, Case]:
    gone = frozenset(others)
    return {queue: case for queue, case in cases.items() if queue not in gone}


async def _all_empty(emptyings: Sequence[Emptying]) -> None:
    await asyncio.gather(*(one.wait_until_empty() for one in emptyings))


@contextlib.asynccontextmanager
async def _all_begun(emptyings: Sequence[Emptying]) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for one in emptyings:
            await stack.enter_async_context(one.begun())
        yield
