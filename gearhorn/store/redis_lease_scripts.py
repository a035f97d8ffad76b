"""The Lua about workers: who holds a lease, and what nobody has seen to."""

from typing import NamedTuple

from gearhorn.store.redis_losses import LOSSES
from gearhorn.store.redis_scripts import HEAD, LISTS, Script

# One renewal is handed so many topics at most; what is left over goes to the next, of whoever comes first.
TOPICS_PER_RENEWAL = 1000

# worker id, token, microseconds left, whether it is revoked, info
LeaseAnswer = tuple[str, str, int, bool, str]


class RenewalAnswer(NamedTuple):
    """Topics with their versions, and worker ids with their tokens; nothing for a lease that is lost."""

    is_held: bool
    unsettled: list[tuple[str, int]]
    run_out: list[tuple[str, str]]


# For whoever lists leases.
LEASES = (
    LOSSES
    + """
local function describe(ids, ends_us)
  local found_tokens, found_infos, is_revoked, answers = fetch(tokens, ids), fetch(infos, ids), {}, {}
  for _, id in ipairs(redis.call('SMEMBERS', revoked)) do is_revoked[id] = true end
  for i, id in ipairs(ids) do
    answers[i] = {id, found_tokens[i] or '', ends_us[i] - now_us, is_revoked[id] or false, found_infos[i] or ''}
  end
  return answers
end

local function list_leases(first, last)  -- those that run out between the two
  local found, ids, ends_us = redis.call('ZRANGEBYSCORE', leases, first, last, 'WITHSCORES'), {}, {}
  for i = 1, #found, 2 do
    table.insert(ids, found[i])
    table.insert(ends_us, microseconds(found[i + 1]))
  end
  return describe(ids, ends_us)
end
"""
)

# For whoever deals with leases one by one.
_LEASE = (
    LEASES
    + """
local function end_us(id)
  return microseconds(redis.call('ZSCORE', leases, id) or 0)
end

local function is_there(id, token)
  return redis.call('HGET', tokens, id) == token
end

local function drop(id)
  redis.call('ZREM', leases, id)
  redis.call('HDEL', tokens, id)
  redis.call('HDEL', infos, id)
  redis.call('SREM', revoked, id)
  redis.call('ZREM', removals, id)
end

look_for_losses()
"""
)

# Wish: worker id, token, ttl in microseconds, info, tokens of leases that it may replace. Answers nothing, or the lease
# that is in the way. One under the new token was taken by the same call, whose answer was lost on the way.
TAKE = Script.of(
    HEAD
    + _LEASE
    + """
local id, token, ttl_us, info, instead_of = unpack(wish)
local ends_us, may_replace = end_us(id), is_there(id, token)
for _, old in ipairs(instead_of) do may_replace = may_replace or is_there(id, old) end
if ends_us > now_us and not may_replace then return reply(describe({id}, {ends_us})) end
redis.call('ZADD', leases, seconds(now_us + ttl_us), id)
redis.call('HSET', tokens, id, token)
redis.call('HSET', infos, id, info)
redis.call('SREM', revoked, id)
redis.call('ZREM', removals, id)
return reply({})
""",
    list[LeaseAnswer],
)

# Wish: worker id, token, ttl in microseconds, info.
RENEW = Script.of(
    HEAD
    + LISTS
    + _LEASE
    + f"local handout_limit = {TOPICS_PER_RENEWAL}"
    + """
local id, token, ttl_us, info = unpack(wish)
local is_revoked = redis.call('SISMEMBER', revoked, id) == 1
if is_revoked or end_us(id) <= now_us or not is_there(id, token) then return reply({false, {}, {}}) end
redis.call('ZADD', leases, seconds(now_us + ttl_us), id)
redis.call('HSET', infos, id, info)
sweep()
finish()

local last_claim_us = now_us - ttl_us
local names = redis.call('ZRANGEBYSCORE', unsettled, '-inf', seconds(last_claim_us), 'LIMIT', 0, handout_limit)
local changed, claims, run_out = fetch(versions, names), {}, {}
for i, topic in ipairs(names) do
  changed[i] = {topic, tonumber(changed[i] or 0)}
  add(claims, unsettled, now, topic)
end
write('ZADD', claims)
for _, lease in ipairs(list_leases('-inf', now)) do
  if microseconds(redis.call('ZSCORE', removals, lease[1]) or 0) <= last_claim_us then
    redis.call('ZADD', removals, now, lease[1])
    table.insert(run_out, {lease[1], lease[2]})
  end
end
return reply({true, changed, run_out})
""",
    RenewalAnswer,
)

# Wish: worker id, token.
RELEASE = Script.of(
    HEAD
    + _LEASE
    + """
if is_there(wish[1], wish[2]) then drop(wish[1]) end
return reply(false)
""",
    bool,
)

# Wish: worker id, token.
FORGET = Script.of(
    HEAD
    + _LEASE
    + """
if is_there(wish[1], wish[2]) and end_us(wish[1]) <= now_us then drop(wish[1]) end
return reply(false)
""",
    bool,
)

# Wish: pairs of worker id and token. Answers microseconds; for one that is not there, how long it may last if it was
# lost.
REVOKE = Script.of(
    HEAD
    + _LEASE
    + """
local left_us = {}
for i, key in ipairs(wish) do
  local id, token = key[1], key[2]
  if is_there(id, token) then
    left_us[i] = math.max(0, end_us(id) - now_us)
    if left_us[i] > 0 then redis.call('SADD', revoked, id) end
  else
    left_us[i] = held_us
  end
end
insist_on_master()
return reply(left_us)
""",
    list[int],
)

# Every lease. Only reads, also of a server whose memory is full.
LIST = Script.of(HEAD + LEASES + "return reply(list_leases('-inf', '+inf'))", list[LeaseAnswer])

# Wish: pairs of topic and version.
SETTLE = Script.of(
    HEAD
    + """
local names, settled = {}, {}
for i, topic in ipairs(wish) do names[i] = topic[1] end
for i, version in ipairs(fetch(versions, names)) do
  if tonumber(version or 0) == wish[i][2] then table.insert(settled, names[i]) end
end
if #settled > 0 then redis.call('ZREM', unsettled, unpack(settled)) end
return reply(false)
""",
    bool,
)
