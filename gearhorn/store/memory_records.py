"""Records in the memory of one process; see base.py for what they are. Times are seconds of the store's clock."""

from typing import NamedTuple

from gearhorn.store.base import RecordKey, check_record


class _Record(NamedTuple):
    value: bytes
    ends_s: float
    is_listed: bool


class MemoryRecords:
    def __init__(self) -> None:
        self._records: dict[RecordKey, _Record] = {}

    def claim(self, key: RecordKey, value: bytes, now_s: float, ttl_s: float) -> bytes | None:
        check_record(value)
        found = self.read(key, now_s)
        if found is None:
            self._records[key] = _Record(value, now_s + ttl_s, is_listed=False)
        return found

    def keep(self, key: RecordKey, value: bytes, now_s: float, ttl_s: float, *, is_listed: bool) -> None:
        check_record(value)
        self._sweep(now_s)
        self._records[key] = _Record(value, now_s + ttl_s, is_listed)

    def read(self, key: RecordKey, now_s: float) -> bytes | None:
        self._sweep(now_s)
        record = self._records.get(key)
        return record.value if record else None

    def drop(self, key: RecordKey, value: bytes | None, now_s: float) -> None:
        found = self.read(key, now_s)
        if found is not None and value in (None, found):
            del self._records[key]

    def names(self, kind: str, now_s: float) -> list[str]:
        self._sweep(now_s)
        return sorted(key.name for key, record in self._records.items() if key.kind == kind and record.is_listed)

    def _sweep(self, now_s: float) -> None:
        for key in [key for key, record in self._records.items() if record.ends_s <= now_s]:
            del self._records[key]
