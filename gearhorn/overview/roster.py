"""The lists of subscribers, as far as somebody needs them to tell whose a queue is; each is read now and then."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from gearhorn.clock import steady_s
from gearhorn.core.members import Members
from gearhorn.errors import GearhornError
from gearhorn.store.base import Store, TopicList
from gearhorn.subscribers.aside import reckon

# A list is believed for so long: whose a queue is matters to people, and they can wait.
LIST_AGE_S = 15.0
# So many lists are asked for at a time: others use the store as well.
LISTS_AT_ONCE = 200


class Roster:
    """`find` gives the lists that it could get by then."""

    def __init__(self) -> None:
        self._lists: dict[str, tuple[float, Members]] = {}

    async def find(self, store: Store, topics: Collection[str], until_s: float) -> Mapping[str, Members]:
        """Those of `topics` that are known, or were read until then, by the steady clock. Raises nothing."""
        self._forget_old()
        missing = sorted(topic for topic in topics if topic not in self._lists)
        try:
            for some in _pieces(missing):
                if steady_s() >= until_s:
                    break
                await self._read(store, some)
        except GearhornError:
            pass  # what is known is known
        return {topic: self._lists[topic][1] for topic in topics if topic in self._lists}

    def forget(self, topic: str) -> None:
        """Somebody wants to know how it is now."""
        self._lists.pop(topic, None)

    async def _read(self, store: Store, topics: Sequence[str]) -> None:
        found = await store.read_short(topics)
        lists = [known or (await store.read([topic]))[0] for topic, known in zip(topics, found, strict=True)]
        count = sum(len(known.client_ids) for known in lists)
        read_at_s = steady_s()
        members = await reckon(count, lambda: _pack(lists))
        self._lists.update((topic, (read_at_s, each)) for topic, each in zip(topics, members, strict=True))

    def _forget_old(self) -> None:
        oldest_s = steady_s() - LIST_AGE_S
        self._lists = {topic: known for topic, known in self._lists.items() if known[0] > oldest_s}


def _pack(lists: Sequence[TopicList]) -> list[Members]:
    return [Members.of(known.client_ids) for known in lists]


def _pieces(topics: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(topics), LISTS_AT_ONCE):
        yield topics[start : start + LISTS_AT_ONCE]
