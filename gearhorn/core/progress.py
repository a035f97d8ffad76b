"""How far a large fanout has come: which copies are settled, in a form that another worker can go on from.

Two workers may have the same list in another order, and it may have changed by one or two ids meanwhile. So what is
settled is told by the hashes of client ids: a list is sent in the order of its blobs, each of which has the ids of a
stretch of hashes, and a stretch is done when every copy of its blob is settled. What is in a stretch that is done needs
no copy; a subscriber that came later, and is taken for done there, was promised none.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from zlib import crc32

from gearhorn.core.members import Members
from gearhorn.core.packs import FULL_COUNT, Stretch

# A worker that is killed may have sent so many copies of a background fanout of which no record tells: they will be
# sent twice. Smaller fanouts need no record.
UNRECORDED_LIMIT = 5_000
# A record is worth writing for so many copies.
RECORD_STEP = 2_000
# Fewer are not worth sending: the next record will allow for more.
LEAST_ALLOWANCE = 1_000


class Progress:
    """The stretches that are done, neighbours joined."""

    def __init__(self, done: Iterable[Stretch] = ()) -> None:
        self._end_of: dict[tuple[int, int], int] = {}  # by length and start
        self._start_of: dict[tuple[int, int], int] = {}  # by length and end
        for stretch in done:
            self.add(stretch)

    def add(self, stretch: Stretch) -> None:
        """Stretches that overlap stay apart: that does no harm."""
        id_bytes, start, end = stretch
        start = self._start_of.pop((id_bytes, start), start)
        end = self._end_of.pop((id_bytes, end), end)
        self._end_of[id_bytes, start] = max(end, self._end_of.get((id_bytes, start), 0))
        self._start_of[id_bytes, end] = min(start, self._start_of.get((id_bytes, end), start))

    def stretches(self) -> list[Stretch]:
        """In order and apart from each other."""
        joined: list[Stretch] = []
        for (id_bytes, start), end in sorted(self._end_of.items()):
            last = joined[-1] if joined else None
            if last is not None and last.id_bytes == id_bytes and start <= last.end:
                joined[-1] = last._replace(end=max(last.end, end))
            else:
                joined.append(Stretch(id_bytes, start, end))
        return joined


class Track:
    """Which positions of a portion belong to which blob of the run's list."""

    __slots__ = ("_blob_numbers", "_ends")

    def __init__(self, blob_numbers: list[int], counts: Iterable[int]) -> None:
        self._blob_numbers = blob_numbers
        self._ends = list(accumulate(counts))

    def blobs_of(self, first: int, count: int) -> Iterator[tuple[int, int]]:
        """The blobs of `count` positions from `first` on, each with its share of them."""
        at = bisect_right(self._ends, first)
        while count > 0:
            share = min(self._ends[at] - first, count)
            yield self._blob_numbers[at], share
            first, count, at = first + share, count - share, at + 1


class Tally:
    """Counts what is open of each blob of one run's list, and the copies that no record tells of.

    `base`: what was done before, of which `members` have nobody. `is_gated`: no more copies are to be sent than may go
    without a record.
    """

    def __init__(self, members: Members, base: Iterable[Stretch] = (), *, is_gated: bool = True) -> None:
        self.progress = Progress(base)
        self.done_count = 0  # copies in stretches that are done
        self.recorded_count = 0  # those of them that a record tells of
        self.sent_count = 0
        self.is_gated = is_gated
        self._members = members
        self._stretches = [stretch for stretch, _ in members.stretches()]
        self._counts = [count for _, count in members.stretches()]
        self._open_counts = [*self._counts]
        self._starts = _starts_by_length(self._stretches)

    def allowance(self, *, is_idle: bool) -> int:
        """How many copies of a portion may be sent now. `is_idle`: of those sent before, none is open.

        A server that hangs, and blobs that are half sent to several servers, must not stop the other portions: where
        nothing is open and nothing could be recorded, some more may go.
        """
        if not self.is_gated:
            return FULL_COUNT
        room = UNRECORDED_LIMIT - self.sent_count + self.recorded_count
        if room >= LEAST_ALLOWANCE:
            return room
        return LEAST_ALLOWANCE if is_idle and self.done_count <= self.recorded_count else 0

    @property
    def wants_record(self) -> bool:
        unrecorded_count = self.done_count - self.recorded_count
        return unrecorded_count >= RECORD_STEP or (unrecorded_count > 0 and not self.allowance(is_idle=False))

    def track(self, members: Members) -> Track | None:
        """For a portion that has whole blobs of the list, or whole shares of them; None for any other."""
        if members is not self._members and members.origin is not self._members:
            return None
        counts = [count for _, count in members.stretches() if count]
        firsts = [0, *accumulate(counts)][:-1]
        return Track([self._blob_of(members[first]) for first in firsts], counts)

    def settle(self, track: Track | None, members: Members, first: int, count: int) -> None:
        """The copies of `count` positions of a portion from `first` on need nothing more, each for the first time."""
        if track is not None:
            for number, share in track.blobs_of(first, count):
                self._settle(number, share)
        else:
            for position in range(first, first + count):
                self._settle(self._blob_of(members[position]), 1)

    def _settle(self, number: int, count: int) -> None:
        self._open_counts[number] -= count
        if not self._open_counts[number]:
            self.progress.add(self._stretches[number])
            self.done_count += self._counts[number]

    def _blob_of(self, client_id: bytes) -> int:
        first_number, starts = self._starts[len(client_id)]
        return first_number + bisect_right(starts, crc32(client_id)) - 1


def _starts_by_length(stretches: Iterable[Stretch]) -> Mapping[int, tuple[int, list[int]]]:
    """For each length the number of its first blob, and where its blobs start."""
    found: dict[int, tuple[int, list[int]]] = {}
    for number, stretch in enumerate(stretches):
        found.setdefault(stretch.id_bytes, (number, []))[1].append(stretch.start)
    return found
