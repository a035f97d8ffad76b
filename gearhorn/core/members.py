"""A topic's subscribers in the form in which copies are made: client ids in UTF-8, grouped by length.

Queues with names of one length share one packet header, so that a group becomes packets in one join (see
wire/copies.py). A position counts through the groups and names one member.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain


class Members:
    """An immutable list of client ids, each once."""

    __slots__ = ("_groups", "_starts", "_total")

    def __init__(self, groups: Iterable[Sequence[bytes]]) -> None:
        """Each group holds ids of one length; no two groups share a length. See `of` for ids in any order."""
        self._groups = tuple(group for group in groups if group)
        *self._starts, self._total = accumulate(map(len, self._groups), initial=0)

    @classmethod
    def of(cls, client_ids: Sequence[bytes]) -> "Members":
        if len(set(map(len, client_ids))) <= 1:  # the usual case where ids are numbered hosts, at a third of the cost
            return cls((client_ids,))
        by_length: dict[int, list[bytes]] = {}
        for client_id in client_ids:
            by_length.setdefault(len(client_id), []).append(client_id)
        return cls(by_length.values())

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[bytes]:
        return chain.from_iterable(self._groups)

    def __getitem__(self, position: int) -> bytes:
        group = self._group_of(position)
        return self._groups[group][position - self._starts[group]]

    def row(self, start: int, limit: int) -> Sequence[bytes]:
        """At most `limit` members from position `start` on, all of one length. At least one, if there is any."""
        group = self._group_of(start)
        offset = start - self._starts[group]
        members = self._groups[group]
        if offset == 0 and limit >= len(members):
            return members
        return members[offset : offset + limit]

    def without(self, excluded: Collection[bytes]) -> "Members":
        """The same list less those excluded. Costs a pass over the groups that have one of them."""
        gone = set(excluded)
        lengths = {len(client_id) for client_id in gone}
        return Members(
            [client_id for client_id in group if client_id not in gone] if len(group[0]) in lengths else group
            for group in self._groups
        )

    def changed(self, joined: Mapping[bytes, bool]) -> "Members":
        """The same list with those who have joined (True) and without those who have not (False).

        Costs a pass over the groups that one of them belongs to.
        """
        new: dict[int, list[bytes]] = {}
        for client_id, is_there in joined.items():
            ids = new.setdefault(len(client_id), [])
            if is_there:
                ids.append(client_id)
        groups = []
        for group in self._groups:
            length = len(group[0])
            touched = length in new
            groups.append([*(c for c in group if c not in joined), *new.pop(length)] if touched else group)
        return Members([*groups, *new.values()])

    def split(self, part_count: int, choose: Callable[[bytes], int]) -> list["Members"]:
        """Parts by `choose`, which maps a member to a number below `part_count`. One part is the list itself."""
        if part_count == 1:
            return [self]
        parts: list[list[list[bytes]]] = [[] for _ in range(part_count)]
        for group in self._groups:
            rows: list[list[bytes]] = [[] for _ in range(part_count)]
            for client_id in group:
                rows[choose(client_id)].append(client_id)
            for part, row in zip(parts, rows, strict=True):
                part.append(row)
        return [Members(part) for part in parts]

    def _group_of(self, position: int) -> int:
        if not 0 <= position < self._total:
            raise IndexError(position)
        return bisect_right(self._starts, position) - 1


NOBODY = Members(())
