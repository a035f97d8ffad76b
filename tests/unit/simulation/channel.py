"""Messages between workers by way of Gearman servers: late, lost, twice, and in any order."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from gearhorn.core.news import News
from gearhorn.store.leases import LeaseKey
from tests.unit.simulation.history import History
from tests.unit.simulation.process import Process
from tests.unit.simulation.scheduler import Scheduler
from tests.unit.simulation.weather import Sky


class Sender(Protocol):
    process: Process

    def acknowledged(self, number: int, key: LeaseKey) -> None: ...


class Receiver(Protocol):
    process: Process

    def hear_message(self, token: str, news: Sequence[News]) -> bool: ...


@dataclass(frozen=True, slots=True)
class Message:
    """Part of the sender's round `number`, meant for the holder of the lease `key`."""

    sender: Sender
    number: int
    key: LeaseKey
    news: tuple[News, ...]


class Channel:
    """One queue for each worker id. What nobody serves waits there."""

    def __init__(self, scheduler: Scheduler, sky: Sky, history: History) -> None:
        self._scheduler = scheduler
        self._sky = sky
        self._history = history
        self._receivers: dict[str, list[Receiver]] = defaultdict(list)
        self._waiting: dict[str, list[Message]] = defaultdict(list)
        self._cut_until_s: dict[str, float] = {}

    def serve(self, worker_id: str, receiver: Receiver) -> None:
        """Several may serve one queue: each message goes to one of them."""
        self._receivers[worker_id].append(receiver)
        for message in self._waiting.pop(worker_id, ()):
            self._carry(message)

    def leave(self, worker_id: str, receiver: Receiver) -> None:
        self._receivers[worker_id].remove(receiver)

    def cut_off(self, process: Process, duration_s: float) -> None:
        """Messages to this process are lost, while fanouts still reach it, by another Gearman server."""
        self._cut_until_s[process.name] = self._scheduler.now_s + duration_s

    def mend(self) -> None:
        self._cut_until_s = {}

    def send(self, message: Message) -> None:
        weather = self._sky.weather
        for _ in range(2 if self._sky.is_hit(weather.doubled) else 1):
            if not self._sky.is_hit(weather.dropped):
                self._carry(message)

    def _carry(self, message: Message) -> None:
        self._scheduler.after(self._sky.message_s(), partial(self._arrive, message))

    def _arrive(self, message: Message) -> None:
        receivers = self._receivers[message.key.worker_id]
        if receivers:
            receiver = self._sky.random.choice(receivers)
            if self._scheduler.now_s >= self._cut_until_s.get(receiver.process.name, 0.0):
                receiver.process.deliver(partial(self._hand_over, receiver, message))
        else:
            self._waiting[message.key.worker_id].append(message)

    def _hand_over(self, receiver: Receiver, message: Message) -> None:
        is_acknowledged = receiver.hear_message(message.key.token, message.news)
        verb = "acknowledges" if is_acknowledged else "refuses"
        self._history.note(receiver.process.name, f"{verb} what is meant for {message.key.token}", *message.news)
        if is_acknowledged and not self._sky.is_hit(self._sky.weather.dropped):
            self._scheduler.after(self._sky.transit_s(), partial(self._acknowledge, message))

    def _acknowledge(self, message: Message) -> None:
        sender = message.sender
        sender.process.deliver(partial(sender.acknowledged, message.number, message.key))
