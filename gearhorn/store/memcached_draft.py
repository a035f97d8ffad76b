"""A topic's list in memcached while it is being changed. Decides what is to be written, and writes nothing."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gearhorn.store.base import Applied, Change, ChangeResult, Collision, Subscribe
from gearhorn.store.memcached_layout import (
    CHUNK_LIMIT_BYTES,
    INLINE_LIMIT_BYTES,
    NOBODY,
    PERMANENT,
    Chunk,
    Entries,
    Root,
    encode_entries,
    is_over,
    next_end_us,
)
from gearhorn.store.versions import MICROSECONDS_PER_S, next_version


@dataclass(slots=True)
class _Section:
    """The entries from `first` on. They are those of `chunk` while `entries` is None, and in the root without one."""

    first: bytes
    chunk: Chunk | None
    entries: Entries | None
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """A root that replaces the one before, the chunks that must be there first, and those that nobody needs after."""

    root: Root
    new_chunks: dict[str, bytes]
    old_tokens: list[str]


class Draft:
    """Chunks are loaded as far as they are needed: ask for `tokens`, then `load`, then look and change.

    `before` is the root that it was made of, `old_version` that of the list to which the changes are made: what ended
    before them had a version of its own.
    """

    def __init__(self, root: Root) -> None:
        self.before = root
        self.version = self.old_version = root.version
        self.claimed_at_us = root.claimed_at_us
        self._is_torn = root.is_torn
        self._sections = [_Section(chunk.first, chunk, None) for chunk in root.chunks]
        self._sections = self._sections or [_Section(b"", None, dict(root.entries))]
        self._firsts = [section.first for section in self._sections]

    @property
    def has_changed(self) -> bool:
        return any(section.is_changed for section in self._sections)

    def tokens(self, client_ids: Iterable[bytes], now_us: int) -> list[str]:
        """The chunks in which these clients are, or would be, and those with entries that are over."""
        wanted = {id(self._section_of(client_id)) for client_id in client_ids}
        chunks = (
            s.chunk for s in self._sections if id(s) in wanted or (s.chunk and is_over(s.chunk.next_end_us, now_us))
        )
        return [chunk.token for chunk in chunks if chunk]

    def all_tokens(self) -> list[str]:
        return [section.chunk.token for section in self._sections if section.chunk]

    def load(self, chunks: Mapping[str, Entries | None]) -> None:
        """The entries of chunks by token. A chunk that is None is lost, and with it its entries."""
        for section in self._sections:
            if section.chunk and section.chunk.token in chunks:
                entries = chunks[section.chunk.token]
                section.entries = entries or {}
                section.is_changed = entries is None
                self._is_torn |= entries is None

    def sweep(self, now_s: float) -> list[bytes]:
        """Takes out what is over, of what is loaded, and returns it. The end of lost entries counts as well."""
        now_us = int(now_s * MICROSECONDS_PER_S)
        ended = [client_id for client_id, end_us in self._loaded().items() if is_over(end_us, now_us)]
        for client_id in ended:
            self._remove(client_id)
        if self.has_changed:
            self.version = self.old_version = next_version(self.version, now_s)
            self.claimed_at_us = NOBODY
        return ended

    def make(self, changes: Sequence[Change], refused: Mapping[bytes, str], now_s: float) -> list[ChangeResult]:
        """Makes the changes in order. `refused` has the clients that cannot be subscribed, and whose the queue is."""
        return [self._make(change, change.client_id.encode(), refused, now_s) for change in changes]

    def end_us(self, client_id: bytes) -> int | None:
        """When the subscription ends; None if there is none."""
        return self._entries_of(client_id).get(client_id)

    def _make(self, change: Change, client_id: bytes, refused: Mapping[bytes, str], now_s: float) -> ChangeResult:
        was_listed = self.end_us(client_id) is not None
        if not isinstance(change, Subscribe):
            if was_listed:
                self._remove(client_id)
            return self._conclude(was_listed, now_s)
        if not was_listed and client_id in refused:
            return Collision(refused[client_id])
        end_us = int((now_s + change.ttl_s) * MICROSECONDS_PER_S) if change.ttl_s > 0 else PERMANENT
        if not (change.never_shortens and was_listed and self._lasts_longer(client_id, end_us)):
            self._put(client_id, end_us)
        return self._conclude(not was_listed, now_s)

    def _lasts_longer(self, client_id: bytes, end_us: int) -> bool:
        found_us = self.end_us(client_id)
        return found_us == PERMANENT or (end_us != PERMANENT and (found_us or 0) > end_us)

    def _conclude(self, has_changed: bool, now_s: float) -> Applied:
        if has_changed:
            self.version = next_version(self.version, now_s)
            self.claimed_at_us = int(now_s * MICROSECONDS_PER_S)
        return Applied(self.version, has_changed)

    def _put(self, client_id: bytes, end_us: int) -> None:
        if self.end_us(client_id) != end_us:
            self._entries_of(client_id)[client_id] = end_us
            self._section_of(client_id).is_changed = True

    def _remove(self, client_id: bytes) -> None:
        del self._entries_of(client_id)[client_id]
        self._section_of(client_id).is_changed = True

    def write(self, make_token: Callable[[], str]) -> Written:
        new_chunks: dict[str, bytes] = {}
        chunks: list[Chunk] = []
        for section in self._sections:
            if section.chunk and not section.is_changed:
                chunks.append(section.chunk)
                continue
            for entries in _divide(section.entries or {}):
                token = make_token()
                new_chunks[token] = encode_entries(entries.items())
                chunks.append(Chunk(next(iter(entries)), token, len(entries), next_end_us(entries)))
        old_tokens = [s.chunk.token for s in self._sections if s.chunk and s.is_changed]
        if sum(map(len, new_chunks.values())) <= INLINE_LIMIT_BYTES and len(chunks) == len(new_chunks):
            entries = self._loaded()
            is_torn = self._is_torn and not entries
            return Written(Root(self.version, entries, (), self.claimed_at_us, is_torn), {}, old_tokens)
        return Written(Root(self.version, {}, tuple(chunks), self.claimed_at_us), new_chunks, old_tokens)

    def _loaded(self) -> Entries:
        return {client_id: end for section in self._sections for client_id, end in (section.entries or {}).items()}

    def _section_of(self, client_id: bytes) -> _Section:
        return self._sections[max(0, bisect_right(self._firsts, client_id) - 1)]

    def _entries_of(self, client_id: bytes) -> Entries:
        entries = self._section_of(client_id).entries
        assert entries is not None, "a chunk that is looked into has been loaded"
        return entries


def _divide(entries: Entries) -> list[Entries]:
    """The entries in order, in as many parts as keep each well below the limit; none for none."""
    size_bytes = len(encode_entries(entries.items()))
    part_count = 1 if size_bytes <= CHUNK_LIMIT_BYTES else -(-2 * size_bytes // CHUNK_LIMIT_BYTES)
    ordered = sorted(entries.items())
    part_length = -(-len(ordered) // part_count)
    return [dict(ordered[start : start + part_length]) for start in range(0, len(ordered), part_length or 1)]
