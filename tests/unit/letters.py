"""Stands in for the Post of a worker: what is written is kept, and acknowledged when a test wants it to be."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass

from gearhorn.core.news import News
from gearhorn.store.leases import Lease


@dataclass
class Letter:
    lease: Lease
    news: list[News]
    acknowledge: Callable[[], None]
    is_stopped: bool = False

    def stop(self) -> None:
        self.is_stopped = True


class Letters:
    """`answering` are the ids of workers that acknowledge at once."""

    def __init__(self, *answering: str) -> None:
        self.answering = answering
        self.sent: list[Letter] = []
        self.published: list[tuple[list[News], set[str]]] = []
        self.errors: list[Exception] = []  # to be raised by the next letters

    def to(self, worker_id: str) -> Letter:
        """The last letter to this worker."""
        return next(letter for letter in reversed(self.sent) if letter.lease.key.worker_id == worker_id)

    def send(self, lease: Lease, news: Collection[News], on_acknowledged: Callable[[], None]) -> Callable[[], None]:
        if self.errors:
            raise self.errors.pop(0)
        letter = Letter(lease, list(news), on_acknowledged)
        self.sent.append(letter)
        if lease.key.worker_id in self.answering:
            asyncio.get_running_loop().call_soon(on_acknowledged)
        return letter.stop

    def publish(self, news: Collection[News], holders: Collection[str]) -> None:
        self.published.append((list(news), set(holders)))
