"""Records in Redis: plain keys that end by themselves, and a set of the names of each kind.

A name is put in the set behind its record, and taken out by a script that sees that the record is not there: so whoever
is overtaken in between leaves no record without its name. One that ended by itself stays there until somebody reads
the set; or comes across it, because whoever puts a name in looks at some others.
"""

import msgspec

from gearhorn.store.base import RecordKey, check_record
from gearhorn.store.record_notes import RecordNotes
from gearhorn.store.redis_calls import Command, RedisCalls
from gearhorn.store.redis_scripts import HEAD, Script

MILLISECONDS_PER_S = 1000

NAMES_PER_CALL = 500

# The wish: the key of the set, the keys of records without their names, and a name. More are looked at than put in: so
# at most every other name is one of a record that has ended.
NOTE = Script.of(
    HEAD
    + """
local set, prefix, name = unpack(wish)
redis.call('SADD', set, name)
for _, other in ipairs(redis.call('SRANDMEMBER', set, 3)) do
  if redis.call('EXISTS', prefix .. other) == 0 then redis.call('SREM', set, other) end
end
return reply(true)
""",
    bool,
)

# The wish: the key of the set, the key of the record, its name, and the value that it must have, or false.
DROP = Script.of(
    HEAD
    + """
local set, record, name, value = unpack(wish)
local is_dropped = not value or redis.call('GET', record) == value
if is_dropped then redis.call('DEL', record); redis.call('SREM', set, name) end
return reply(is_dropped)
""",
    bool,
)

# The wish: the key of the set, the keys of records without their names, and the names.
TIDY = Script.of(
    HEAD
    + """
local set, prefix, names = unpack(wish)
for _, name in ipairs(names) do
  if redis.call('EXISTS', prefix .. name) == 0 then redis.call('SREM', set, name) end
end
return reply(true)
""",
    bool,
)


class RedisRecords:
    """See `Store` for what the calls promise."""

    def __init__(self, calls: RedisCalls, prefix: str) -> None:
        self._calls = calls
        self._prefix = prefix
        self._notes = RecordNotes()

    async def claim(self, key: RecordKey, value: bytes, ttl_s: float) -> bytes | None:
        """In two commands: SET that answers with the value from before takes no NX until Redis 7."""
        check_record(value)
        record = self._record(key)
        claim: Command = ("SET", record, value, "PX", _to_ms(ttl_s), "NX")
        while True:
            is_made, found = await self._calls.execute([claim, ("GET", record)])
            if is_made:
                return None
            if found is not None:  # and has not ended in between
                return bytes(found)

    async def keep(self, key: RecordKey, value: bytes, ttl_s: float, *, is_listed: bool) -> None:
        check_record(value)
        await self._calls.execute([("SET", self._record(key), value, "PX", _to_ms(ttl_s))])
        if is_listed and self._notes.is_due(key):
            await self._calls.run(NOTE, (self._set(key.kind), self._record(RecordKey(key.kind, "")), key.name))
            self._notes.add(key)

    async def read(self, key: RecordKey) -> bytes | None:
        [found] = await self._calls.execute([("GET", self._record(key))])
        return None if found is None else bytes(found)

    async def drop(self, key: RecordKey, value: bytes | None) -> None:
        self._notes.remove(key)
        wished = False if value is None else _as_string(value)
        await self._calls.run(DROP, (self._set(key.kind), self._record(key), key.name, wished))

    async def names(self, kind: str) -> list[str]:
        [found] = await self._calls.execute([("SMEMBERS", self._set(kind))])
        names = sorted(name.decode() for name in found)
        kept: list[str] = []
        for start in range(0, len(names), NAMES_PER_CALL):
            kept += await self._look_for(kind, names[start : start + NAMES_PER_CALL])
        return kept

    async def _look_for(self, kind: str, names: list[str]) -> list[str]:
        """Those whose records are there."""
        answers = await self._calls.execute([("EXISTS", self._record(RecordKey(kind, name))) for name in names])
        gone = [name for name, is_there in zip(names, answers, strict=True) if not is_there]
        if gone:
            await self._calls.run(TIDY, (self._set(kind), self._record(RecordKey(kind, "")), gone))
        return [name for name, is_there in zip(names, answers, strict=True) if is_there]

    def _record(self, key: RecordKey) -> str:
        return f"{self._prefix}:record:{key.kind}:{key.name}"

    def _set(self, kind: str) -> str:
        return f"{self._prefix}:records:{kind}"


def _to_ms(ttl_s: float) -> str:
    return str(max(1, round(ttl_s * MILLISECONDS_PER_S)))


def _as_string(value: bytes) -> msgspec.Raw:
    """Any bytes as a string of MessagePack: the one inside Redis is older than the type for bytes."""
    return msgspec.Raw(b"\xdb" + len(value).to_bytes(4) + value)
