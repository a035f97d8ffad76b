"""The parts of the service, and who of them knows whom."""

import time
from collections.abc import Callable

from gearhorn.daemon.settings import DaemonSettings
from gearhorn.handlers import Handlers
from gearhorn.matchmaking.matchmaker import Matchmaker
from gearhorn.metrics import Counters
from gearhorn.monitoring.monitor import Monitor
from gearhorn.monitoring.parts import Parts
from gearhorn.net.address import Address
from gearhorn.net.backpressure import Backpressure
from gearhorn.net.dispatch import Dispatch
from gearhorn.net.worker_link import WorkerLink
from gearhorn.patience import Patience
from gearhorn.resuming.ledger import Ledger
from gearhorn.resuming.orphans import Orphans
from gearhorn.signing.guard import Guard
from gearhorn.store.base import Store
from gearhorn.store.watched import WatchedStore
from gearhorn.subscribers.pauses import Pauses
from gearhorn.subscribers.watcher import Names, letter_box, make_watcher


class Assembly:
    """Made of the settings and a store that is not open yet. Raises Misconfigured for a keys file that cannot be used.

    `phase` says what the service is at while it does not serve.
    """

    def __init__(self, settings: DaemonSettings, store: Store, phase: Callable[[], str]) -> None:
        counters, pauses = Counters(settings.monitoring.topics_count), Pauses()
        watched = WatchedStore(store, counters)
        self.store = watched.as_store()
        self.patience = Patience(settings.patience)
        self.dispatch = Dispatch(
            list(settings.servers),
            settings.link,
            settings.worker.client_id,
            settings.patience.retry_timeout_s,
            settings.handlers.limits.answer_bytes,
        )
        self.matchmaker = Matchmaker(
            settings.matchmaking,
            self.patience,
            self.store,
            self.dispatch,
            settings.servers,
            settings.link,
            settings.worker.client_id,
            counters,
        )
        self.ledger = Ledger(settings.resuming, self.store, settings.link, self.dispatch.go_on)
        self._guard = self._make_guard(settings)
        self.handlers = Handlers(
            settings.handlers,
            self.matchmaker.directory,
            self.dispatch,
            self.ledger,
            time.time,
            pauses,
            counters,
            self._guard,
        )
        self.watcher = make_watcher(
            settings.reaper,
            self.store,
            self.matchmaker.directory,
            self.dispatch,
            settings.servers,
            settings.link,
            Names(settings.matchmaking.worker_id, settings.worker.client_id, settings.matchmaking.topic),
            counters,
            pauses,
        )
        self.orphans = Orphans(self.store, self.ledger.token, self.handlers.finish)
        self._pressure = Backpressure(settings.bytes_in_flight)
        # For each server one link for each lane. Those of the first lane say for all when it is away.
        self.lanes = [self._open_lanes(settings, address) for address in settings.servers]
        self.workers = [worker for lanes in self.lanes for worker in lanes]
        self.monitor = Monitor(
            settings.monitoring,
            Parts(counters, watched, self.dispatch, self.lanes, self.matchmaker, self.watcher, phase),
        )

    def adjust(self, settings: DaemonSettings) -> None:
        """Other settings, between two jobs: no job is given up or run twice for it, and what is under way ends by those
        that it began with.

        Servers, queues, names, the store and what is agreed with other workers stay as they are.
        """
        retry_timeout_s, link = settings.patience.retry_timeout_s, settings.link
        self.patience.adjust(settings.patience)
        self.dispatch.adjust(link, retry_timeout_s, settings.handlers.limits.answer_bytes)
        self.matchmaker.adjust(settings.matchmaking, link)
        self.ledger.adjust(link)
        self.handlers.adjust(settings.handlers)
        self.watcher.adjust(settings.reaper, link, letter_box(settings.reaper, self.dispatch))
        if self._guard is not None:
            self._guard.adjust(settings.signing, retry_timeout_s)
        for worker in self.workers:
            worker.adjust(link, settings.worker)
        self._pressure.adjust(settings.bytes_in_flight)

    def _open_lanes(self, settings: DaemonSettings, address: Address) -> list[WorkerLink]:
        links = []
        for number, queues in enumerate(self.handlers.lanes):
            purpose = "" if number else "jobs"
            link = WorkerLink(
                address,
                settings.link,
                settings.worker,
                self.handlers.take,
                purpose=purpose,
                leaves_marks=not number,
                pressure=self._pressure,
                on_oversized=self.handlers.count_oversized,
            )
            link.serve(queues)
            links.append(link)
        return links

    def _make_guard(self, settings: DaemonSettings) -> Guard | None:
        if not settings.signing.is_on:
            return None
        return Guard(settings.signing, self.store, self.patience, settings.patience.retry_timeout_s, time.time)
