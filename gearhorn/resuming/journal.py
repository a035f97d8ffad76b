"""Keeps the record of one run up to date while its copies go out."""

import asyncio
from collections.abc import Callable

from gearhorn.core.fanout import FanoutRun
from gearhorn.core.members import Members
from gearhorn.core.progress import Tally
from gearhorn.errors import GearhornError
from gearhorn.logs.event import log_for
from gearhorn.logs.events.resuming import RECORD_FULL, RECORD_LEFT, RECORD_UNWRITTEN, RECORD_WRITTEN
from gearhorn.logs.trouble import Trouble
from gearhorn.resuming.record import OWNER, PROGRESS, RECORD_TTL_S, REQUEST, Record, render_record
from gearhorn.store.base import RECORD_LIMIT_BYTES, RecordKey, Store

log = log_for(__name__)

# Copies are held back for a record for so long at most: a store that is away must not stop them.
WRITE_LIMIT_S = 0.5

# An answer may be lost with its connection: then the server, when it notices, gives the job to another worker. No later
# job can be taken for this one where the record has a mark.
ANSWERED_TTL_S = 300.0


class RecordFull(GearhornError):
    """There is more to record than a record can hold."""


class Journal:
    """`progressed` is to be called when copies were settled, `finish` at the end. `go_on` is called when copies that
    were held back for the record may be sent.

    `trouble` is that of all fanouts whose records cannot be written.
    `is_owned`: the server drops the jobs of lost workers, so that records tell who has this one, and what it is.
    """

    def __init__(
        self,
        store: Store,
        identity: str,
        worker_id: str,
        run: FanoutRun,
        rest: Members,
        go_on: Callable[[], None],
        mark: bytes = b"",
        copy_key: bytes = b"",
        *,
        is_owned: bool = False,
        trouble: Trouble | None = None,
    ) -> None:
        assert run.tally is not None
        self.run = run
        self.rest = rest  # whose copies are not out yet
        self.identity = identity
        self.copy_key = copy_key
        self.mark = mark
        self.is_owned = is_owned
        self._store = store
        self._worker_id = worker_id
        self._tally: Tally = run.tally
        self._go_on = go_on
        self._is_gated = self._tally.is_gated
        self._in_trouble = False
        self._trouble = trouble or Trouble()
        self._writing: asyncio.Task[None] | None = None

    def progressed(self) -> None:
        if self._writing is None and self._tally.wants_record:
            self._writing = asyncio.create_task(self._write())

    async def finish(self, *, is_answered: bool) -> None:
        """The run is over. Whoever may have to run a job again that is not answered should find everything done."""
        if self._writing is not None:
            await self._writing
        try:
            async with asyncio.timeout(WRITE_LIMIT_S * 10):
                if not is_answered:
                    await self._keep_if_done()
                elif self.mark:
                    await self._keep(ANSWERED_TTL_S)
                else:
                    await self._drop()
        except (GearhornError, TimeoutError) as error:
            log.say(RECORD_LEFT, error=error)

    async def _drop(self) -> None:
        for kind in (REQUEST, PROGRESS, OWNER) if self.is_owned else (PROGRESS,):
            await self._store.drop_record(RecordKey(kind, self.identity))

    async def _keep_if_done(self) -> None:
        """A run that was abandoned says nothing more: the job's next worker has taken the record over."""
        if self._tally.done_count >= len(self.rest):
            await self._keep(RECORD_TTL_S)

    async def _write(self) -> None:
        recorded_count = self._tally.done_count
        try:
            async with asyncio.timeout(WRITE_LIMIT_S):
                await self._keep(RECORD_TTL_S)
        except RecordFull as error:
            if not self._in_trouble:
                log.say(RECORD_FULL, error=error)
            self._go_without()
        except (GearhornError, TimeoutError) as error:
            if self._trouble.begins():
                log.say(RECORD_UNWRITTEN, reason=str(error) or "no answer in time")
            self._go_without()
        else:
            self._tally.recorded_count = recorded_count
            if self._trouble.ends():
                log.say(RECORD_WRITTEN)
            self._go_with()
        finally:
            self._writing = None
        self._go_on()
        if not self._in_trouble:
            self.progressed()  # else with the next copies

    async def _keep(self, ttl_s: float) -> None:
        again = [failure.client_id for failure in self.run.failures]
        done = self._tally.progress.stretches()
        value = render_record(Record.of(self.mark, self.copy_key, self._worker_id, done, again))
        if len(value) > RECORD_LIMIT_BYTES:
            raise RecordFull("more copies have failed than a record can name")
        await self._store.keep_record(RecordKey(PROGRESS, self.identity), value, ttl_s)

    def _go_without(self) -> None:
        self._tally.is_gated = False
        self._in_trouble = True

    def _go_with(self) -> None:
        self._tally.is_gated = self._is_gated
        self._in_trouble = False
