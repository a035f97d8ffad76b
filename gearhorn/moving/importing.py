"""Brings lines of subscriptions into a store, some thousands at a time, and counts what became of each."""

import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from gearhorn.bodies import TTL_LIMIT_S
from gearhorn.errors import BadRequest, GearhornError
from gearhorn.moving.lines import Entry, Reader
from gearhorn.names import check_pair, queue_name
from gearhorn.store.base import Applied, Change, ChangeResult, Collision, Store, Subscribe, Unsubscribe

# One round of matchmaking for so many. A change of one list in memcached takes no more.
CHANGES_AT_ONCE = 2000
# So many lines are put in order first. An export from Redis has none, and 2,000 clients from all over a long list would
# have all of it written anew in memcached, again and again.
LINES_AT_ONCE = 50_000

Make = Callable[[Sequence[Change]], Awaitable[Sequence[ChangeResult]]]
Pair = tuple[str, str]


class BadLine(GearhornError):
    """A line that cannot be taken, where none is to be left out. Those before it are in the store."""

    def __init__(self, number: int, error: BadRequest) -> None:
        self.number = number
        super().__init__(f"line {number}: {error}")


@dataclass(slots=True)
class Imported:
    """Lines by what became of them, and subscriptions that were removed for not being there."""

    new: int = 0
    already: int = 0
    ended: int = 0
    invalid: int = 0
    collisions: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """`own_queues` are names that no subscriber's queue may have; `limit_count` subscribers are the most of a topic.

    `replaces`: lists come to have exactly the subscribers of the lines, with their ends: "topics" those of which there
    are any lines, "all" every list. Otherwise nobody is removed, and no subscription comes to end earlier.
    """

    own_queues: Collection[str]
    matchmaking_topic: str
    limit_count: int
    skips_bad: bool = False
    replaces: str = ""


class _Line(NamedTuple):
    number: int
    change: Subscribe


class Import:
    """`make` makes changes, or tells what would become of them. `complain` is told of lines that are left out."""

    def __init__(self, store: Store, make: Make, rules: Rules, complain: Callable[[str], None]) -> None:
        self.count = Imported()
        self.line_count = 0
        self._store = store
        self._make = make
        self._rules = rules
        self._complain = complain
        self._reader = Reader()
        self._sizes: dict[str, int] = {}
        # Of all pairs of the lines, where others are removed: a hash takes less than the names.
        self._kept: set[int] = set()
        self._topics: set[str] = set()

    async def begin(self) -> None:
        """Raises StoreUnavailable."""
        self._sizes = dict(await self._store.topics())

    async def take(self, lines: Iterable[bytes]) -> None:
        """Raises StoreUnavailable, and BadLine at the first one that is not in order, when those before it are in."""
        taken: list[_Line] = []
        wrong = None
        for line in lines:
            self.line_count += 1
            try:
                change = self._judge(line)
            except BadRequest as error:
                self.count.invalid += 1
                wrong = self._refuse(self.line_count, error)
                if wrong is not None:
                    break
            else:
                if change is not None:
                    taken.append(_Line(self.line_count, change))
        wrong = await self._bring_in(_in_order(taken)) or wrong
        if wrong is not None:
            raise wrong

    def finish(self) -> None:
        """Raises BadLine when there must have been more lines, even where bad ones are left out."""
        try:
            self._reader.check_end()
        except BadRequest as error:
            raise BadLine(self.line_count + 1, error) from None

    async def remove_others(self) -> None:
        """Whoever is on a list and not among the lines."""
        topics = {one.topic for one in await self._store.topics()} if self._rules.replaces == "all" else self._topics
        for topic in sorted(topics - {self._rules.matchmaking_topic}):
            async for page in self._store.subscription_pages(topic):
                others = [one.client_id for one in page if hash((topic, one.client_id)) not in self._kept]
                if others:
                    results = await self._make([Unsubscribe(topic, client_id) for client_id in others])
                    self.count.removed += sum(isinstance(one, Applied) and one.changed for one in results)

    def _judge(self, line: bytes) -> Subscribe | None:
        """None for a line that asks for nothing. Raises BadRequest."""
        entry = self._reader.read(line)
        if entry is None:
            return None
        check_pair(entry.topic, entry.client_id, self._rules.own_queues, self._rules.matchmaking_topic)
        ttl_s = _ttl_s(entry)
        if self._rules.replaces:
            self._topics.add(entry.topic)
        if ttl_s < 0:
            self.count.ended += 1
            return None
        if self._rules.replaces:
            self._kept.add(hash((entry.topic, entry.client_id)))
        return Subscribe(entry.topic, entry.client_id, ttl_s, never_shortens=not self._rules.replaces)

    async def _bring_in(self, lines: Sequence[_Line]) -> BadLine | None:
        """The first line that is wrong, if any is and none is to be left out. Nothing behind it is begun then."""
        wrong: BadLine | None = None
        for start in range(0, len(lines), CHANGES_AT_ONCE):
            some = lines[start : start + CHANGES_AT_ONCE]
            wrong = await self._make_some([one for one in some if wrong is None or one.number < wrong.number]) or wrong
        return wrong

    async def _make_some(self, lines: Sequence[_Line]) -> BadLine | None:
        fitting, has_no_room = await self._that_have_room(lines)
        results = await self._make([one.change for one in fitting]) if fitting else ()
        wrong = [self._note(*made) for made in zip(fitting, results, strict=True)]
        return min(filter(None, [*wrong, has_no_room]), key=lambda one: one.number, default=None)

    def _note(self, line: _Line, result: ChangeResult) -> BadLine | None:
        topic, client_id = line.change.topic, line.change.client_id
        if isinstance(result, Collision):
            self.count.collisions += 1
            queue = queue_name(topic, client_id).decode()
            reason = f"the queue {queue!r} is that of a subscriber of topic {result.topic!r}"
            return self._refuse(line.number, BadRequest("client_id", reason))
        self.count.new += result.changed
        self.count.already += not result.changed
        self._sizes[topic] = self._sizes.get(topic, 0) + result.changed
        return None

    def _refuse(self, number: int, error: BadRequest) -> BadLine | None:
        wrong = BadLine(number, error)
        if not self._rules.skips_bad:
            return wrong
        self._complain(str(wrong))
        return None

    async def _that_have_room(self, lines: Sequence[_Line]) -> tuple[list[_Line], BadLine | None]:
        """Without those whose topic has as many subscribers as it may have; or up to the first of them."""
        fitting: list[_Line] = []
        lists: dict[str, set[int]] = {}
        limit_count = self._rules.limit_count
        for line in lines:
            topic = line.change.topic
            if self._sizes.get(topic, 0) + len(lines) > limit_count:
                if topic not in lists:
                    (found,) = await self._store.read([topic])
                    lists[topic] = set(map(hash, found.client_ids))
                if not _has_room(lists, line.change, limit_count):
                    self.count.invalid += 1
                    reason = f"{topic!r} may have {limit_count} subscribers"
                    if wrong := self._refuse(line.number, BadRequest("topic", reason)):
                        return fitting, wrong
                    continue
            fitting.append(line)
        return fitting, None


def _in_order(lines: Sequence[_Line]) -> list[_Line]:
    """Those of a topic that stand together by client id. Whose queue a name becomes does not depend on that."""
    runs = groupby(lines, key=lambda one: one.change.topic)
    return [line for _, run in runs for line in sorted(run, key=lambda one: one.change.client_id.encode())]


def _has_room(lists: dict[str, set[int]], change: Subscribe, limit_count: int) -> bool:
    """Puts it on the list, if so."""
    members, client_id = lists[change.topic], hash(change.client_id.encode())
    if client_id not in members and len(members) >= limit_count:
        return False
    members.add(client_id)
    return True


def _ttl_s(entry: Entry) -> float:
    """0: it lasts. Less: it has ended. Raises BadRequest."""
    if entry.expires_at is not None:
        left_s = entry.expires_at - time.time()
        ttl_s, key = left_s if left_s > 0 else -1.0, "expires_at"
    else:
        ttl_s, key = entry.ttl_s or 0.0, "ttl"
        if ttl_s < 0:
            raise BadRequest("ttl", "must not be negative")
    if ttl_s > TTL_LIMIT_S:
        raise BadRequest(key, "is more than ten years ahead; without it a subscription has no end")
    return ttl_s
