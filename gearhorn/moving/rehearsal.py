"""Tells what would become of changes, and makes none."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from gearhorn.names import may_collide, possible_pairs, queue_name
from gearhorn.store.base import Applied, Change, ChangeResult, Collision, Store, Subscribe

# Lists are kept while they have no more subscribers than this together, or there is but one.
SUBSCRIBERS_KEPT = 2_000_000
# The version of what was not done.
_NONE = 0


class Rehearsal:
    """As the store would be if nobody else changed it meanwhile. Remembers a hash of each pair that would be new."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # Hashes of client ids, because Members are slow to tell whether somebody is among them.
        self._lists: OrderedDict[str, set[int]] = OrderedDict()
        self._new: set[int] = set()
        self._topics: set[str] | None = None  # of the store

    async def make(self, changes: Sequence[Change]) -> list[ChangeResult]:
        """Raises StoreUnavailable."""
        if self._topics is None:
            self._topics = {one.topic for one in await self._store.topics()}
        await self._load(self._topics_of(changes))
        results = [self._make(change) for change in changes]
        self._let_go()
        return results

    def _make(self, change: Change) -> ChangeResult:
        pair = change.topic, change.client_id
        is_there = self._is_there(*pair)
        if not isinstance(change, Subscribe):
            return Applied(_NONE, is_there)
        if not is_there and may_collide(*pair):
            for topic, client_id in possible_pairs(queue_name(*pair)):
                if self._is_there(topic, client_id):
                    return Collision(topic)
        if not is_there:
            self._new.add(hash(pair))
        return Applied(_NONE, not is_there)

    def _is_there(self, topic: str, client_id: str) -> bool:
        return hash((topic, client_id)) in self._new or hash(client_id.encode()) in self._lists.get(topic, ())

    def _topics_of(self, changes: Sequence[Change]) -> list[str]:
        """Those that have subscribers and are to be looked at, be it for a queue of the same name."""
        assert self._topics is not None
        named = {change.topic for change in changes}
        for topic, client_id in {(change.topic, change.client_id) for change in changes}:
            if may_collide(topic, client_id):
                named.update(other for other, _ in possible_pairs(queue_name(topic, client_id)))
        return sorted(named & self._topics)

    async def _load(self, topics: Iterable[str]) -> None:
        missing = []
        for topic in topics:
            if topic in self._lists:
                self._lists.move_to_end(topic)
            else:
                missing.append(topic)
        for topic, found in zip(missing, await self._store.read(missing) if missing else (), strict=True):
            self._lists[topic] = set(map(hash, found.client_ids))

    def _let_go(self) -> None:
        kept_count = sum(map(len, self._lists.values()))
        while kept_count > SUBSCRIBERS_KEPT and len(self._lists) > 1:
            kept_count -= len(self._lists.popitem(last=False)[1])
