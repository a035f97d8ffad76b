"""Knows every message of a run: who should have a copy, and how many copies were found for each."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

NOT_DUE, DUE, OPEN = 0, 1, 2  # whether a subscriber should have a copy; OPEN: it came or went meanwhile


class Tally(NamedTuple):
    """Copies, of one message or of many."""

    lost: int = 0
    duplicate: int = 0
    stray: int = 0  # for somebody who was no subscriber

    def __add__(self, other: "Tally") -> "Tally":  # type: ignore[override]
        return Tally(*map(sum, zip(self, other, strict=True)))


@dataclass
class Message:
    """`dues` and `copies` have a byte for each client of the topic."""

    topic: str
    dues: bytearray
    copies: bytearray

    def open(self, positions: Iterable[int] | None = None) -> None:
        """Nobody can say any more whether these should have a copy; without `positions`, whether anybody should."""
        for position in range(len(self.dues)) if positions is None else positions:
            self.dues[position] = OPEN

    def tally(self) -> Tally:
        pairs = list(zip(self.dues, self.copies, strict=True))
        return Tally(
            sum(not count for due, count in pairs if due == DUE),
            sum(count - 1 for count in self.copies if count > 1),
            sum(count for due, count in pairs if due == NOT_DUE),
        )


@dataclass
class Ledger:
    """Clients are known by their position in their topic's list, which never shrinks."""

    messages: dict[int, Message] = field(default_factory=dict)
    _clients: dict[str, dict[str, int]] = field(default_factory=dict)

    def enlist(self, topic: str, client_ids: Iterable[str]) -> None:
        """Those who can get copies of the topic's messages."""
        known = self._clients.setdefault(topic, {})
        for client_id in client_ids:
            known.setdefault(client_id, len(known))

    def queues(self, *topics: str) -> list[bytes]:
        """Of all clients of these topics; of all topics, if none is named."""
        chosen = topics or tuple(self._clients)
        return [f"{topic}_{client_id}".encode() for topic in chosen for client_id in self._clients[topic]]

    def positions(self, topic: str, client_ids: Iterable[str]) -> list[int]:
        return [self._clients[topic][client_id] for client_id in client_ids]

    def expect(self, topic: str, open_ids: Iterable[str] = (), absent_ids: Iterable[str] = ()) -> int:
        """A new message for everybody on the list but these; its number is its payload."""
        positions = self._clients[topic]
        dues = bytearray([DUE]) * len(positions)
        for client_ids, due in ((open_ids, OPEN), (absent_ids, NOT_DUE)):
            for client_id in client_ids:
                dues[positions[client_id]] = due
        number = len(self.messages)
        self.messages[number] = Message(topic, dues, bytearray(len(dues)))
        return number

    def note(self, queue: bytes, payload: bytes) -> None:
        """A copy was found."""
        topic, _, client_id = queue.decode().partition("_")
        message = self.messages[int(payload)]
        assert message.topic == topic, f"{queue!r} has a copy of a message to {message.topic}"
        position = self._clients[topic][client_id]
        message.copies[position] = min(message.copies[position] + 1, 255)

    def tally(self, numbers: Iterable[int] | None = None) -> Tally:
        """Of all messages, or of these."""
        chosen = self.messages if numbers is None else numbers
        return sum((self.messages[number].tally() for number in chosen), Tally())
