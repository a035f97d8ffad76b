"""Reads and changes the lists in memcached. Blocking; any number of threads.

A change loads what it needs of a list, works on the draft, writes new chunks, and swaps the root, if nobody else has
done so meanwhile; else it begins again. Who finds a chunk gone looks at the root again: another has replaced it, or
memcached has thrown it out. What somebody has to look at later is on the agenda before the root is swapped.
"""

import contextlib
import secrets
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from gearhorn.errors import StoreUnavailable
from gearhorn.logs.event import log_for
from gearhorn.logs.events.store import STORE_LIST_TORN, STORE_LIST_WHOLE
from gearhorn.logs.trouble import Troubles
from gearhorn.store.base import (
    UNKNOWN_VERSION,
    Applied,
    Change,
    ChangeResult,
    Collision,
    Subscribe,
    TopicState,
    Unsubscribe,
    join_states,
)
from gearhorn.store.memcached_agenda import Agenda, notes_of_change
from gearhorn.store.memcached_attempts import Attempts, Overtaken
from gearhorn.store.memcached_claims import LEFT_OVER_AFTER_S, Claims
from gearhorn.store.memcached_draft import Draft
from gearhorn.store.memcached_layout import BUCKET_COUNT, Entries, Keys, Root, first_end_us, is_over
from gearhorn.store.memcached_peers import AnswerLost, Peers
from gearhorn.store.memcached_roots import Roots
from gearhorn.store.versions import MICROSECONDS_PER_S

log = log_for(__name__)


class Made(NamedTuple):
    """What became of changes of one topic, and of the topic."""

    results: list[ChangeResult]
    state: TopicState


class MemcachedLists:
    """`clock` gives Unix time in seconds: each worker's own, because that of memcached knows only whole seconds."""

    def __init__(self, peers: Peers, prefix: str, limit_s: float, clock: Callable[[], float] = time.time) -> None:
        """`limit_s` bounds the time that one change is tried again because others were faster."""
        keys = Keys(prefix)
        self._roots = Roots(peers, keys)
        self._torn = Troubles()
        self._agenda = Agenda(peers, keys)
        self._limit_s = limit_s
        self._clock = clock
        self._claims = Claims(peers, keys, self._find_end, self._now_us)

    def apply(self, topic: str, changes: Sequence[Change], with_all: bool = False) -> Made:
        """Makes changes of one topic, in order, and ends what is past its ttl. `with_all`: finds lost chunks, too."""
        attempts = Attempts(self._limit_s, f"the list of {topic!r}")
        while True:
            try:
                made = self._try(topic, changes, with_all)
                return _own_up(made) if attempts.has_lost_answer else made
            except AnswerLost as error:
                attempts.lose_answer(error)
            except Overtaken:
                attempts.pause()

    def read(self, topics: Sequence[str]) -> list[tuple[int, Entries]]:
        """Version and entries of each, with none past its ttl."""
        lists: dict[str, tuple[int, Entries]] = {}
        while waiting := [topic for topic in dict.fromkeys(topics) if topic not in lists]:
            roots = self._swept_roots(waiting)
            tokens = [chunk.token for root in roots.values() for chunk in root.chunks]
            chunks = self._roots.chunks(tokens)
            for topic, root in roots.items():
                if all(chunk.token in chunks for chunk in root.chunks):
                    lists[topic] = root.version, _gather(root, chunks)
                else:
                    self.apply(topic, [], with_all=True)
        return [lists[topic] for topic in topics]

    def page(self, topic: str, start: bytes) -> tuple[Entries, bytes | None]:
        """The entries from `start` to the end of the chunk that it falls into; and where to go on, None: at its end."""
        while True:
            root = self._swept_roots([topic])[topic]
            if not root.chunks:
                return {client_id: end for client_id, end in root.entries.items() if client_id >= start}, None
            number = max(0, bisect_right([chunk.first for chunk in root.chunks], start) - 1)
            chunk, *rest = root.chunks[number:]
            entries = self._roots.chunks([chunk.token]).get(chunk.token)
            if entries is not None:
                following = rest[0].first if rest else None
                return {client_id: end for client_id, end in entries.items() if client_id >= start}, following
            self.apply(topic, [], with_all=True)

    def topics(self) -> dict[str, int]:
        """The number of subscribers of each topic that has any."""
        names = set[str]().union(*self._roots.names(range(BUCKET_COUNT)).values())
        counts = {
            topic: sum(chunk.count for chunk in root.chunks) or len(root.entries)
            for topic, root in self._swept_roots(names).items()
        }
        return {topic: number for topic, number in counts.items() if number}

    def _try(self, topic: str, changes: Sequence[Change], with_all: bool) -> Made:
        """Raises Overtaken if another was faster, and AnswerLost."""
        started_s, now_s = time.monotonic(), self._clock()
        touched = {change.client_id.encode() for change in changes}
        draft, token = self._draft(topic, touched, with_all)
        touched.update(draft.sweep(now_s))
        wanted = {change.client_id.encode() for change in changes if isinstance(change, Subscribe)}
        listed = {client_id for client_id in wanted if draft.end_us(client_id) is not None}
        refused = self._claims.take(topic, wanted - listed, listed)
        results = draft.make(changes, refused, now_s)
        if draft.has_changed:
            self._save(topic, draft, token, touched)
        made = Made(results, TopicState(draft.old_version, draft.version, self._is_settled(topic, draft)))
        if time.monotonic() - started_s > LEFT_OVER_AFTER_S / 2:
            return self._retract(topic, changes, made, wanted - listed - refused.keys())
        return made

    def _is_settled(self, topic: str, draft: Draft) -> bool:
        """A list that has been used and is gone was lost: there may be workers that go by it yet."""
        return draft.claimed_at_us is None and (draft.version > 0 or not self._roots.is_registered(topic))

    def _retract(self, topic: str, changes: Sequence[Change], made: Made, claimed: Iterable[bytes]) -> Made:
        """After a pause in which others may have taken the claims for left over: who lost its claim leaves the list."""
        lost = self._claims.lost(topic, claimed)
        if not lost:
            return made
        then = self.apply(topic, [Unsubscribe(topic, client_id.decode()) for client_id in lost])
        owners = [lost.get(change.client_id.encode()) for change in changes]
        results = [r if owner is None else Collision(owner) for r, owner in zip(made.results, owners, strict=True)]
        return Made(results, join_states(made.state, then.state))

    def _save(self, topic: str, draft: Draft, token: bytes | None, touched: Iterable[bytes]) -> None:
        """Puts the draft in the place of what it was made of. Raises Overtaken if that is there no more."""
        self._roots.register(topic)
        held = self._claims.hold(topic, (client_id for client_id in touched if draft.end_us(client_id) is None))
        written = draft.write(lambda: secrets.token_hex(16))
        self._agenda.add(topic, notes_of_change(topic, draft.before, written.root, self._now_us()))
        self._roots.write_chunks(written.new_chunks)
        if not self._roots.swap(topic, written.root, token):
            self._clean_up(written.new_chunks, {})
            raise Overtaken
        self._clean_up(written.old_tokens, held)

    def _clean_up(self, chunk_tokens: Iterable[str], held: dict[str, bytes]) -> None:
        """The outcome does not depend on it: what is left over is in nobody's way for long."""
        with contextlib.suppress(StoreUnavailable):
            self._roots.delete_chunks(chunk_tokens)
            self._claims.give_up(held)

    def _find_end(self, topic: str, client_id: bytes) -> int | None:
        """As `Draft.end_us`, of a list that is not being changed here."""
        return self._draft(topic, {client_id})[0].end_us(client_id)

    def _draft(self, topic: str, client_ids: Iterable[bytes], with_all: bool = False) -> tuple[Draft, bytes | None]:
        """A draft with what is needed of it for these clients, and the token for `swap`."""
        root, token = self._roots.look(topic)
        draft = Draft(root)
        needed = draft.all_tokens() if with_all else draft.tokens(client_ids, self._now_us())
        chunks = self._roots.chunks(needed)
        if len(chunks) < len(needed):
            if self._roots.look(topic)[1] != token:
                raise Overtaken
            if self._torn.begin(topic):
                log.say(STORE_LIST_TORN, topic=topic)
        elif needed and self._torn.end(topic):
            log.say(STORE_LIST_WHOLE, topic=topic)
        draft.load({token: chunks.get(token) for token in needed})
        return draft, token

    def _swept_roots(self, topics: Iterable[str]) -> dict[str, Root]:
        """The roots of lists of which nothing is past its ttl."""
        roots: dict[str, Root] = {}
        while waiting := [topic for topic in topics if topic not in roots]:
            for topic, root in self._roots.find(waiting).items():
                if is_over(first_end_us(root), self._now_us()):
                    self.apply(topic, [])
                else:
                    roots[topic] = root
        return roots

    def _now_us(self) -> int:
        return int(self._clock() * MICROSECONDS_PER_S)


def _gather(root: Root, chunks: Mapping[str, Entries]) -> Entries:
    entries = dict(root.entries)
    for chunk in root.chunks:
        entries |= chunks[chunk.token]
    return entries


def _own_up(made: Made) -> Made:
    """For changes of which an earlier try may have been the one that made them."""
    results = [Applied(r.version, True) if isinstance(r, Applied) and r.version else r for r in made.results]
    return Made(results, TopicState(UNKNOWN_VERSION, made.state.version, False)) if made.state.version else made
