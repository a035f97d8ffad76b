"""The Lua that runs inside Redis: one call is one atomic step, of changes together with their versions.

Keys, with the configured prefix (an operator may read them with redis-cli):

| key               | type       | holds                                                                         |
| ----------------- | ---------- | ----------------------------------------------------------------------------- |
| `P:topics`        | set        | topics that have subscribers                                                  |
| `P:topic:<topic>` | set        | client ids                                                                    |
| `P:versions`      | hash       | topic -> version; stays when the last subscriber leaves                       |
| `P:queues`        | hash       | queue name -> topic of the pair that it belongs to; every pair stands in it   |
| `P:expiries`      | sorted set | queue name of a subscription with a ttl, scored with the Unix time of its end |

Names of lists are computed inside the script, so that the keys must live on one node: no Redis Cluster.
"""

import hashlib
from typing import NamedTuple

# Both scripts begin with this. ARGV: prefix of the lists' keys, bytes between topic and client id in a queue name, and
# how many subscriptions to end in one call at most. What happens is first worked out in tables and then written with
# few commands of many arguments (Lua passes up to 8,000), because each command costs as much as a change itself.
# Numbers: a double holds microseconds since 1970 exactly until 2255.
_COMMON = """
local topics, versions, queues, expiries = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local list_prefix, join_bytes, sweep_limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])

local found, owners = {}, {}  -- queue -> topic or false: at the beginning, and now
local ends = {}               -- queue -> when the subscription is to end, or false: not by itself
local known, raised = {}, {}  -- topic -> version, and whether it was raised

local function load(names)
  if #names == 0 then return end
  for i, owner in ipairs(redis.call('HMGET', queues, unpack(names))) do
    if found[names[i]] == nil then found[names[i]], owners[names[i]] = owner, owner end
  end
end

local function version(topic)
  if not known[topic] then known[topic] = tonumber(redis.call('HGET', versions, topic) or 0) end
  return known[topic]
end

local function raise_version(topic)  -- the rule of versions.py
  known[topic], raised[topic] = math.max(version(topic) + 1, now_us), true
  return known[topic]
end

local function remove(queue, topic)
  owners[queue], ends[queue] = false, false
  return raise_version(topic)
end

local function score(ttl_s)
  return string.format('%.6f', now_us / 1000000 + ttl_s)
end

local function sweep()  -- whether nothing that is due is left
  local due = redis.call('ZRANGEBYSCORE', expiries, '-inf', score(0), 'LIMIT', 0, sweep_limit)
  load(due)
  for _, queue in ipairs(due) do
    ends[queue] = false
    if owners[queue] then remove(queue, owners[queue]) end
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

local function finish()
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
  for topic in pairs(raised) do
    redis.call('HSET', versions, topic, string.format('%.0f', known[topic]))
    local is_used = redis.call('EXISTS', list_prefix .. topic) == 1
    redis.call(is_used and 'SADD' or 'SREM', topics, topic)
  end
end
"""

# Answers 1, or 0 if there are more to end.
_SWEEP = """
local is_swept = sweep()
finish()
return is_swept and 1 or 0
"""

# ARGV[4]: the changes in MessagePack, each a list of topic, queue name and what is wished: false, or a ttl in seconds
# (0: none). Answers an empty list, with nothing changed, if there are more subscriptions to end first; else one item
# per change: the topic that owns the queue for a collision, otherwise the version, negative if nothing was to be done.
_APPLY = """
if not sweep() then
  finish()
  return {}
end

local function subscribe(topic, queue, ttl_s)
  local owner = owners[queue]
  if owner and owner ~= topic then return owner end
  if ttl_s > 0 then ends[queue] = score(ttl_s) elseif owner then ends[queue] = false end
  if owner then return -version(topic) end
  owners[queue] = topic
  return raise_version(topic)
end

local function unsubscribe(topic, queue)
  if owners[queue] ~= topic then return -version(topic) end
  return remove(queue, topic)
end

local changes, names, answers = cmsgpack.unpack(ARGV[4]), {}, {}
for i, change in ipairs(changes) do names[i] = change[2] end
load(names)
for i, change in ipairs(changes) do
  local topic, queue, wish = change[1], change[2], change[3]
  answers[i] = wish and subscribe(topic, queue, wish) or unsubscribe(topic, queue)
end
finish()
return answers
"""


class Script(NamedTuple):
    """`sha` is the name that Redis knows it by."""

    text: str
    sha: str

    @classmethod
    def of(cls, text: str) -> "Script":
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


SWEEP = Script.of(_COMMON + _SWEEP)
APPLY = Script.of(_COMMON + _APPLY)
