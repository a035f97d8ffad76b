"""What somebody has to look at, and when: topics that are not settled, and topics of which a subscription ends.

Nobody reads the roots of all topics to find those few. Instead each is noted down before its root is swapped, and
whoever renews a lease looks at what is due. A note is a hint, and what is true is in the root: one that is stale leads
to a look for nothing, and is crossed out. What has to be noted, always, is

* a version that is unsettled, in a note of kind CLAIM;
* the first end of a list, or any time before it, in a note of kind END. So a change that brings no earlier end has
  nothing to note: who looks at the earlier time notes the next.

memcached may throw out a page. One that comes into being is therefore partial, until a renewal has looked at every
topic that is registered in the bucket of the same number. If that is gone as well, an unsettled topic or an end is
found only when somebody changes or reads the topic.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from gearhorn.store.memcached_layout import (
    BUCKET_COUNT,
    PERMANENT,
    Keys,
    Root,
    bucket_number,
    decode_value,
    first_end_us,
)
from gearhorn.store.memcached_peers import Peers

CLAIM = "claim"
END = "end"

AMEND_TRIES = 10

_WHOLE = "gearhorn agenda whole"
_PARTIAL = "gearhorn agenda partial"


class Note(NamedTuple):
    """One thing to look at, of one topic.

    Of kind CLAIM: version `since_us` is unsettled and was claimed at `at_us`. A version is never less than the Unix
    time in µs at which it was noted. Of kind END: the first subscription ends at `at_us`, as was noted at `since_us`.
    """

    kind: str
    at_us: int
    since_us: int
    topic: str


class Page(NamedTuple):
    """The notes of one bucket. `is_whole`: there is one for everything that has to be noted."""

    notes: frozenset[Note]
    is_whole: bool


def notes_of(topic: str, root: Root, now_us: int) -> list[Note]:
    """What has to be noted of a topic."""
    end_us = first_end_us(root)
    claims = [] if root.claimed_at_us is None else [Note(CLAIM, root.claimed_at_us, root.version, topic)]
    return claims if end_us == PERMANENT else [*claims, Note(END, end_us, now_us, topic)]


def notes_of_change(topic: str, before: Root, after: Root, now_us: int) -> list[Note]:
    """What has to be noted that was not before."""
    known_us = first_end_us(before)
    return [
        note
        for note in notes_of(topic, after, now_us)
        if (after.version > before.version if note.kind == CLAIM else not PERMANENT < known_us <= note.at_us)
    ]


class Agenda:
    def __init__(self, peers: Peers, keys: Keys) -> None:
        self._peers = peers
        self._keys = keys

    def add(self, topic: str, notes: Iterable[Note]) -> None:
        """Raises AnswerLost, after which they may be noted twice."""
        key, lines = self._keys.agenda(bucket_number(topic)), "\n".join(map(_encode_note, notes))
        first = f"{_PARTIAL}\n{lines}".encode()
        if lines and not (self._append(key, lines) or self._peers.add(key, first) or self._append(key, lines)):
            # As long as memcached takes values: nobody crossed out anything for thousands of changes.
            self._peers.set_many({key: first})

    def pages(self) -> dict[int, Page]:
        """Those that are there, by number."""
        keys = {number: self._keys.agenda(number) for number in range(BUCKET_COUNT)}
        found = self._peers.get_many(keys.values())
        return {n: decode_value(key, found[key], decode_page) for n, key in keys.items() if key in found}

    def amend(
        self, number: int, is_done: Callable[[Note], bool], more: Iterable[Note] = (), makes_whole: bool = False
    ) -> None:
        """Crosses out what is done and adds more. Gives up when others write all the time: the next one may do it."""
        key = self._keys.agenda(number)
        for _ in range(AMEND_TRIES):
            data, token = self._peers.gets_many([key]).get(key, (None, None))
            page = Page(frozenset(), False) if data is None else decode_value(key, data, decode_page)
            notes = frozenset(note for note in page.notes if not is_done(note)).union(more)
            amended = Page(notes, page.is_whole or makes_whole)
            if amended == page or self._swap(key, amended, token):
                return

    def _swap(self, key: str, page: Page, token: bytes | None) -> bool:
        data = encode_page(page)
        return self._peers.add(key, data) if token is None else self._peers.cas(key, data, token)

    def _append(self, key: str, lines: str) -> bool:
        return self._peers.append(key, f"\n{lines}".encode())


def encode_page(page: Page) -> bytes:
    lines = [_WHOLE if page.is_whole else _PARTIAL, *map(_encode_note, sorted(page.notes))]
    return "\n".join(lines).encode()


def decode_page(data: bytes) -> Page:
    """Raises ValueError for what `encode_page` did not write."""
    head, *lines = data.decode().split("\n")
    if head not in (_WHOLE, _PARTIAL):
        raise ValueError("no page of the agenda")
    return Page(frozenset(map(_decode_note, lines)), head == _WHOLE)


def _encode_note(note: Note) -> str:
    return f"{note.kind}\t{note.at_us}\t{note.since_us}\t{note.topic}"


def _decode_note(line: str) -> Note:
    kind, at_us, since_us, topic = line.split("\t")
    return Note(kind, int(at_us), int(since_us), topic)
