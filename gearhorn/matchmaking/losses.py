"""Tells lists that the store has lost from lists that are empty, so that no fanout is answered with a wrong 0.

What is known of a loss stands in the store as a record, for all workers and those that come later: from then on a
topic of which the store knows nothing counts as one whose list was lost, until somebody subscribes to it, or an
operator says that all is well (`gearhorn topics forget-loss`). A list that is partly there again cannot be told from a
whole one.

Noticed is what a worker can compare: the marks of the store's data (`Evidence`) with those that it has seen, and lists
with those that it had in memory. Workers that have all been started after the loss take such a store for a new one.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import msgspec

from gearhorn.core.matchmaking import Matchmaking
from gearhorn.errors import ListLost
from gearhorn.logs.event import log_for
from gearhorn.logs.events.store import STORE_LIST_MISSING, STORE_LIST_SHORTER, STORE_LISTS_LOST, STORE_LOSS_OVER
from gearhorn.names import RESERVED_PREFIX
from gearhorn.store.base import NO_MARK, RecordKey, Store, TopicList

log = log_for(__name__)

LOSS = RecordKey("loss", "lists")
# Whoever is still there after so long has subscribed again.
LOSS_TTL_S = 30 * 86400.0

# A topic is spoken of in the log so often at most, and so many topics are remembered for it.
SAID_AGAIN_AFTER_S = 60.0
SAID_LIMIT = 10_000

FORGET_COMMAND = "gearhorn topics forget-loss"


class Loss(msgspec.Struct, frozen=True):
    """Noticed at `at_s`, in Unix time, by the worker of that id; or forgotten at that time, by an operator."""

    at_s: float
    worker_id: str = ""
    is_forgotten: bool = False

    @property
    def when(self) -> str:
        return datetime.fromtimestamp(self.at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def find_loss(store: Store) -> Loss | None:
    """The one that stands in the store and is not forgotten. Raises StoreUnavailable and Misconfigured."""
    loss = _read(await store.read_record(LOSS))
    return None if loss is None or loss.is_forgotten else loss


async def forget_loss(store: Store, now_s: float) -> None:
    """Leaves word of that, too: a record that is not there may have been lost itself."""
    await store.keep_record(LOSS, msgspec.json.encode(Loss(now_s, is_forgotten=True)), LOSS_TTL_S)


class Losses:
    """Of one worker. `now_s` is the wall clock."""

    def __init__(
        self, store: Store, matchmaking: Matchmaking, worker_id: str, now_s: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._matchmaking = matchmaking
        self._worker_id = worker_id
        self._now_s = now_s
        self._marks: dict[str, str] = {}
        self._seen_well_s = 0.0  # when all marks were those that they had been before
        self._unwritten: Loss | None = None
        self._known: Loss | None = None
        self._said_at_s: dict[str, float] = {}

    @property
    def known(self) -> Loss | None:
        """The one that counts, as of the last look."""
        return self._known

    async def look(self) -> None:
        """Sees what has become of the store's data since the last look. To be called now and then."""
        evidence = await self._store.find_evidence([])
        if self._compare_marks(evidence.marks):
            self._seen_well_s = self._now_s()
        await self._find_loss()

    async def judge(self, lists: Mapping[str, TopicList]) -> dict[str, ListLost]:
        """Of lists that were just read, those that were lost. Costs nothing where none of them is empty."""
        self._compare_lists(lists)
        empty = [topic for topic, found in lists.items() if not found.client_ids and _is_public(topic)]
        if not empty:
            return {}
        evidence = await self._store.find_evidence(empty)
        self._compare_marks(evidence.marks)
        unknown = [topic for topic in empty if lists[topic].version == 0]
        loss = await self._find_loss() if unknown else None
        lost = {topic: self._say_torn(topic) for topic in empty if topic in evidence.torn_topics}
        if loss is not None:
            lost |= {topic: self._say_lost(topic, loss) for topic in unknown if topic not in lost}
        return lost

    # How a loss is noticed.

    def _compare_marks(self, marks: Mapping[str, str]) -> bool:
        """Whether all is well. After one that was missing, any other will do: its loss has been noticed."""
        changed = [name for name, mark in marks.items() if self._marks.get(name, mark) not in (mark, NO_MARK)]
        self._marks |= marks
        if changed:
            self._notice()
        return not changed

    def _compare_lists(self, lists: Mapping[str, TopicList]) -> None:
        """With those that were in memory when the last lease was lost."""
        for topic in filter(_is_public, lists.keys() & self._matchmaking.lists_before.keys()):
            version, count = self._matchmaking.lists_before[topic]
            found = lists[topic]
            if not found.client_ids and found.version < version:
                if found.version == 0 and self._known is None:
                    self._notice()
                continue  # until somebody is there again
            del self._matchmaking.lists_before[topic]
            if len(found.client_ids) < count and (self._known is not None or found.version < version):
                log.say(STORE_LIST_SHORTER, topic=topic, before_count=count, now_count=len(found.client_ids))

    def _notice(self) -> None:
        self._unwritten = Loss(self._now_s(), self._worker_id)

    # What stands in the store.

    async def _find_loss(self) -> Loss | None:
        loss = _read(await self._store.read_record(LOSS))
        mine = self._unwritten or (self._known if loss is None else None)  # which the store has lost as well
        if mine is not None and self._now_s() - mine.at_s < LOSS_TTL_S:
            loss = await self._write(mine)
        if loss is None or loss.is_forgotten:
            if self._known is not None:
                self._matchmaking.lists_before.clear()
                log.say(STORE_LOSS_OVER)
            self._known = None
        elif loss != self._known:
            self._known = loss
            self._say_loss(loss)
            self._matchmaking.lists.forget_empty()  # they may have been taken for what they seemed
        return self._known

    async def _write(self, loss: Loss) -> Loss:
        """Another worker may have noticed the same; what stands there from before is of another loss."""
        value = msgspec.json.encode(loss)
        found = _read(await self._store.claim_record(LOSS, value, LOSS_TTL_S))
        if found is not None and found.at_s < min(self._seen_well_s, loss.at_s):
            await self._store.keep_record(LOSS, value, LOSS_TTL_S)
            found = None
        self._unwritten = None
        return found or loss

    # What is said of it.

    def _say_loss(self, loss: Loss) -> None:
        sizes = {**self._matchmaking.lists_before, **self._matchmaking.lists.sizes()}
        counts = [count for topic, (_, count) in sizes.items() if _is_public(topic)]
        log.say(
            STORE_LISTS_LOST,
            when=loss.when,
            by_worker=loss.worker_id,
            topics_count=len(counts),
            subscribers_count=sum(counts),
            command=FORGET_COMMAND,
        )

    def _say_lost(self, topic: str, loss: Loss) -> ListLost:
        return self._say(
            topic,
            f"the store lost its lists of subscribers at {loss.when}, and nobody has subscribed to {topic!r} since",
        )

    def _say_torn(self, topic: str) -> ListLost:
        return self._say(
            topic,
            f"the store has lost the list of subscribers of {topic!r}: its other data tell of one",
        )

    def _say(self, topic: str, text: str) -> ListLost:
        now_s = self._now_s()
        if now_s - self._said_at_s.get(topic, 0.0) >= SAID_AGAIN_AFTER_S:
            if len(self._said_at_s) >= SAID_LIMIT:
                self._said_at_s.clear()
            self._said_at_s[topic] = now_s
            log.say(STORE_LIST_MISSING, reason=text)
        return ListLost(text)


def _is_public(topic: str) -> bool:
    """Workers put themselves back on the list where they meet."""
    return not topic.startswith(RESERVED_PREFIX)


def _read(value: bytes | None) -> Loss | None:
    """A record that cannot be read tells that there was a loss all the same."""
    if value is None:
        return None
    try:
        return msgspec.json.decode(value, type=Loss)
    except (msgspec.DecodeError, UnicodeError):
        return Loss(0.0)
