"""The Lua that runs inside Redis: one call is one atomic step. Here is what all scripts share; the first of them ends
what is past its ttl, `redis_apply_script.py` changes lists, and `redis_lease_scripts.py` is about workers.

Keys, with the configured prefix (an operator may read them with redis-cli):

| key                      | type       | holds                                                                       |
| ------------------------ | ---------- | --------------------------------------------------------------------------- |
| `P:topics`               | set        | topics that have subscribers                                                |
| `P:topic:<topic>`        | set        | client ids                                                                  |
| `P:versions`             | hash       | topic -> version; stays when the last subscriber leaves                     |
| `P:queues`               | hash       | queue name -> topic of the pair that it belongs to; every pair stands in it |
| `P:expiries`             | sorted set | queue name of a subscription with a ttl, scored with its end in Unix time   |
| `P:unsettled`            | sorted set | topic whose version not all workers know, scored with the Unix time at      |
|                          |            | which somebody claimed to see to it; 0: nobody has                          |
| `P:leases`               | sorted set | worker id, scored with the Unix time at which its lease runs out            |
| `P:tokens`               | hash       | worker id -> token of its lease                                             |
| `P:infos`                | hash       | worker id -> what it says of itself, in JSON                                |
| `P:revoked`              | set        | worker ids whose lease cannot be renewed                                    |
| `P:removals`             | sorted set | worker id whose lease ran out, scored with the Unix time at which somebody  |
|                          |            | was told to remove it                                                       |
| `P:server`               | hash       | by what losses are noticed, see `redis_losses.py`; times in Unix time:      |
|                          |            | `since` when it was first written, `replication_id` that the server had     |
|                          |            | last, `longest_ttl` of all leases in seconds, `held_until` when lost        |
|                          |            | leases have run out                                                         |
| `P:record:<kind>:<name>` | string     | a record; Redis itself ends it                                              |
| `P:records:<kind>`       | set        | names of records that were kept, some of which may have ended               |

Names of lists are computed inside the script, so that the keys must live on one node: no Redis Cluster.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from gearhorn.names import queue_prefix

Result = TypeVar("Result")

# The keys that every script is given, in this order, each behind the prefix.
KEYS = (
    *("topics", "versions", "queues", "expiries", "unsettled"),
    *("leases", "tokens", "infos", "revoked", "removals", "server"),
)

# One call ends so many subscriptions at most. Redis serves nobody else meanwhile, for two milliseconds or so.
SWEEPS_PER_CALL = 500


class Answer(msgspec.Struct, Generic[Result], array_like=True):
    """What a script answers. All but `result` is for `RedisCalls`: see there. `now_us` is the server's Unix time."""

    result: Result
    since: str
    is_checked: bool
    now_us: int


@dataclass(frozen=True)
class Script(Generic[Result]):
    """`sha` is the name that Redis knows it by. `looks_for_losses`: it does what redis_losses.py tells."""

    text: str
    sha: str
    decoder: "msgspec.msgpack.Decoder[Answer[Result]]"
    looks_for_losses: bool

    @classmethod
    def of(cls, text: str, result: type[Result]) -> "Script[Result]":
        sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        decoder: Any = msgspec.msgpack.Decoder(Answer[result])  # type: ignore[valid-type]
        return cls(text, sha, decoder, "\nlook_for_losses()\n" in text)


# Every script begins with this. ARGV: the prefix of the lists' keys; what is wished, in MessagePack; and what the
# handle knows: `since` of `P:server` ('': nothing), and its own longest ttl in microseconds. Answers are MessagePack
# as well, because one string is read faster than a thousand numbers.
# Numbers: a double holds microseconds since 1970 exactly until 2255. A command takes up to 8,000 arguments from Lua.
HEAD = (
    f"""
local join_bytes, sweep_limit = {len(queue_prefix(""))}, {SWEEPS_PER_CALL}
"""
    + """
local topics, versions, queues, expiries, unsettled = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local leases, tokens, infos, revoked, removals, server = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local list_prefix, wish, seen_since, own_ttl_us = ARGV[1], cmsgpack.unpack(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local time = redis.call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local since, is_checked = '', true

local function seconds(us) return string.format('%.6f', us / 1000000) end
local now = seconds(now_us)
local function microseconds(text) return math.floor(tonumber(text) * 1000000 + 0.5) end
local function reply(result) return cmsgpack.pack({result, since, is_checked, now_us}) end

local function fetch(hash, fields, first)  -- values, false for what is not there
  first = first or 1
  if first > #fields then return {} end
  local last = math.min(first + 4999, #fields)
  local values = redis.call('HMGET', hash, unpack(fields, first, last))
  for _, value in ipairs(fetch(hash, fields, last + 1)) do table.insert(values, value) end
  return values
end
"""
)

# For changes of lists. What happens is first worked out in tables and then written with few commands of many arguments,
# because each command costs as much as a change itself.
LISTS = """
local found, owners = {}, {}  -- queue -> topic or false: at the beginning, and now
local ends = {}               -- queue -> when the subscription is to end, or false: not by itself
local known, raised = {}, {}  -- topic -> version; and, if it was raised, when it was claimed

local function load(names)
  for i, owner in ipairs(fetch(queues, names)) do
    if found[names[i]] == nil then found[names[i]], owners[names[i]] = owner, owner end
  end
end

local function version(topic)
  if not known[topic] then known[topic] = tonumber(redis.call('HGET', versions, topic) or 0) end
  return known[topic]
end

local function raise_version(topic, claimed_at)  -- the rule of versions.py
  known[topic], raised[topic] = math.max(version(topic) + 1, now_us), claimed_at
  return known[topic]
end

local function remove(queue, topic, claimed_at)
  owners[queue], ends[queue] = false, false
  return raise_version(topic, claimed_at)
end

local function sweep()  -- whether nothing that is due is left
  local due = redis.call('ZRANGEBYSCORE', expiries, '-inf', now, 'LIMIT', 0, sweep_limit)
  load(due)
  for _, queue in ipairs(due) do
    ends[queue] = false
    if owners[queue] then remove(queue, owners[queue], '0') end
  end
  return #due < sweep_limit
end

local function add(lists, key, ...)
  lists[key] = lists[key] or {}
  for _, item in ipairs({...}) do table.insert(lists[key], item) end
end

local function write(command, lists)
  for key, items in pairs(lists) do redis.call(command, key, unpack(items)) end
end

local function write_lists()
  local hset, hdel, sadd, srem, zadd, zrem = {}, {}, {}, {}, {}, {}
  for queue, owner in pairs(owners) do
    local was = found[queue]
    if was ~= owner then
      if was then add(srem, list_prefix .. was, string.sub(queue, #was + join_bytes + 1)) end
      if owner then add(sadd, list_prefix .. owner, string.sub(queue, #owner + join_bytes + 1)) end
      if owner then add(hset, queues, queue, owner) else add(hdel, queues, queue) end
    end
  end
  for queue, at in pairs(ends) do
    if at then add(zadd, expiries, at, queue) else add(zrem, expiries, queue) end
  end
  write('SREM', srem); write('SADD', sadd); write('HSET', hset); write('HDEL', hdel)
  write('ZADD', zadd); write('ZREM', zrem)
end

local function finish()
  write_lists()
  local hset, sadd, srem, zadd = {}, {}, {}, {}
  for topic, claimed_at in pairs(raised) do
    add(hset, versions, topic, string.format('%.0f', known[topic]))
    add(zadd, unsettled, claimed_at, topic)
    add(redis.call('EXISTS', list_prefix .. topic) == 1 and sadd or srem, topics, topic)
  end
  write('HSET', hset); write('ZADD', zadd); write('SADD', sadd); write('SREM', srem)
end
"""

# Whether nothing is left that is past its ttl. Tells `since`, so that a handle knows from its beginning what was there.
SWEEP = Script.of(
    HEAD
    + LISTS
    + """
local is_swept = sweep()
finish()
since = redis.call('HGET', server, 'since') or ''
return reply(is_swept)
""",
    bool,
)
