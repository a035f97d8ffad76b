"""The life of the service: start in order, serve, drain, stop."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field

from gearhorn import systemd
from gearhorn.core.limits import MIB
from gearhorn.errors import StoreUnavailable
from gearhorn.handlers import Handlers, HandlerSettings
from gearhorn.logs.event import log_for
from gearhorn.logs.events.life import JOBS_GIVEN_BACK, SERVICE_READY, SERVICE_STOPPED, SERVICE_STOPPING
from gearhorn.logs.events.store import STORE_REACHED, STORE_UNREACHED
from gearhorn.logs.trouble import Trouble
from gearhorn.matchmaker import Matchmaker, MatchmakingSettings
from gearhorn.metrics import Counters
from gearhorn.monitoring.monitor import Monitor
from gearhorn.monitoring.parts import Parts
from gearhorn.monitoring.settings import MonitoringSettings
from gearhorn.monitoring.watchdog import feed_watchdog
from gearhorn.net.address import Address
from gearhorn.net.backpressure import Backpressure
from gearhorn.net.connection import LinkSettings
from gearhorn.net.dispatch import Dispatch
from gearhorn.net.worker_link import WorkerLink, WorkerSettings
from gearhorn.patience import Patience, PatienceSettings
from gearhorn.resuming.ledger import Ledger, ResumingSettings
from gearhorn.resuming.orphans import Orphans
from gearhorn.signing.guard import Guard, SigningSettings
from gearhorn.store.base import Store
from gearhorn.store.watched import WatchedStore
from gearhorn.subscribers.pauses import Pauses
from gearhorn.subscribers.policies import ReaperSettings
from gearhorn.subscribers.watcher import Names, letter_box, make_watcher
from gearhorn.tasks import running, wait_for_first

log = log_for(__name__)


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """Everything that the service needs to know, by who needs it."""

    servers: tuple[Address, ...] = (Address("localhost", 4730),)
    link: LinkSettings = field(default_factory=LinkSettings)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    handlers: HandlerSettings = field(default_factory=HandlerSettings)
    resuming: ResumingSettings = field(default_factory=ResumingSettings)
    patience: PatienceSettings = field(default_factory=PatienceSettings)
    matchmaking: MatchmakingSettings = field(default_factory=MatchmakingSettings)
    signing: SigningSettings = field(default_factory=SigningSettings)
    # Of the jobs held on all servers together, which see net/backpressure.py.
    bytes_in_flight: int = 256 * MIB
    reaper: ReaperSettings = field(default_factory=ReaperSettings)
    drain_timeout_s: float = 30.0
    monitoring: MonitoringSettings = field(default_factory=MonitoringSettings)


class Stop:
    """The wish to stop, from a signal or a test. The second wish cuts the drain short."""

    def __init__(self) -> None:
        self.wanted = asyncio.Event()
        self.now = asyncio.Event()

    def ask(self) -> None:
        if self.wanted.is_set():
            self.now.set()
        self.wanted.set()


class Daemon:
    """`run` serves until `stop` is asked for. The store comes unopened, and is closed at the end.

    `on_ready` is called when systemd is told. To be made inside the event loop that is to run it; raises Misconfigured
    for a keys file that cannot be used.
    """

    def __init__(
        self, settings: DaemonSettings, store: Store, stop: Stop, on_ready: Callable[[], None] = lambda: None
    ) -> None:
        counters, pauses = Counters(settings.monitoring.topics_count), Pauses()
        watched = WatchedStore(store, counters)
        store = watched.as_store()
        self._store_asked = asyncio.Event()
        self._phase = "it waits for the store"  # what it is at while it does not serve
        self._settings = settings
        self._store = store
        self._stop = stop
        self._on_ready = on_ready
        self.is_ready = False
        self._patience = Patience(settings.patience)
        self._dispatch = Dispatch(
            list(settings.servers),
            settings.link,
            settings.worker.client_id,
            settings.patience.retry_timeout_s,
            settings.handlers.limits.answer_bytes,
        )
        self._matchmaker = Matchmaker(
            settings.matchmaking,
            self._patience,
            store,
            self._dispatch,
            settings.servers,
            settings.link,
            settings.worker.client_id,
            counters,
        )
        self._guard = self._make_guard()
        self._ledger = Ledger(settings.resuming, store, settings.link, self._dispatch.go_on)
        self._handlers = Handlers(
            settings.handlers,
            self._matchmaker.directory,
            self._dispatch,
            self._ledger,
            time.time,
            pauses,
            counters,
            self._guard,
        )
        self._watcher = make_watcher(
            settings.reaper,
            store,
            self._matchmaker.directory,
            self._dispatch,
            settings.servers,
            settings.link,
            Names(settings.matchmaking.worker_id, settings.worker.client_id, settings.matchmaking.topic),
            counters,
            pauses,
        )
        self._orphans = Orphans(store, self._ledger.token, self._handlers.finish)
        self._pressure = Backpressure(settings.bytes_in_flight)
        # For each server one link for each lane. Those of the first lane say for all when it is away.
        self._lanes = [self._open_lanes(address) for address in settings.servers]
        self._workers = [worker for lanes in self._lanes for worker in lanes]
        self._monitor = Monitor(
            settings.monitoring,
            Parts(
                counters,
                watched,
                self._dispatch,
                self._lanes,
                self._matchmaker,
                self._watcher,
                lambda: self._phase,
            ),
        )

    async def run(self) -> None:
        """Raises Misconfigured for what waiting will not mend. What is away is waited for, also at the start.

        The order is that of the promises: no job is taken before the store answers, copies can be sent, and the other
        workers can tell this one of changes; what was taken is finished before the links are let go. Whoever watches
        over it is told from then on when the store was first asked, to the last moment.
        """
        async with running([self._be_watched_over(), feed_watchdog()]):
            await self._run()
        log.say(SERVICE_STOPPED)

    async def _be_watched_over(self) -> None:
        """Not before the store was asked once: settings that are wrong end the start, with one line."""
        await self._store_asked.wait()
        await self._monitor.run()

    async def _run(self) -> None:
        try:
            if await self._unless_stopped(self._open_store()):
                self._phase = "it waits for a Gearman server"
                async with running([self._dispatch.run(), self._matchmaker.run()]):
                    await self._serve_when_up()
        finally:
            self._phase = "it stops"
            await self._watcher.close()
            await self._handlers.close()
            await self._ledger.close()
            await self._matchmaker.close()
            await self._store.close()

    @property
    def settings(self) -> DaemonSettings:
        return self._settings

    @property
    def is_stopping(self) -> bool:
        return self._stop.wanted.is_set()

    def adjust(self, settings: DaemonSettings) -> None:
        """Other settings, between two jobs: no job is given up or run twice for it, and what is under way ends by those
        that it began with.

        Servers, queues, names, the store and what is agreed with other workers stay as they are.
        """
        self._settings = settings
        retry_timeout_s, link = settings.patience.retry_timeout_s, settings.link
        self._patience.adjust(settings.patience)
        self._dispatch.adjust(link, retry_timeout_s, settings.handlers.limits.answer_bytes)
        self._matchmaker.adjust(settings.matchmaking, link)
        self._ledger.adjust(link)
        self._handlers.adjust(settings.handlers)
        self._watcher.adjust(settings.reaper, link, letter_box(settings.reaper, self._dispatch))
        if self._guard is not None:
            self._guard.adjust(settings.signing, retry_timeout_s)
        for worker in self._workers:
            worker.adjust(link, settings.worker)
        self._pressure.adjust(settings.bytes_in_flight)

    async def _serve_when_up(self) -> None:
        if await self._unless_stopped(self._dispatch.up.wait()) and await self._unless_stopped(self._matchmaker.join()):
            for worker in self._workers:
                worker.start_grabbing()
            works = [worker.run() for worker in self._workers]
            async with running([*works, self._ledger.run(), self._orphans.run(), self._watcher.run()]):
                answers = [_all_answered(lanes) for lanes in self._lanes]
                if await self._unless_stopped(wait_for_first(answers)):
                    self._say_ready()
                    await self._stop.wanted.wait()
                self._phase = "it stops, and finishes the jobs that it holds"
                systemd.notify("STOPPING=1")
                await self._drain()
            await self._watcher.close()
        await self._matchmaker.leave()

    def _open_lanes(self, address: Address) -> list[WorkerLink]:
        links = []
        for number, queues in enumerate(self._handlers.lanes):
            purpose = "" if number else "jobs"
            link = WorkerLink(
                address,
                self._settings.link,
                self._settings.worker,
                self._handlers.take,
                purpose=purpose,
                leaves_marks=not number,
                pressure=self._pressure,
                on_oversized=self._handlers.count_oversized,
            )
            link.serve(queues)
            links.append(link)
        return links

    def _make_guard(self) -> Guard | None:
        settings = self._settings
        if not settings.signing.is_on:
            return None
        wait_limit_s = settings.patience.retry_timeout_s
        return Guard(settings.signing, self._store, self._patience, wait_limit_s, time.time)

    def _say_ready(self) -> None:
        own = self._settings.handlers.queues
        queues = ", ".join((own.fanout, own.unsubscribe, *own.subscribe))
        if own.topics:
            queues += f" and those of {len(own.topics)} topics"
        servers = ", ".join(str(address) for address in self._settings.servers)
        self._phase = ""
        log.say(SERVICE_READY, queues=queues, servers=servers)
        self.is_ready = True
        systemd.notify("READY=1")
        self._on_ready()

    async def _open_store(self) -> None:
        backoff = self._patience.backoff()
        trouble = Trouble()
        while True:
            try:
                await self._store.open()
            except StoreUnavailable as error:
                self._store_asked.set()
                if trouble.begins():
                    log.say(STORE_UNREACHED, error=error)
                await asyncio.sleep(backoff.next_s())
            else:
                break
        self._store_asked.set()
        if trouble.ends():
            log.say(STORE_REACHED)

    async def _drain(self) -> None:
        """Takes no more jobs and finishes those held. CANT_DO comes last: gearmand requeues what is held on it."""
        for worker in self._workers:
            worker.stop_grabbing()
        held_count = sum(worker.held_count for worker in self._workers)
        log.say(SERVICE_STOPPING, held_count=held_count, drain_timeout_s=self._settings.drain_timeout_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain_timeout_s):
                await wait_for_first([self._stop.now.wait(), self._all_quiet()])
        for worker in self._workers:
            if worker.is_quiet:
                worker.leave(self._handlers.queues)
            elif worker.held_count:
                log.say(JOBS_GIVEN_BACK, jobs_count=worker.held_count, server=worker.address)
            await worker.close()

    async def _all_quiet(self) -> None:
        for worker in self._workers:
            await worker.wait_until_quiet()

    async def _unless_stopped(self, work: Coroutine[None, None, object]) -> bool:
        """Waits for `work`; False when the wish to stop came first."""
        await wait_for_first([work, self._stop.wanted.wait()])
        return not self._stop.wanted.is_set()


async def _all_answered(workers: Iterable[WorkerLink]) -> None:
    for worker in workers:
        await worker.answered.wait()
