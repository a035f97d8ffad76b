"""Client ids of one length, packed: in UTF-8, each followed by NAME_END, in blobs of some thousand ids.

So an id of 20 bytes takes 21, and one `bytes.replace` makes packets of thousands of them (see wire/copies.py). Which
blob an id belongs to is told by its hash: a change rewrites one blob, and a part by hash (one server's share of a list)
is made of whole blobs but for those at its ends.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain
from typing import NamedTuple
from zlib import crc32

from gearhorn.names import NAME_END

# Hashes are those of CRC-32: the same in every worker, so that all choose the same server for a queue.
HASH_END = 1 << 32

# A new blob has about half so many ids to twice as many; one with more than FULL is parted.
USUAL_COUNT = 1024
FULL_COUNT = 2048

# More changes of one blob at a time cost less in one pass than one by one.
FEW_CHANGES = 16


class Stretch(NamedTuple):
    """Client ids of one length with hashes from `start` up to `end`, which is not among them."""

    id_bytes: int
    start: int
    end: int


class Pack:
    """An immutable set of client ids of `id_bytes` bytes each, in an order of its own."""

    __slots__ = ("_blobs", "_bounds", "_known_starts", "_total", "id_bytes")

    def __init__(self, id_bytes: int, blobs: Sequence[bytes], bounds: Sequence[int]) -> None:
        """Blob i has the ids with hashes from bounds[i] to bounds[i + 1]. The first bound is 0."""
        self.id_bytes = id_bytes
        self._blobs = blobs
        self._bounds = bounds
        self._total = sum(map(len, blobs)) // (id_bytes + 1)
        self._known_starts: list[int] | None = None

    @classmethod
    def of(cls, id_bytes: int, client_ids: Collection[bytes]) -> "Pack":
        """Each id once, all of `id_bytes` bytes."""
        if len(client_ids) <= FULL_COUNT:
            return cls(id_bytes, (_packed(client_ids),), (0,))
        builder = PackBuilder(id_bytes, len(client_ids))
        builder.add(client_ids)
        return builder.finish()

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[bytes]:
        return chain.from_iterable(map(_unpacked, self._blobs))

    def __contains__(self, client_id: bytes) -> bool:
        """For an id of this pack's length."""
        return bool(self._blobs) and client_id + NAME_END in self._blobs[self._blob_of(client_id)]

    def row(self, start: int, limit: int) -> bytes:
        """At most `limit` ids from position `start` on, each followed by NAME_END."""
        blob = bisect_right(self._starts, start) - 1
        offset = (start - self._starts[blob]) * (self.id_bytes + 1)
        missing_bytes = min(limit, self._total - start) * (self.id_bytes + 1)
        pieces = [self._blobs[blob][offset : offset + missing_bytes]]
        missing_bytes -= len(pieces[0])
        while missing_bytes > 0:
            blob += 1
            pieces.append(self._blobs[blob][:missing_bytes])
            missing_bytes -= len(pieces[-1])
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def changed(self, joined: Mapping[bytes, bool]) -> "Pack":
        """The same with those who have joined (True) and without those who have not (False)."""
        touched: dict[int, dict[bytes, bool]] = {}
        for client_id, is_there in joined.items():
            touched.setdefault(self._blob_of(client_id), {})[client_id] = is_there
        blobs, bounds = list(self._blobs), list(self._bounds)
        for blob in sorted(touched, reverse=True):  # from the end, because parting one moves those behind it
            changed = _rewritten(blobs[blob], touched[blob])
            end = bounds[blob + 1] if blob + 1 < len(bounds) else HASH_END
            halves = _halved(changed, self.id_bytes, bounds[blob], end)
            bounds[blob : blob + 1] = [start for start, _ in halves]
            blobs[blob : blob + 1] = [half for _, half in halves]
        return Pack(self.id_bytes, blobs, _from_zero(bounds))

    def split(self, part_count: int) -> list["Pack"]:
        """Parts of equal stretches of hashes."""
        blobs: list[list[bytes]] = [[] for _ in range(part_count)]
        bounds: list[list[int]] = [[] for _ in range(part_count)]
        ends = [*self._bounds[1:], HASH_END]
        for blob, start, end in zip(self._blobs, self._bounds, ends, strict=True):
            first, last = _part_of(start, part_count), _part_of(end - 1, part_count)
            pieces = {first: blob} if first == last else _parted(blob, part_count)
            for part, piece in pieces.items():
                blobs[part].append(piece)
                bounds[part].append(start)
        return [Pack(self.id_bytes, *share) for share in zip(blobs, map(_from_zero, bounds), strict=True)]

    def stretches(self) -> Iterator[tuple[Stretch, int]]:
        """Those of the blobs, in order, each with the number of its ids."""
        for blob, start, end in zip(self._blobs, self._bounds, [*self._bounds[1:], HASH_END], strict=True):
            yield Stretch(self.id_bytes, start, end), len(blob) // (self.id_bytes + 1)

    def outside(self, done: Sequence[Stretch]) -> "Pack":
        """The same without the ids in `done`, stretches of ids of this length, in order and apart from each other."""
        blobs: list[bytes] = []
        bounds: list[int] = []
        ends = [stretch.end for stretch in done]
        for blob, (stretch, _) in zip(self._blobs, self.stretches(), strict=True):
            near = done[bisect_right(ends, stretch.start) :]
            rest = _left_over(blob, stretch, near)
            if rest:
                blobs.append(rest)
                bounds.append(stretch.start)
        return Pack(self.id_bytes, blobs, _from_zero(bounds))

    @property
    def _starts(self) -> list[int]:
        """The position of each blob's first id. Only who sends needs them."""
        if self._known_starts is None:
            counts = (len(blob) // (self.id_bytes + 1) for blob in self._blobs)
            self._known_starts = list(accumulate(counts, initial=0))[:-1]
        return self._known_starts

    def _blob_of(self, client_id: bytes) -> int:
        return bisect_right(self._bounds, crc32(client_id)) - 1 if len(self._bounds) > 1 else 0


class PackBuilder:
    """Makes one pack of ids of one length that come in pieces. `expected_count` ids are expected; others may come."""

    def __init__(self, id_bytes: int, expected_count: int) -> None:
        bits = max(0, (expected_count // USUAL_COUNT).bit_length())
        self._id_bytes = id_bytes
        self._shift = 32 - bits
        self._blobs = [bytearray() for _ in range(1 << bits)]

    def add(self, client_ids: Collection[bytes]) -> None:
        """Costs some 0.2 µs an id."""
        blobs, shift = self._blobs, self._shift
        for client_id, id_hash in zip(client_ids, map(crc32, client_ids), strict=True):
            blobs[id_hash >> shift] += client_id + NAME_END

    def finish(self, *, is_distinct: bool = True) -> Pack:
        """`is_distinct`: no id was added twice."""
        blobs: list[bytes] = []
        bounds: list[int] = []
        usual_bytes = USUAL_COUNT * (self._id_bytes + 1)
        for number, added in enumerate(self._blobs):
            self._blobs[number] = bytearray()  # or a long list would be in memory twice
            start = number << self._shift
            blob = bytes(added) if is_distinct else _packed(dict.fromkeys(_unpacked(added)))
            if blobs and len(blobs[-1]) + len(blob) <= usual_bytes:
                blobs[-1] += blob
            else:
                halves = _halved(blob, self._id_bytes, start, start + (1 << self._shift))
                bounds += [start for start, _ in halves]
                blobs += [half for _, half in halves]
        return Pack(self._id_bytes, blobs, _from_zero(bounds))


def _from_zero(bounds: list[int]) -> list[int]:
    return [0, *bounds[1:]] if bounds else []


def _packed(client_ids: Iterable[bytes]) -> bytes:
    return NAME_END.join([*client_ids, b""])


def _unpacked(blob: bytes | bytearray) -> list[bytes]:
    return bytes(blob[:-1]).split(NAME_END) if blob else []


def _rewritten(blob: bytes, joined: Mapping[bytes, bool]) -> bytes:
    if len(joined) > FEW_CHANGES:
        kept = [client_id for client_id in _unpacked(blob) if client_id not in joined]
        return _packed(chain(kept, (client_id for client_id, is_there in joined.items() if is_there)))
    for client_id, is_there in joined.items():
        entry = client_id + NAME_END
        at = blob.find(entry)  # all ids have one length and none has a NAME_END in it: only a whole one can be found
        if is_there and at < 0:
            blob += entry
        elif at >= 0 and not is_there:
            blob = blob[:at] + blob[at + len(entry) :]
    return blob


def _halved(blob: bytes, id_bytes: int, start: int, end: int) -> list[tuple[int, bytes]]:
    """A blob of the hashes from `start` to `end`, in halves of halves until none is too full; none if it is empty."""
    if not blob:
        return []
    if len(blob) <= FULL_COUNT * (id_bytes + 1) or end - start < 2:
        return [(start, blob)]
    middle = (start + end) // 2
    ids = _unpacked(blob)
    lower = _packed(client_id for client_id in ids if crc32(client_id) < middle)
    upper = _packed(client_id for client_id in ids if crc32(client_id) >= middle)
    return [*_halved(lower, id_bytes, start, middle), *_halved(upper, id_bytes, middle, end)]


def _left_over(blob: bytes, stretch: Stretch, done: Sequence[Stretch]) -> bytes:
    """The ids of a blob that are not in `done`, of which the first ends behind the blob's start."""
    if not done or done[0].start >= stretch.end:
        return blob
    if done[0].start <= stretch.start and done[0].end >= stretch.end:
        return b""
    starts = [one.start for one in done]

    def is_open(client_id: bytes) -> bool:
        id_hash = crc32(client_id)
        last = bisect_right(starts, id_hash) - 1
        return last < 0 or id_hash >= done[last].end

    return _packed(filter(is_open, _unpacked(blob)))


def _part_of(id_hash: int, part_count: int) -> int:
    return id_hash * part_count // HASH_END


def _parted(blob: bytes, part_count: int) -> dict[int, bytes]:
    """The pieces of a blob that belong to more than one part, by part."""
    parts: dict[int, list[bytes]] = {}
    for client_id in _unpacked(blob):
        parts.setdefault(_part_of(crc32(client_id), part_count), []).append(client_id)
    return {part: _packed(client_ids) for part, client_ids in parts.items()}
