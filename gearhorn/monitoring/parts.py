"""The parts of a worker that are looked at, and what each of them lacks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gearhorn.matchmaking.matchmaker import Matchmaker
from gearhorn.metrics import Counters
from gearhorn.monitoring.health import Trouble
from gearhorn.net.client_link import ClientLink
from gearhorn.net.dispatch import Dispatch
from gearhorn.net.worker_link import WorkerLink
from gearhorn.store.watched import WatchedStore
from gearhorn.subscribers.watcher import Watcher


@dataclass(frozen=True, slots=True)
class Parts:
    """`lanes` has, for each server, the links that its jobs come by; `phase` says what the worker is at while it does
    not serve: it starts, or it stops.
    """

    counters: Counters
    store: WatchedStore
    dispatch: Dispatch
    lanes: Sequence[Sequence[WorkerLink]]
    matchmaker: Matchmaker
    watcher: Watcher
    phase: Callable[[], str]

    def troubles(self) -> Iterator[Trouble]:
        if phase := self.phase():
            yield Trouble("service", phase, True)
        if self.store.trouble:
            yield Trouble("store", self.store.trouble, True)
        yield from self._server_troubles()
        if self.matchmaker.lease_left_s == 0.0:
            yield Trouble("lease", "this worker holds none, and reads lists from the store", False)
        if lost_at := self.matchmaker.lists_lost_at:
            reason = f"the store lost them at {lost_at}, and fanouts to topics without a subscriber since are refused"
            yield Trouble("lists", reason, False)

    def _server_troubles(self) -> Iterator[Trouble]:
        pairs = zip(self.lanes, self.dispatch.links, strict=True)
        found = [(link.address, _server_trouble(lanes[0], link)) for lanes, link in pairs]
        all_down = all(reason for _, reason in found)
        for address, reason in found:
            if reason:
                yield Trouble(f"server {address}", reason, all_down)


def _server_trouble(jobs: WorkerLink, copies: ClientLink) -> str:
    """Empty when both the jobs of a server and its copies can flow."""
    if not copies.is_up:
        return copies.trouble or "its connection for copies is lost"
    if not jobs.answered.is_set():
        return jobs.trouble or "its connection for jobs has no answer yet"
    return ""
