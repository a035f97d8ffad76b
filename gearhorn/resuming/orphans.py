"""Finds background fanouts that a lost worker has left, on servers that give its jobs to nobody else."""

import asyncio
from collections.abc import Awaitable, Callable

from gearhorn.bodies import FanoutRequest
from gearhorn.errors import GearhornError
from gearhorn.logs.event import log_for
from gearhorn.logs.events.resuming import FANOUT_ADOPTED, FANOUT_FINISHED, FANOUT_UNFINISHED, ORPHANS_UNSEEN
from gearhorn.resuming.ledger import OWNER_TTL_S
from gearhorn.resuming.record import OWNER, REQUEST, parse_request
from gearhorn.store.base import RecordKey, Store

log = log_for(__name__)

LOOK_EVERY_S = 10.0


class Orphan:
    """Stands in for the job of a fanout that has none any more."""

    is_held = True

    def __init__(self, identity: str, request: FanoutRequest) -> None:
        self.identity = identity
        self.request = request

    backlog_bytes = 0

    def weigh(self, more_bytes: int) -> None:
        """It has no place among the jobs that are counted."""

    def complete(self, data: bytes = b"") -> None:
        log.say(FANOUT_FINISHED, topic=self.request.topic, copies_count=data.decode())

    def refuse(self, text: bytes) -> None:
        log.say(FANOUT_UNFINISHED, topic=self.request.topic, reason=text.decode("utf-8", "replace"))

    def send_data(self, data: bytes) -> None:
        """There is nobody to send it to."""

    def send_status(self, done_count: int, total_count: int) -> None:
        """There is nobody to send it to."""


class Orphans:
    """`finish` sees to one, as soon as it is this worker's. `token` tells this worker from others."""

    def __init__(self, store: Store, token: bytes, finish: Callable[[Orphan], Awaitable[None]]) -> None:
        self._store = store
        self._token = token
        self._finish = finish

    async def run(self) -> None:
        """Looks for them until cancelled."""
        while True:
            try:
                await self._look()
            except GearhornError as error:
                log.say(ORPHANS_UNSEEN, error=error)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        for identity in await self._store.record_names(REQUEST):
            if await self._store.claim_record(RecordKey(OWNER, identity), self._token, OWNER_TTL_S) is not None:
                continue
            value = await self._store.read_record(RecordKey(REQUEST, identity))
            request = parse_request(value) if value is not None else None
            if request is None:
                continue
            log.say(FANOUT_ADOPTED, topic=request.topic)
            await self._finish(Orphan(identity, request))
