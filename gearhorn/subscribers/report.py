"""What the watching worker knows, as it is kept in the store: for the worker that takes its place, for those that go by
its pauses, and for people.

The record `head` says how many parts there are, and in which of two sets; it is written after them. So a reader finds
parts that belong together, unless it takes longer than the next look.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

import msgspec

from gearhorn.core.health import DEAD, IDLE, SUSPECT, Case
from gearhorn.store.base import RECORD_LIMIT_BYTES, RecordKey, Store
from gearhorn.subscribers.aside import reckon

KIND = "subscribers"
HEAD = RecordKey(KIND, "head")

_STATES = (IDLE, SUSPECT, DEAD)
# As JSON an entry is smaller than its name in escapes and this.
_ENTRY_BYTES = 120
_PART_BYTES = RECORD_LIMIT_BYTES * 9 // 10


class _Entry(msgspec.Struct, array_like=True):
    queue: str
    topic_bytes: int
    since_s: float
    backlog_count: int
    over_s: float
    alone_s: float
    told: int
    is_paused: bool
    is_dropped: bool


class _Head(msgspec.Struct):
    look: int
    part_count: int
    paused_count: int


_encode = msgspec.json.Encoder().encode
_decode_head = msgspec.json.Decoder(_Head).decode
_decode_part = msgspec.json.Decoder(list[_Entry]).decode


class Report(NamedTuple):
    """`look` counts the looks of all watching workers, one after the other."""

    look: int
    paused_count: int
    cases: dict[bytes, Case]


NOTHING = Report(0, 0, {})


def owner_of(queue: bytes, case: Case) -> tuple[str, str]:
    """Topic and client id of the subscriber whose queue it is. Only for a case that has one."""
    return queue[: case.topic_bytes].decode(), queue[case.topic_bytes + 1 :].decode()


async def write_report(store: Store, look: int, cases: Mapping[bytes, Case], ttl_s: float) -> None:
    parts = await reckon(len(cases), lambda: [_encode(part) for part in _parts(cases)])
    for number, part in enumerate(parts):
        await store.keep_record(_part_key(look, number), part, ttl_s)
    paused_count = sum(case.is_paused for case in cases.values())
    await store.keep_record(HEAD, _encode(_Head(look, len(parts), paused_count)), ttl_s)


async def read_report(store: Store) -> Report | None:
    """None: there is none, or not all of it."""
    head = await _read_head(store)
    if head is None:
        return None
    cases: dict[bytes, Case] = {}
    for number in range(head.part_count):
        part = await store.read_record(_part_key(head.look, number))
        if part is None:
            return None
        cases.update(await reckon(len(part) // _ENTRY_BYTES, partial(_read_part, part)))
    return Report(head.look, head.paused_count, cases)


async def read_paused(store: Store) -> list[tuple[str, str]] | None:
    """Topics and client ids; None: nobody can tell. While nobody is paused, this is one question to the store."""
    head = await _read_head(store)
    if head is None or not head.paused_count:
        return None if head is None else []
    report = await read_report(store)
    if report is None:
        return None
    return await reckon(len(report.cases), lambda: paused_of(report.cases))


def paused_of(cases: Mapping[bytes, Case]) -> list[tuple[str, str]]:
    return [owner_of(queue, case) for queue, case in cases.items() if case.is_paused]


async def _read_head(store: Store) -> _Head | None:
    value = await store.read_record(HEAD)
    try:
        return None if value is None else _decode_head(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # of another version


def _part_key(look: int, number: int) -> RecordKey:
    return RecordKey(KIND, f"part-{look % 2}-{number}")


def _parts(cases: Mapping[bytes, Case]) -> Iterator[list[_Entry]]:
    entries: list[_Entry] = []
    size_bytes = 0
    for entry in _entries(cases):
        size_bytes += len(_encode(entry.queue)) + _ENTRY_BYTES
        if size_bytes > _PART_BYTES:
            yield entries
            entries, size_bytes = [], len(_encode(entry.queue)) + _ENTRY_BYTES
        entries.append(entry)
    if entries:
        yield entries


def _entries(cases: Mapping[bytes, Case]) -> Iterable[_Entry]:
    for queue, case in cases.items():
        try:
            name = queue.decode()
        except UnicodeDecodeError:
            continue  # it is no subscriber's
        yield _Entry(
            name,
            case.topic_bytes,
            round(case.since_s, 1),
            case.backlog_count,
            round(case.over_s, 3),
            round(case.alone_s, 3),
            _STATES.index(case.told),
            case.is_paused,
            case.is_dropped,
        )


def _read_part(value: bytes) -> dict[bytes, Case]:
    try:
        entries = _decode_part(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return {entry.queue.encode(): _case(entry) for entry in entries}


def _case(entry: _Entry) -> Case:
    return Case(
        entry.since_s,
        entry.backlog_count,
        entry.over_s,
        entry.alone_s,
        entry.topic_bytes,
        _STATES[entry.told],
        entry.is_paused,
        entry.is_dropped,
    )
