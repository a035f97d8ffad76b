"""Reads and changes the lists in memcached. Blocking; any number of threads.

A change loads what it needs of a list, works on the draft, writes new chunks, and swaps the root, if nobody else has
done so meanwhile; else it begins again. Who finds a chunk gone looks at the root again: another has replaced it, or
memcached has thrown it out.
"""

import contextlib
import logging
import random
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from gearhorn.errors import StoreUnavailable
from gearhorn.store.base import Applied, Change, ChangeResult, Collision, Subscribe, Unsubscribe
from gearhorn.store.memcached_claims import LEFT_OVER_AFTER_S, Claims
from gearhorn.store.memcached_draft import Draft
from gearhorn.store.memcached_layout import (
    NEVER_USED,
    Entries,
    Keys,
    Root,
    decode_bucket,
    decode_entries,
    decode_root,
    decode_value,
    encode_root,
    is_over,
    next_end_us,
)
from gearhorn.store.memcached_peers import AnswerLost, Peers
from gearhorn.store.versions import MICROSECONDS_PER_S

log = logging.getLogger(__name__)


class _Overtaken(Exception):
    """Another has changed what is being worked on."""


class MemcachedLists:
    """`clock` gives Unix time in seconds: memcached has none to ask, so it is each worker's own."""

    def __init__(self, peers: Peers, prefix: str, limit_s: float, clock: Callable[[], float] = time.time) -> None:
        """`limit_s` bounds the time that one change is tried again because others were faster."""
        self._peers = peers
        self._keys = Keys(prefix)
        self._limit_s = limit_s
        self._clock = clock
        self._claims = Claims(peers, self._keys, self._find_end, self._now_us)

    def apply(self, topic: str, changes: Sequence[Change], with_all: bool = False) -> list[ChangeResult]:
        """Makes changes of one topic, in order, and ends what is past its ttl. `with_all`: finds lost chunks, too."""
        deadline_s = time.monotonic() + self._limit_s
        pause_limit_s = 0.001
        is_lost = False
        while True:
            try:
                results = self._try(topic, changes, with_all)
                return _own_up(results) if is_lost else results
            except AnswerLost:
                if is_lost:
                    raise
                is_lost = True
            except _Overtaken:
                if time.monotonic() > deadline_s:
                    raise StoreUnavailable(f"memcached: others change the list of {topic!r} all the time") from None
                time.sleep(random.uniform(0, pause_limit_s))
                pause_limit_s = min(2 * pause_limit_s, 0.05)

    def read(self, topics: Sequence[str]) -> list[tuple[int, Entries]]:
        """Version and entries of each, with none past its ttl."""
        lists: dict[str, tuple[int, Entries]] = {}
        while waiting := [topic for topic in dict.fromkeys(topics) if topic not in lists]:
            roots = self._swept_roots(waiting)
            tokens = [chunk.token for root in roots.values() for chunk in root.chunks]
            chunks = self._chunks(tokens)
            for topic, root in roots.items():
                if all(chunk.token in chunks for chunk in root.chunks):
                    lists[topic] = root.version, _gather(root, chunks)
                else:
                    self.apply(topic, [], with_all=True)
        return [lists[topic] for topic in topics]

    def topics(self) -> dict[str, int]:
        """The number of subscribers of each topic that has any."""
        buckets = self._peers.get_many(self._keys.buckets())
        names = {name for key, data in buckets.items() for name in decode_value(key, data, decode_bucket)}
        counts = {
            topic: sum(chunk.count for chunk in root.chunks) or len(root.entries)
            for topic, root in self._swept_roots(names).items()
        }
        return {topic: number for topic, number in counts.items() if number}

    def _try(self, topic: str, changes: Sequence[Change], with_all: bool) -> list[ChangeResult]:
        """Raises _Overtaken if another was faster, and AnswerLost."""
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
        if time.monotonic() - started_s > LEFT_OVER_AFTER_S / 2:
            return self._retract(topic, changes, results, wanted - listed - refused.keys())
        return results

    def _retract(
        self, topic: str, changes: Sequence[Change], results: list[ChangeResult], claimed: Iterable[bytes]
    ) -> list[ChangeResult]:
        """After a pause in which others may have taken the claims for left over: who lost its claim leaves the list."""
        lost = self._claims.lost(topic, claimed)
        if lost:
            self.apply(topic, [Unsubscribe(topic, client_id.decode()) for client_id in lost])
        owners = [lost.get(change.client_id.encode()) for change in changes]
        return [result if owner is None else Collision(owner) for result, owner in zip(results, owners, strict=True)]

    def _save(self, topic: str, draft: Draft, token: bytes | None, touched: Iterable[bytes]) -> None:
        """Puts the draft in the place of what it was made of. Raises _Overtaken if that is there no more."""
        self._register(topic)
        held = self._claims.hold(topic, (client_id for client_id in touched if draft.end_us(client_id) is None))
        written = draft.write(lambda: secrets.token_hex(16))
        self._peers.set_many({self._keys.chunk(new): data for new, data in written.new_chunks.items()})
        if not self._swap_root(topic, written.root, token):
            self._clean_up(written.new_chunks, {})
            raise _Overtaken
        self._clean_up(written.old_tokens, held)

    def _swap_root(self, topic: str, root: Root, token: bytes | None) -> bool:
        key, data = self._keys.topic(topic), encode_root(root)
        return self._peers.add(key, data) if token is None else self._peers.cas(key, data, token)

    def _clean_up(self, chunk_tokens: Iterable[str], held: dict[str, bytes]) -> None:
        """The outcome does not depend on it: what is left over is in nobody's way for long."""
        with contextlib.suppress(StoreUnavailable):
            self._peers.delete_many(self._keys.chunk(token) for token in chunk_tokens)
            self._claims.give_up(held)

    def _register(self, topic: str) -> None:
        """Puts the topic where `topics` finds it. It may be there already and be gone: memcached forgets."""
        key, name = self._keys.bucket_of(topic), topic.encode()
        bucket = self._peers.get_many([key]).get(key)
        if bucket is None and self._peers.add(key, name):
            return
        if bucket is None or topic not in decode_value(key, bucket, decode_bucket):
            self._peers.append(key, b"\n" + name)

    def _find_end(self, topic: str, client_id: bytes) -> int | None:
        """As `Draft.end_us`, of a list that is not being changed here."""
        return self._draft(topic, {client_id})[0].end_us(client_id)

    def _draft(self, topic: str, client_ids: Iterable[bytes], with_all: bool = False) -> tuple[Draft, bytes | None]:
        """A draft with what is needed of it for these clients, and the token for `cas`; None: there is no root yet."""
        root, token = self._root(topic)
        draft = Draft(root)
        needed = draft.all_tokens() if with_all else draft.tokens(client_ids, self._now_us())
        chunks = self._chunks(needed)
        if len(chunks) < len(needed):
            if self._root(topic)[1] != token:
                raise _Overtaken
            log.warning("memcached has lost a part of the subscriber list of %r", topic)
        draft.load({token: chunks.get(token) for token in needed})
        return draft, token

    def _swept_roots(self, topics: Iterable[str]) -> dict[str, Root]:
        """The roots of lists of which nothing is past its ttl."""
        roots: dict[str, Root] = {}
        while waiting := [topic for topic in topics if topic not in roots]:
            found = self._peers.get_many(self._keys.topic(topic) for topic in waiting)
            for topic in waiting:
                root = self._read_root(topic, found.get(self._keys.topic(topic)))
                if self._is_due(root):
                    self.apply(topic, [])
                else:
                    roots[topic] = root
        return roots

    def _is_due(self, root: Root) -> bool:
        ends = [chunk.next_end_us for chunk in root.chunks] or [next_end_us(root.entries)]
        return any(is_over(end_us, self._now_us()) for end_us in ends)

    def _root(self, topic: str) -> tuple[Root, bytes | None]:
        key = self._keys.topic(topic)
        data, token = self._peers.gets_many([key]).get(key, (None, None))
        return self._read_root(topic, data), token

    def _read_root(self, topic: str, data: bytes | None) -> Root:
        return NEVER_USED if data is None else decode_value(self._keys.topic(topic), data, decode_root)

    def _chunks(self, tokens: Sequence[str]) -> dict[str, Entries]:
        """Those that are there."""
        found = self._peers.get_many(self._keys.chunk(token) for token in tokens)
        keys = {token: self._keys.chunk(token) for token in tokens}
        return {token: decode_value(key, found[key], decode_entries) for token, key in keys.items() if key in found}

    def _now_us(self) -> int:
        return int(self._clock() * MICROSECONDS_PER_S)


def _gather(root: Root, chunks: Mapping[str, Entries]) -> Entries:
    entries = dict(root.entries)
    for chunk in root.chunks:
        entries |= chunks[chunk.token]
    return entries


def _own_up(results: list[ChangeResult]) -> list[ChangeResult]:
    """For changes of which an earlier try may have been the one that made them."""
    return [Applied(r.version, True) if isinstance(r, Applied) and r.version else r for r in results]
