"""Finds background fanouts that a lost worker has left, on servers that give its jobs to nobody else."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gearhorn.bodies import FanoutRequest
from gearhorn.errors import GearhornError
from gearhorn.resuming.ledger import OWNER_TTL_S
from gearhorn.resuming.record import OWNER, REQUEST, parse_request
from gearhorn.store.base import RecordKey, Store

log = logging.getLogger(__name__)

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
        log.warning("finished the fanout of topic %r: %s copies are out in all", self.request.topic, data.decode())

    def refuse(self, text: bytes) -> None:
        log.error("the fanout of topic %r ended with failures: %s", self.request.topic, text.decode("utf-8", "replace"))

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
                log.debug("fanouts without a worker were not looked for: %s", error)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        for identity in await self._store.record_names(REQUEST):
            if await self._store.claim_record(RecordKey(OWNER, identity), self._token, OWNER_TTL_S) is not None:
                continue
            value = await self._store.read_record(RecordKey(REQUEST, identity))
            request = parse_request(value) if value is not None else None
            if request is None:
                continue
            log.warning(
                "a fanout of topic %r was cut short: its worker is lost, and the Gearman server has dropped the job; "
                "this worker finishes it",
                request.topic,
            )
            await self._finish(Orphan(identity, request))
