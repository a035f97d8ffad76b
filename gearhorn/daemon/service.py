"""The life of the service: start in order, serve, drain, stop."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable

from gearhorn import systemd
from gearhorn.daemon.assembly import Assembly
from gearhorn.daemon.settings import DaemonSettings
from gearhorn.daemon.stop import Stop
from gearhorn.errors import StoreUnavailable
from gearhorn.logs.event import log_for
from gearhorn.logs.events.life import JOBS_GIVEN_BACK, SERVICE_READY, SERVICE_STOPPED, SERVICE_STOPPING
from gearhorn.logs.events.store import STORE_REACHED, STORE_UNREACHED
from gearhorn.logs.trouble import Trouble
from gearhorn.monitoring.watchdog import feed_watchdog
from gearhorn.net.worker_link import WorkerLink
from gearhorn.store.base import Store
from gearhorn.tasks import running, wait_for_first

log = log_for(__name__)


class Daemon:
    """`run` serves until `stop` is asked for. The store comes unopened, and is closed at the end.

    `on_ready` is called when systemd is told. To be made inside the event loop that is to run it; raises Misconfigured
    for a keys file that cannot be used.
    """

    def __init__(
        self, settings: DaemonSettings, store: Store, stop: Stop, on_ready: Callable[[], None] = lambda: None
    ) -> None:
        self._store_asked = asyncio.Event()
        self._phase = "it waits for the store"  # what it is at while it does not serve
        self._settings = settings
        self._stop = stop
        self._on_ready = on_ready
        self.is_ready = False
        self._parts = Assembly(settings, store, lambda: self._phase)

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
        await self._parts.monitor.run()

    async def _run(self) -> None:
        try:
            if await self._unless_stopped(self._open_store()):
                self._phase = "it waits for a Gearman server"
                async with running([self._parts.dispatch.run(), self._parts.matchmaker.run()]):
                    await self._serve_when_up()
        finally:
            self._phase = "it stops"
            await self._parts.watcher.close()
            await self._parts.handlers.close()
            await self._parts.ledger.close()
            await self._parts.matchmaker.close()
            await self._parts.store.close()

    @property
    def settings(self) -> DaemonSettings:
        return self._settings

    @property
    def is_stopping(self) -> bool:
        return self._stop.wanted.is_set()

    def adjust(self, settings: DaemonSettings) -> None:
        """Goes on with other settings: see Assembly."""
        self._settings = settings
        self._parts.adjust(settings)

    async def _serve_when_up(self) -> None:
        parts = self._parts
        if await self._unless_stopped(parts.dispatch.up.wait()) and await self._unless_stopped(parts.matchmaker.join()):
            for worker in parts.workers:
                worker.start_grabbing()
            works = [worker.run() for worker in parts.workers]
            async with running([*works, parts.ledger.run(), parts.orphans.run(), parts.watcher.run()]):
                answers = [_all_answered(lanes) for lanes in parts.lanes]
                if await self._unless_stopped(wait_for_first(answers)):
                    self._say_ready()
                    await self._stop.wanted.wait()
                self._phase = "it stops, and finishes the jobs that it holds"
                systemd.notify("STOPPING=1")
                await self._drain()
            await parts.watcher.close()
        await parts.matchmaker.leave()

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
        backoff = self._parts.patience.backoff()
        trouble = Trouble()
        while True:
            try:
                await self._parts.store.open()
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
        for worker in self._parts.workers:
            worker.stop_grabbing()
        held_count = sum(worker.held_count for worker in self._parts.workers)
        log.say(SERVICE_STOPPING, held_count=held_count, drain_timeout_s=self._settings.drain_timeout_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain_timeout_s):
                await wait_for_first([self._stop.now.wait(), self._all_quiet()])
        for worker in self._parts.workers:
            if worker.is_quiet:
                worker.leave(self._parts.handlers.queues)
            elif worker.held_count:
                log.say(JOBS_GIVEN_BACK, jobs_count=worker.held_count, server=worker.address)
            await worker.close()

    async def _all_quiet(self) -> None:
        for worker in self._parts.workers:
            await worker.wait_until_quiet()

    async def _unless_stopped(self, work: Coroutine[None, None, object]) -> bool:
        """Waits for `work`; False when the wish to stop came first."""
        await wait_for_first([work, self._stop.wanted.wait()])
        return not self._stop.wanted.is_set()


async def _all_answered(workers: Iterable[WorkerLink]) -> None:
    for worker in workers:
        await worker.answered.wait()
