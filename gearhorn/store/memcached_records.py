"""Records in memcached: values that end by themselves, and a list of the names of each kind.

memcached changes one value at a time. A name is put on the list behind its record, and that is a change of the list
even if it is there already; it is taken off by one who has read the list before seeing that the record is gone. So
whoever is overtaken in between leaves no record without its name. Blocking; any number of threads.
"""

import math
import random
import time
from collections.abc import Callable, Collection
from functools import partial

from gearhorn.store.base import RecordKey, check_record
from gearhorn.store.memcached_attempts import Attempts
from gearhorn.store.memcached_layout import Keys, decode_bucket, decode_value
from gearhorn.store.memcached_peers import TICK_US, AnswerLost, Peers
from gearhorn.store.record_notes import RecordNotes
from gearhorn.store.versions import MICROSECONDS_PER_S

# memcached takes more seconds than these for a Unix time: REALTIME_MAXDELTA in memcached.c.
LONGEST_DELTA_S = 60 * 60 * 24 * 30

# More than are put on the list: so at most every other name is one of a record that has ended.
LOOKED_AT_COUNT = 3

Names = set[str]


class MemcachedRecords:
    """See `Store` for what the calls promise. A record lasts up to two seconds longer than it should."""

    def __init__(self, peers: Peers, prefix: str, limit_s: float) -> None:
        """`limit_s` bounds the time that one change is tried again because others were faster."""
        self._peers = peers
        self._keys = Keys(prefix)
        self._limit_s = limit_s
        self._notes = RecordNotes()

    def claim(self, key: RecordKey, value: bytes, ttl_s: float) -> bytes | None:
        check_record(value)
        attempts, record = self._attempts(key), self._keys.record(key)
        while True:
            if self._try(attempts, partial(self._peers.add, record, value, _to_expiry_s(ttl_s))):
                return None
            found = self.read(key)
            if found is not None:
                return found
            attempts.pause()

    def keep(self, key: RecordKey, value: bytes, ttl_s: float, *, is_listed: bool) -> None:
        check_record(value)
        self._peers.set(self._keys.record(key), value, _to_expiry_s(ttl_s))
        if is_listed and self._notes.is_due(key):
            self._change_names(key, lambda names: names - self._gone(key.kind, _some(names)) | {key.name})
            self._notes.add(key)

    def read(self, key: RecordKey) -> bytes | None:
        record = self._keys.record(key)
        return self._peers.get_many([record]).get(record)

    def drop(self, key: RecordKey, value: bytes | None) -> None:
        if self._delete(key, value):
            self._notes.remove(key)
            self._change_names(key, lambda names: names - self._gone(key.kind, names & {key.name}))

    def names(self, kind: str) -> list[str]:
        names, token = self._read_names(kind)
        gone = self._gone(kind, names)
        if gone and token is not None:
            # If another is faster, the next reader tidies up.
            self._try(self._attempts(RecordKey(kind, "")), partial(self._swap_names, kind, names - gone, token))
        return sorted(names - gone)

    def _delete(self, key: RecordKey, value: bytes | None) -> bool:
        """Whether it is gone."""
        attempts, record = self._attempts(key), self._keys.record(key)
        while True:
            found, token = self._peers.gets_many([record]).get(record, (None, b""))
            if found is None or (value is not None and value != found):
                return found is None
            if self._try(attempts, partial(self._peers.cas_delete, record, token)):
                return True
            attempts.pause()

    def _gone(self, kind: str, names: Collection[str]) -> Names:
        """Those whose records are not there."""
        records = {name: self._keys.record(RecordKey(kind, name)) for name in names}
        found = self._peers.get_many(records.values())
        return {name for name, record in records.items() if record not in found}

    def _change_names(self, key: RecordKey, edit: Callable[[Names], Names]) -> None:
        attempts = self._attempts(key)
        while True:
            before, token = self._read_names(key.kind)
            after = edit(before)
            if key.name not in before | after:
                return
            if self._try(attempts, partial(self._swap_names, key.kind, after, token)):
                return
            attempts.pause()

    def _read_names(self, kind: str) -> tuple[Names, bytes | None]:
        """With the token that a change of them needs; None: there is no list."""
        key = self._keys.records(kind)
        data, token = self._peers.gets_many([key]).get(key, (None, None))
        return (set() if data is None else set(decode_value(key, data, decode_bucket)), token)

    def _swap_names(self, kind: str, names: Names, token: bytes | None) -> bool:
        key, data = self._keys.records(kind), "\n".join(sorted(names)).encode()
        if token is None:
            return self._peers.add(key, data)
        return self._peers.cas(key, data, token) if names else self._peers.cas_delete(key, token)

    def _try(self, attempts: Attempts, step: Callable[[], bool]) -> bool:
        try:
            return step()
        except AnswerLost as error:
            attempts.lose_answer(error)
            return False

    def _attempts(self, key: RecordKey) -> Attempts:
        return Attempts(self._limit_s, f"the records of the kind {key.kind}")


def _some(names: Collection[str]) -> list[str]:
    return random.sample(sorted(names), min(len(names), LOOKED_AT_COUNT))


def _to_expiry_s(ttl_s: float) -> int:
    """A value is gone at the beginning of the second that its time is up in: one more, so that it lasts long enough."""
    whole_s = math.ceil(ttl_s) + TICK_US // MICROSECONDS_PER_S
    return whole_s if whole_s <= LONGEST_DELTA_S else math.ceil(time.time()) + whole_s
