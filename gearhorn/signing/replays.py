"""Each signed body is run once, and again only when its own job comes back.

gearmand hands a job out again, under the same handle, when its worker died: that one is run again, unless it had ended;
then it gets the same answer, and nothing else is done. The same body in any other job is a replay, and so is one that
comes again from a server that never hands out a job twice.

Servers count their handles anew after a restart, so that somebody who waits for that may bring a body back under its
old handle. If its job has ended it does not matter: only the answer is given again. What remains is a job that was cut
short by the very restart.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gearhorn.errors import BadRequest, StoreUnavailable
from gearhorn.logs.event import log_for
from gearhorn.logs.events.signing import ENDING_KEPT, ENDING_UNKEPT
from gearhorn.logs.trouble import Trouble
from gearhorn.net.job import Job
from gearhorn.patience import Patience
from gearhorn.signing.vouchers import Ending, SignedJob, Voucher, identity_of
from gearhorn.store.base import RecordKey, Store

log = log_for(__name__)

# Kinds of records.
RUNS, ENDINGS = "signed-run", "signed-ending"

# An answer that is longer is a list of thousands of failures. The stores take ten times as much.
ANSWER_LIMIT_BYTES = 100_000
_TOO_LONG = Ending(False, b"the job had ended before, and its answer was too long to be kept")

# At the end of the service, what is being written is waited for.
CLOSING_LIMIT_S = 1.0

Result = TypeVar("Result")


class Replays:
    """`jobs_outlast_restarts`: the Gearman servers keep background jobs over restarts."""

    def __init__(self, store: Store, patience: Patience, *, jobs_outlast_restarts: bool = False) -> None:
        self._store = store
        self._patience = patience
        self._jobs_outlast_restarts = jobs_outlast_restarts
        self._notes: set[asyncio.Task[None]] = set()
        self._trouble = Trouble()

    async def begin(self, voucher: Voucher, job: Job, ttl_s: float) -> SignedJob | None:
        """The job as it is to be run; None when it had ended before, and was given the same answer.

        Raises BadRequest for a replay, and for what is too old and has not been begun before; StoreUnavailable when
        nobody can tell.
        """
        name, identity = voucher.name, identity_of(voucher, job, jobs_outlast_restarts=self._jobs_outlast_restarts)
        if voucher.is_stale and await self._read(RUNS, name) is None:
            raise BadRequest("time", f"what key {voucher.key_id!r} signed is too old: sign anew to send again")
        first = await self._claim(name, identity, ttl_s)
        if first not in (None, identity):
            raise BadRequest("nonce", f"key {voucher.key_id!r} has used it before: sign anew to send again")
        ending = None if first is None else await self._read(ENDINGS, name)
        if ending is not None:
            _read_ending(ending).give_to(job)
            return None
        return SignedJob(job, identity, lambda ending: self._note(name, ending, ttl_s))

    async def close(self) -> None:
        if self._notes:
            await asyncio.wait(self._notes, timeout=CLOSING_LIMIT_S)
        for note in self._notes:
            note.cancel()

    def _note(self, name: str, ending: Ending, ttl_s: float) -> None:
        """The answer has been given: the store need not be waited for."""
        kept = ending if len(ending.data) <= ANSWER_LIMIT_BYTES else _TOO_LONG
        note = asyncio.create_task(self._keep(name, _written(kept), ttl_s))
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    async def _keep(self, name: str, value: bytes, ttl_s: float) -> None:
        try:
            await self._ask(lambda: self._store.claim_record(RecordKey(ENDINGS, name), value, ttl_s))
        except StoreUnavailable as error:
            if self._trouble.begins():
                log.say(ENDING_UNKEPT, error=error)
        else:
            if self._trouble.ends():
                log.say(ENDING_KEPT)

    async def _claim(self, name: str, identity: bytes, ttl_s: float) -> bytes | None:
        return await self._ask(lambda: self._store.claim_record(RecordKey(RUNS, name), identity, ttl_s))

    async def _read(self, kind: str, name: str) -> bytes | None:
        return await self._ask(lambda: self._store.read_record(RecordKey(kind, name)))

    async def _ask(self, call: Callable[[], Awaitable[Result]]) -> Result:
        return await self._patience.ask(call)


def _written(ending: Ending) -> bytes:
    return (b"+" if ending.is_complete else b"-") + ending.data


def _read_ending(text: bytes) -> Ending:
    return Ending(text.startswith(b"+"), text[1:])
