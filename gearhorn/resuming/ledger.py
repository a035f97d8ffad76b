"""Opens a journal for each large fanout, and finds out where it was cut short before."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gearhorn.bodies import FanoutRequest
from gearhorn.core.fanout import FanoutRun
from gearhorn.core.members import Members
from gearhorn.core.progress import Tally
from gearhorn.errors import GearhornError, ServerUnavailable
from gearhorn.grouping import Grouper
from gearhorn.logs.event import log_for
from gearhorn.logs.events.resuming import (
    FANOUT_RESUMED,
    FANOUT_UNRECORDED,
    RECORD_KEPT,
    RECORD_READ,
    RECORD_UNKEPT,
    RECORD_UNREAD,
)
from gearhorn.logs.trouble import Trouble
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.job import Job
from gearhorn.net.marks import ServerEnded, knows_queue
from gearhorn.resuming.hold import Hold
from gearhorn.resuming.journal import Journal
from gearhorn.resuming.record import (
    OWNER,
    PROGRESS,
    RECORD_TTL_S,
    REQUEST,
    Record,
    identity_of,
    parse_record,
    render_request,
)
from gearhorn.store.base import RECORD_LIMIT_BYTES, RecordKey, Store

log = log_for(__name__)

# A record that is not there within this time is done without: the fanout begins anew, and is not held up.
READ_LIMIT_S = 1.0
READS_AT_ONCE = 100

COPY_KEY_BYTES = 12

# A server that cannot be reached is asked for so long, with a pause in between, and then taken for ended.
DOUBT_LIMIT_S = 30.0
PAUSE_S = 2.0

# Who has a fanout that its server will not give to anybody else says so every few seconds.
OWNER_TTL_S = 15.0
RENEWALS_PER_TTL = 3


@dataclass(frozen=True, slots=True)
class ResumingSettings:
    """`is_persistent`: the Gearman servers keep their jobs when they are started again. `worker_id` is for people."""

    worker_id: str = ""
    is_persistent: bool = False


class Ledger:
    """`go_on` is called when copies that were held back for a record may be sent. `run` keeps what is owned."""

    def __init__(self, settings: ResumingSettings, store: Store, link: LinkSettings, go_on: Callable[[], None]) -> None:
        self._settings = settings
        self._store = store
        self._link = link
        self._go_on = go_on
        self._reads: Grouper[tuple[str, Job], Record | None] = Grouper(self._find_all, READS_AT_ONCE)
        self._owned: set[Journal] = set()
        self._finishing: set[asyncio.Task[None]] = set()
        self._reading_trouble, self._writing_trouble, self._keeping_trouble = Trouble(), Trouble(), Trouble()
        self.token = secrets.token_hex(8).encode()

    def adjust(self, link: LinkSettings) -> None:
        self._link = link

    def new_copy_key(self) -> bytes:
        """Of what the unique keys of a job's copies are to be made; empty where they need none."""
        return secrets.token_hex(COPY_KEY_BYTES).encode() if self._settings.is_persistent else b""

    async def open(self, job: Job, request: FanoutRequest, members: Members) -> Journal:
        """Never raises: a fanout that cannot be recorded goes out all the same."""
        if not job.requeues:
            return await self._open_owned(request, members)
        is_persistent = self._settings.is_persistent
        identity = identity_of(job, is_persistent=is_persistent)
        found = await self._reads.ask((identity, job))
        mark = b"" if is_persistent and job.assigned.unique else job.mark
        return self._journal(identity, request, members, found, mark)

    async def adopt(self, identity: str, request: FanoutRequest, members: Members) -> Journal:
        """The journal of a fanout that another worker has left. Raises StoreUnavailable."""
        value = await self._store.read_record(RecordKey(PROGRESS, identity))
        found = parse_record(value) if value is not None else None
        return self._journal(identity, request, members, found, is_owned=True)

    def hold(self, job: Job, journal: Journal, on_gone: Callable[[], None]) -> Hold:
        """For a run that is over when its job is another worker's: then `on_gone` is called."""

        return Hold(lambda: job.is_held, lambda: self.is_given_away(job), on_gone, self._go_on)

    async def is_given_away(self, job: Job) -> bool:
        """Whether the job is another worker's by now, or will be: so that this one had better not begin with it.

        Without a mark on the server that cannot be told.
        """
        if job.is_held or not job.requeues:
            return False
        return self._settings.is_persistent or (job.mark != b"" and await self._is_running_yet(job.address, job.mark))

    async def _is_running_yet(self, address: Address, mark: bytes) -> bool:
        """Whether a server to which a connection was lost is the one that it was. A network that is cut is waited for;
        where nobody listens any more, it has ended.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DOUBT_LIMIT_S):
                while True:
                    try:
                        return await knows_queue(address, self._link, mark)
                    except ServerEnded:
                        return False
                    except ServerUnavailable:
                        await asyncio.sleep(PAUSE_S)
        return False

    def close_journal(self, journal: Journal, *, is_answered: bool) -> None:
        """The run is over; the rest happens by itself."""
        self._owned.discard(journal)
        task = asyncio.create_task(journal.finish(is_answered=is_answered))
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(OWNER_TTL_S / RENEWALS_PER_TTL)
            for journal in [*self._owned]:
                await self._keep(OWNER, journal.identity, self.token, OWNER_TTL_S)

    async def close(self) -> None:
        """Lets what is being written come to its end."""
        await self._reads.close()
        if self._finishing:
            await asyncio.wait(self._finishing)

    async def _open_owned(self, request: FanoutRequest, members: Members) -> Journal:
        identity = secrets.token_hex(16)
        if not request.background:  # nobody would wait for the answer any more
            return self._journal(identity, request, members, None)
        value = render_request(request)
        if len(value) <= RECORD_LIMIT_BYTES:
            await self._keep(OWNER, identity, self.token, OWNER_TTL_S)
            await self._keep(REQUEST, identity, value, RECORD_TTL_S)
        else:
            log.say(FANOUT_UNRECORDED, topic=request.topic)
        return self._journal(identity, request, members, None, is_owned=True)

    def _journal(
        self,
        identity: str,
        request: FanoutRequest,
        members: Members,
        found: Record | None,
        mark: bytes = b"",
        *,
        is_owned: bool = False,
    ) -> Journal:
        rest, done = members, found.done if found else []
        if found is not None:
            rest = members.outside(done).changed({client_id: True for client_id in found.again if client_id in members})
            out_count = len(members) - len(rest)
            log.say(
                FANOUT_RESUMED,
                topic=request.topic,
                worker_id=found.worker,
                out_count=out_count,
                copies_count=len(members),
            )
        tally = Tally(rest, done, is_gated=request.background)
        run = FanoutRun(
            len(members), foreground=not request.background, done_count=len(members) - len(rest), tally=tally
        )
        worker_id = self._settings.worker_id
        copy_key = found.copy_key if found else self.new_copy_key()
        journal = Journal(
            self._store,
            identity,
            worker_id,
            run,
            rest,
            self._go_on,
            mark,
            copy_key,
            is_owned=is_owned,
            trouble=self._writing_trouble,
        )
        if is_owned:
            self._owned.add(journal)
        return journal

    async def _find_all(self, wanted: Sequence[tuple[str, Job]]) -> Sequence[Record | None]:
        """One after the other: fanouts that came in a row go out in that order."""
        return [await self._find(identity, job) for identity, job in wanted]

    async def _find(self, identity: str, job: Job) -> Record | None:
        try:
            async with asyncio.timeout(READ_LIMIT_S):
                value = await self._store.read_record(RecordKey(PROGRESS, identity))
            record = None if value is None else parse_record(value)
            is_same = record is None or not record.mark or await knows_queue(job.address, self._link, record.mark)
        except (GearhornError, TimeoutError) as error:
            reason = str(error) or "the store did not answer in time"
            if self._reading_trouble.begins():
                log.say(RECORD_UNREAD, reason=reason)
            return None
        if self._reading_trouble.ends():
            log.say(RECORD_READ)
        return record if is_same else None

    async def _keep(self, kind: str, identity: str, value: bytes, ttl_s: float) -> None:
        try:
            await self._store.keep_record(RecordKey(kind, identity), value, ttl_s, is_listed=kind == REQUEST)
        except GearhornError as error:
            if self._keeping_trouble.begins():
                log.say(RECORD_UNKEPT, error=error)
        else:
            if self._keeping_trouble.ends():
                log.say(RECORD_KEPT)
