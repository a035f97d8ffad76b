"""Asks all servers what they hold, together: one that is away or slow holds up nobody for longer than the limit."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from gearhorn.clock import steady_s
from gearhorn.errors import ServerUnavailable
from gearhorn.net.address import Address
from gearhorn.net.admin import ask_status
from gearhorn.net.connection import LinkSettings
from gearhorn.overview.views import ServerView
from gearhorn.wire.loads import IDLE_LOAD, Load, LoadRole, add_loads

# A server that took longer than this for its answer stood still meanwhile (geard does, 1 s for 100,000 queues). It is
# asked again only when this is a fiftieth of its time at the most.
LONG_ANSWER_S = 0.5
MOST_SHARE = 1 / 50


@dataclass(frozen=True, slots=True)
class Answer:
    """What one server said at `asked_at_s`, by the steady clock; with `trouble` it said nothing."""

    address: str
    asked_at_s: float
    trouble: str = ""
    took_s: float | None = None
    version: str = ""
    queue_count: int = 0
    loads: dict[bytes, Load] = field(default_factory=dict)

    @property
    def rests_until_s(self) -> float:
        is_long = self.took_s is not None and self.took_s > LONG_ANSWER_S
        return self.asked_at_s + (self.took_s / MOST_SHARE if is_long and self.took_s else 0.0)


class Servers:
    """`ask` may be called again and again; nothing is raised for a server that is away."""

    def __init__(self, addresses: Sequence[Address], link: LinkSettings, patience_s: float) -> None:
        self._addresses = addresses
        self.link = replace(
            link,
            connect_timeout_s=min(patience_s, link.connect_timeout_s),
            answer_timeout_s=min(patience_s, link.answer_timeout_s),
        )
        self._answers: dict[Address, Answer] = {}

    async def ask(self, wanted: Collection[bytes]) -> list[Answer]:
        """The queues with jobs of each server, and those of `wanted`, in the order of the servers."""
        return list(await asyncio.gather(*(self._ask_unless_resting(address, wanted) for address in self._addresses)))

    async def ask_anew(self, wanted: Collection[bytes]) -> list[Answer]:
        """Also those that should rest: somebody wants to know of queues that the last answer may not have."""
        return list(await asyncio.gather(*(self._ask(address, wanted) for address in self._addresses)))

    async def _ask_unless_resting(self, address: Address, wanted: Collection[bytes]) -> Answer:
        known = self._answers.get(address)
        if known is None or steady_s() >= known.rests_until_s:
            known = self._answers[address] = await self._ask(address, wanted)
        return known

    async def _ask(self, address: Address, wanted: Collection[bytes]) -> Answer:
        role, asked_at_s = LoadRole(wanted), steady_s()
        try:
            took_s = await ask_status(address, self.link, role)
        except ServerUnavailable as error:
            return Answer(str(address), asked_at_s, str(error))
        return Answer(str(address), asked_at_s, "", took_s, role.version, role.queue_count, role.loads)


def sum_loads(answers: Iterable[Answer]) -> dict[bytes, Load]:
    """Over all servers."""
    sums: dict[bytes, Load] = {}
    for answer in answers:
        for queue, load in answer.loads.items():
            known = sums.get(queue)
            sums[queue] = load if known is None else add_loads(known, load)
    return sums


def view_server(answer: Answer, fanout_queue: bytes) -> ServerView:
    if answer.trouble:
        return ServerView(answer.address, is_reachable=False, trouble=answer.trouble)
    return ServerView(
        answer.address,
        is_reachable=True,
        version=answer.version or None,
        took_s=answer.took_s,
        age_s=max(0.0, steady_s() - answer.asked_at_s),
        queues_count=answer.queue_count,
        waiting_count=sum(load.waiting_count for load in answer.loads.values()),
        running_count=sum(load.running_count for load in answer.loads.values()),
        fanout_workers_count=answer.loads.get(fanout_queue, IDLE_LOAD).worker_count,
    )
