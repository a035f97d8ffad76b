"""The worker's link to one server: brings jobs in and carries their ends out, over as many connections as it takes."""

import asyncio
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gearhorn.errors import BadRequest
from gearhorn.logs.event import log_for
from gearhorn.logs.events.jobs import JOB_REFUSED
from gearhorn.logs.events.servers import SERVER_COMPLAINED
from gearhorn.net.address import Address
from gearhorn.net.backpressure import Backpressure, without_limit
from gearhorn.net.connection import Connection, LinkSettings, connect
from gearhorn.net.job import Job
from gearhorn.net.keeper import Keeper
from gearhorn.wire.framing import BODY_LIMIT_BYTES
from gearhorn.wire.packets import Complaint
from gearhorn.wire.worker import WorkerRole
from gearhorn.wire.worker_events import Assigned, Oversized, WorkerEvent

log = log_for(__name__)

# Names of queues that nobody uses; see WorkerRole.leave_mark.
MARK_PREFIX = b"__gearhorn_mark_"


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How a worker presents itself and how much it takes at a time, on each server."""

    # Shown by the admin command `workers`. Without spaces: they would break that line.
    client_id: str = "gearhorn"
    grabs_in_flight: int = 64
    jobs_in_flight: int = 4096
    # See WorkerRole.
    sends_exceptions: bool = True
    # A larger job is refused without having been in memory.
    body_limit_bytes: int = BODY_LIMIT_BYTES


class WorkerLink:
    """Serves queues on one server. `on_job` is called inside the read callback and must not raise; `on_up` whenever the
    link comes up; `on_oversized`, with its queue, for each job that is refused because it is too large.

    What is served, and whether jobs are grabbed, outlasts a lost connection. `purpose` is the word for this link in the
    log, which hears nothing of one without. Links with the same `pressure` share what they may hold: while that is
    spent none that holds a job takes in another, and what its server sends stays there.
    """

    def __init__(
        self,
        address: Address,
        link: LinkSettings,
        worker: WorkerSettings,
        on_job: Callable[[Job], None],
        on_up: Callable[[], None] = lambda: None,
        purpose: str = "jobs",
        pressure: Backpressure | None = None,
        *,
        leaves_marks: bool = False,
        on_oversized: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self.address = address
        self.up = asyncio.Event()  # set while the link is up
        self.answered = asyncio.Event()  # set while it is up and the server has answered, and so knows the queues
        self._link = link
        self._worker = worker
        self._pressure = pressure or without_limit()
        self._budget = self._pressure.budget
        self._quiet = asyncio.Event()
        self._on_job = on_job
        self._on_oversized = on_oversized
        self._on_up = on_up
        self._leaves_marks = leaves_marks
        self._queues: dict[bytes, None] = {}
        self._grabbing = False
        self._role: WorkerRole | None = None
        self._connection: Connection[WorkerEvent] | None = None
        self._keeper = Keeper(address, purpose, link, self._connect, self._care)

    async def run(self) -> None:
        """Keeps the link up until cancelled."""
        try:
            await self._keeper.run()
        finally:
            if self._connection is not None:
                self._connection.abort("the link was shut down")

    def adjust(self, link: LinkSettings, worker: WorkerSettings | None = None) -> None:
        """Other settings. Those of the link are for its next connection, save for how long a silent server is waited
        for; the client id stays. Without `worker` those of the worker do, too.
        """
        self._link = link
        if worker is None:
            return
        self._worker = worker
        if self._role is not None:
            self._role.adjust(
                worker.grabs_in_flight,
                worker.jobs_in_flight,
                sends_exceptions=worker.sends_exceptions,
                body_limit_bytes=worker.body_limit_bytes,
            )
            self.flush_soon()

    @property
    def trouble(self) -> str:
        """Why the link is not up, as was last heard; empty when there was none."""
        return self._keeper.trouble

    @property
    def held_count(self) -> int:
        return len(self._role.held) if self._role else 0

    @property
    def backlog_bytes(self) -> int:
        return self._connection.backlog_bytes if self._connection else 0

    @property
    def is_quiet(self) -> bool:
        """Nothing is held, and nothing can come in any more: true some time after `stop_grabbing`."""
        return not self._grabbing and (self._role is None or self._role.is_quiet)

    async def wait_until_quiet(self) -> None:
        """See `is_quiet`. To be called after `stop_grabbing`."""
        self._check_quiet()
        await self._quiet.wait()

    def serve(self, queues: Iterable[bytes]) -> None:
        added = [queue for queue in queues if queue not in self._queues]
        self._queues.update(dict.fromkeys(added))
        if self._role:
            self._role.serve(added)
            self.flush_soon()

    def leave(self, queues: Iterable[bytes]) -> None:
        """See WorkerRole.leave for when."""
        gone = [queue for queue in queues if self._queues.pop(queue, b"") is None]
        if self._role:
            self._role.leave(gone)
            self.flush_soon()

    def start_grabbing(self) -> None:
        self._grabbing = True
        self._quiet.clear()
        if self._role:
            self._role.start_grabbing()
            self.flush_soon()

    def stop_grabbing(self) -> None:
        self._grabbing = False
        if self._role:
            self._role.stop_grabbing()

    def flush_soon(self) -> None:
        """To be called after anything that the server has to be told."""
        if self._connection:
            self._connection.flush_soon()
        if not self._grabbing:
            self._check_quiet()
        if self._pressure.waiting:  # a job may have ended, and the role been denied the next one
            self._pressure.wait(self, self._try_to_go_on)
            self._pressure.check()

    async def close(self) -> None:
        """Sends what is waiting and ends the link for good."""
        self._keeper.stop()
        if self._connection is not None:
            await self._connection.close()

    async def _connect(self) -> Connection[WorkerEvent]:
        worker = self._worker
        role = WorkerRole(
            worker.grabs_in_flight,
            worker.jobs_in_flight,
            sends_exceptions=worker.sends_exceptions,
            body_limit_bytes=worker.body_limit_bytes,
            budget=self._budget,
        )
        connection: Connection[WorkerEvent] = Connection(role, self._handle, self._after_read)
        await connect(self.address, self._link, lambda: connection)
        connection.closed.add_done_callback(lambda _: self._disconnected(role))
        self._role, self._connection = role, connection
        role.set_client_id(worker.client_id.encode())
        role.ask_for_options()
        if self._leaves_marks:
            role.leave_mark(MARK_PREFIX + secrets.token_hex(8).encode())
        role.serve(self._queues)
        if self._grabbing:
            role.start_grabbing()
        self.flush_soon()
        self.up.set()
        self._on_up()
        return connection

    def _disconnected(self, role: WorkerRole) -> None:
        role.let_go()
        if self._role is role:
            self._pressure.forget(self)
            self._role = self._connection = None
            self.up.clear()
            self.answered.clear()
            self._check_quiet()
        self._pressure.check()

    def _after_read(self) -> None:
        self.answered.set()
        self._check_quiet()
        self.hold_back_if_full()

    def hold_back_if_full(self) -> None:
        """To be called after anything that may have used up the budget."""
        if self._budget.held_bytes >= self._budget.limit_bytes:
            self._hold_back()

    def _hold_back(self) -> None:
        if self._role is not None and self._role.held and self._connection is not None:
            self._connection.pause_reading()
            self._pressure.wait(self, self._try_to_go_on)

    def _try_to_go_on(self) -> bool:
        if self._role is None or self._connection is None:
            return True
        if self._role.held and self._budget.is_full:
            return False
        self._connection.resume_reading()
        self._role.go_on()
        self._connection.flush_soon()
        return True

    def _check_quiet(self) -> None:
        if self.is_quiet:
            self._quiet.set()

    def _care(self, connection: Connection[WorkerEvent]) -> None:
        """A server that stays silent is given up, unless jobs are held: geard would drop them with the connection."""
        role, limit_s = self._role, self._link.answer_timeout_s
        if role is None:
            return
        if role.awaits_sign and not role.held and connection.silent_s() > limit_s:
            connection.abort(f"no answer for {limit_s:g} s")
            return
        role.sleep_again()
        if not role.awaits_sign:
            role.probe()
        self.flush_soon()

    def _handle(self, event: WorkerEvent) -> None:
        if isinstance(event, Complaint):
            log.say(SERVER_COMPLAINED, server=self.address, complaint=event)
        elif self._role is not None:
            if isinstance(event, Oversized):
                self._refuse(event, self._role)
            else:
                self._on_job(Job(event, self._role, self))

    def _refuse(self, job: Oversized, role: WorkerRole) -> None:
        text = str(BadRequest("", f"the job has {job.size_bytes} bytes, more than {job.limit_bytes}"))
        log.say(JOB_REFUSED, queue=job.queue.decode("utf-8", "replace"), reason=text)
        Job(Assigned(job.handle, job.queue, b"", b""), role, self).refuse(text.encode())
        self._on_oversized(job.queue)
