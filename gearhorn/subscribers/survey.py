"""Asks all servers what waits in their queues, and puts the answers together."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from gearhorn.core.health import Sight
from gearhorn.errors import ServerUnavailable
from gearhorn.logs.event import log_for
from gearhorn.logs.events.servers import SERVER_ASKED, SERVER_UNASKED
from gearhorn.net.address import Address
from gearhorn.net.admin import ask_status
from gearhorn.net.connection import LinkSettings
from gearhorn.wire.status import Counts, StatusRole

log = log_for(__name__)


class Survey(NamedTuple):
    """`is_complete`: every server has answered. `longest_s` is how long the slowest of them took."""

    sights: dict[bytes, Sight]
    is_complete: bool
    longest_s: float


class Surveyor:
    """Says in the log which server cannot be asked, and when it can be again."""

    def __init__(self, servers: Sequence[Address], link: LinkSettings) -> None:
        self._servers = servers
        self._link = link
        self._silent: set[Address] = set()

    def adjust(self, link: LinkSettings) -> None:
        self._link = link

    async def look(
        self, over_count: int, watched: Collection[bytes], on_backlog: Callable[[bytes, int], None] | None = None
    ) -> Survey:
        """Sees the queues that have more than `over_count` jobs and no worker on some server, and those watched.

        `on_backlog`, if wanted, is called for each queue of each server that has jobs waiting.
        """
        roles = [StatusRole(over_count, watched, on_backlog) for _ in self._servers]
        took_s = await asyncio.gather(*map(self._ask, self._servers, roles))
        answered = [(role, seconds) for role, seconds in zip(roles, took_s, strict=True) if seconds is not None]
        return Survey(
            sights_of([role.counts for role, _ in answered]),
            len(answered) == len(roles),
            max((seconds for _, seconds in answered), default=0.0),
        )

    async def _ask(self, server: Address, role: StatusRole) -> float | None:
        try:
            took_s = await ask_status(server, self._link, role)
        except ServerUnavailable as error:
            if server not in self._silent:
                log.say(SERVER_UNASKED, server=server, error=error)
            self._silent.add(server)
            return None
        if server in self._silent:
            log.say(SERVER_ASKED, server=server)
            self._silent.discard(server)
        return took_s


def sights_of(answers: Iterable[Mapping[bytes, Counts]]) -> dict[bytes, Sight]:
    sights: dict[bytes, Sight] = {}
    for counts in answers:
        for queue, (waiting_count, worker_count) in counts.items():
            backlog_count, unserved_count, has_worker = sights.get(queue, (0, 0, False))
            sights[queue] = Sight(
                backlog_count + waiting_count,
                unserved_count if worker_count else max(unserved_count, waiting_count),
                has_worker or worker_count > 0,
            )
    return sights
