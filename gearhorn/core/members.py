"""A topic's subscribers in the form in which copies are made: client ids packed by length.

Queues with names of one length share one packet header, so that a row of them becomes packets in one step (see
wire/copies.py). A position counts through the packs and names one member.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain
from typing import NamedTuple

from gearhorn.core.packs import Pack, PackBuilder, Stretch
from gearhorn.names import NAME_END


class Row(NamedTuple):
    """Client ids of `id_bytes` bytes each, with a NAME_END behind every one."""

    names: bytes
    id_bytes: int
    id_count: int


class Members:
    """An immutable list of client ids, each once, in an order of its own."""

    __slots__ = ("_packs", "_starts", "_total", "_whole", "origin")

    def __init__(self, packs: Iterable[Pack]) -> None:
        """No two packs have ids of one length. See `of` for ids in any order."""
        self._packs = tuple(pack for pack in packs if pack)
        *self._starts, self._total = accumulate(map(len, self._packs), initial=0)
        self.origin: Members | None = None  # the list that this is a part of: see `split`
        self._whole: Row | None = None  # a list that is one row: such ones are asked for it again and again

    @classmethod
    def of(cls, client_ids: Collection[bytes]) -> "Members":
        """Members are returned as they are. Ids that cannot be any, because a NAME_END is in them, are left out."""
        if isinstance(client_ids, Members):
            return client_ids
        by_length = _by_length(client_ids)
        return cls(Pack.of(id_bytes, ids) for id_bytes, ids in by_length.items())

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[bytes]:
        return chain.from_iterable(self._packs)

    def __contains__(self, client_id: object) -> bool:
        return isinstance(client_id, bytes) and any(
            client_id in pack for pack in self._packs if pack.id_bytes == len(client_id)
        )

    def __getitem__(self, position: int) -> bytes:
        return self.row(position, 1).names[:-1]

    def row(self, start: int, limit: int) -> Row:
        """At most `limit` members from position `start` on, all of one length. At least one, if there is any."""
        if self._whole is not None and start == 0 and limit >= self._total:
            return self._whole
        pack, position = self._pack_at(start)
        names = pack.row(position, limit)
        row = Row(names, pack.id_bytes, len(names) // (pack.id_bytes + 1))
        if row.id_count == self._total:
            self._whole = row
        return row

    def id_bytes_at(self, position: int) -> int:
        """The length of the id at that position."""
        return self._pack_at(position)[0].id_bytes

    def without(self, excluded: Collection[bytes]) -> "Members":
        """The same list less those excluded."""
        return self.changed(dict.fromkeys(excluded, False))

    def changed(self, joined: Mapping[bytes, bool]) -> "Members":
        """The same list with those who have joined (True) and without those who have not (False).

        Ids that cannot be any are left out here too: one of them would make packets of half a name. A change costs
        some 0.05 ms where the list is long, and all together a copy of 8 bytes for each thousand members.
        """
        by_length: dict[int, dict[bytes, bool]] = {}
        for client_id, is_there in joined.items():
            if NAME_END not in client_id:
                by_length.setdefault(len(client_id), {})[client_id] = is_there
        packs = {pack.id_bytes: pack for pack in self._packs}
        for id_bytes, changes in by_length.items():
            packs[id_bytes] = packs.get(id_bytes, Pack(id_bytes, (b"",), (0,))).changed(changes)
        return Members(packs.values())

    def split(self, part_count: int) -> list["Members"]:
        """Parts by the ids' hashes: whom a part has depends on nothing but the id and the number of parts.

        Each has the ids of one of this list's blobs together, and knows it as its `origin`.
        """
        if part_count == 1:
            return [self]
        split_packs = zip(*(pack.split(part_count) for pack in self._packs), strict=True)
        parts = [Members(packs) for packs in split_packs]
        for part in parts:
            part.origin = self
        return parts or [NOBODY] * part_count

    def stretches(self) -> Iterator[tuple[Stretch, int]]:
        """What the list is made of, in the order of positions: ids of one length and neighbouring hashes, and how many.

        In a part of another list the stretches at its ends may be too long.
        """
        return chain.from_iterable(pack.stretches() for pack in self._packs)

    def outside(self, done: Sequence[Stretch]) -> "Members":
        """The same list without those in `done`. Costs a hash for each id of a blob that is done in part."""
        by_length: dict[int, list[Stretch]] = {}
        for stretch in sorted(done):
            by_length.setdefault(stretch.id_bytes, []).append(stretch)
        return Members(pack.outside(by_length.get(pack.id_bytes, ())) for pack in self._packs)

    def _pack_at(self, position: int) -> tuple[Pack, int]:
        """The pack of the member at that position, and its position there."""
        if not 0 <= position < self._total:
            raise IndexError(position)
        if len(self._packs) == 1:
            return self._packs[0], position
        number = bisect_right(self._starts, position) - 1
        return self._packs[number], position - self._starts[number]


class MembersBuilder:
    """Makes a list of ids that come in pieces, a million of them without holding up anybody for long."""

    def __init__(self, expected_count: int) -> None:
        self._expected_count = expected_count
        self._builders: dict[int, PackBuilder] = {}
        self.added_count = 0

    def add(self, client_ids: Collection[bytes]) -> None:
        for id_bytes, ids in _by_length(client_ids).items():
            if id_bytes not in self._builders:
                self._builders[id_bytes] = PackBuilder(id_bytes, self._expected_count)
            self._builders[id_bytes].add(ids)
        self.added_count += len(client_ids)

    def finish(self) -> Members:
        """More ids than expected are a sign that some came twice."""
        is_distinct = self.added_count <= self._expected_count
        return Members(builder.finish(is_distinct=is_distinct) for builder in self._builders.values())


def _by_length(client_ids: Collection[bytes]) -> Mapping[int, Collection[bytes]]:
    if NAME_END in b"".join(client_ids):
        client_ids = [client_id for client_id in client_ids if NAME_END not in client_id]
    lengths = set(map(len, client_ids))
    if len(lengths) <= 1:  # the usual case where ids are numbered hosts, at a third of the cost
        return dict.fromkeys(lengths, client_ids)
    by_length: dict[int, list[bytes]] = {}
    for client_id in client_ids:
        by_length.setdefault(len(client_id), []).append(client_id)
    return by_length


NOBODY = Members(())
