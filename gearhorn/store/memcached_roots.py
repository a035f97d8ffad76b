"""Finds and replaces the parts of the lists in memcached: roots, chunks, and the names of the topics that there are."""

from collections.abc import Iterable, Mapping, Sequence

from gearhorn.store.memcached_layout import (
    NEVER_USED,
    Entries,
    Keys,
    Root,
    bucket_number,
    decode_bucket,
    decode_entries,
    decode_root,
    decode_value,
    encode_root,
)
from gearhorn.store.memcached_peers import Peers


class Roots:
    """What is not there is a list that was never used. A token is what `swap` takes; None: there is no root yet."""

    def __init__(self, peers: Peers, keys: Keys) -> None:
        self._peers = peers
        self._keys = keys

    def find(self, topics: Sequence[str]) -> dict[str, Root]:
        found = self._peers.get_many(self._keys.topic(topic) for topic in topics)
        return {topic: self._decode(topic, found.get(self._keys.topic(topic))) for topic in topics}

    def look(self, topic: str) -> tuple[Root, bytes | None]:
        return self.look_at([topic])[topic]

    def look_at(self, topics: Sequence[str]) -> dict[str, tuple[Root, bytes | None]]:
        """Roots with their tokens."""
        found = self._peers.gets_many(self._keys.topic(topic) for topic in topics)
        seen = {topic: found.get(self._keys.topic(topic), (None, None)) for topic in topics}
        return {topic: (self._decode(topic, data), token) for topic, (data, token) in seen.items()}

    def swap(self, topic: str, root: Root, token: bytes | None) -> bool:
        """Puts the root in the place of the one with the token, if that is still there. Raises AnswerLost."""
        key, data = self._keys.topic(topic), encode_root(root)
        return self._peers.add(key, data) if token is None else self._peers.cas(key, data, token)

    def chunks(self, tokens: Sequence[str]) -> dict[str, Entries]:
        """Those that are there."""
        found = self._peers.get_many(self._keys.chunk(token) for token in tokens)
        keys = {token: self._keys.chunk(token) for token in tokens}
        return {token: decode_value(key, found[key], decode_entries) for token, key in keys.items() if key in found}

    def write_chunks(self, chunks: Mapping[str, bytes]) -> None:
        self._peers.set_many({self._keys.chunk(token): data for token, data in chunks.items()})

    def delete_chunks(self, tokens: Iterable[str]) -> None:
        self._peers.delete_many(self._keys.chunk(token) for token in tokens)

    def names(self, numbers: Iterable[int]) -> dict[int, set[str]]:
        """Topics that have been used, by bucket; without the buckets that are not there."""
        keys = {number: self._keys.bucket(number) for number in numbers}
        found = self._peers.get_many(keys.values())
        return {n: set(decode_value(key, found[key], decode_bucket)) for n, key in keys.items() if key in found}

    def is_registered(self, topic: str) -> bool:
        return any(topic in names for names in self.names([bucket_number(topic)]).values())

    def register(self, topic: str) -> None:
        """Puts the topic where `names` finds it. It may be there already and be gone: memcached forgets."""
        key, name = self._keys.bucket_of(topic), topic.encode()
        bucket = self._peers.get_many([key]).get(key)
        if bucket is None and self._peers.add(key, name):
            return
        if bucket is None or topic not in decode_value(key, bucket, decode_bucket):
            self._peers.append(key, b"\n" + name)

    def _decode(self, topic: str, data: bytes | None) -> Root:
        return NEVER_USED if data is None else decode_value(self._keys.topic(topic), data, decode_root)
