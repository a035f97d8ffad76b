"""The Lua about workers: who holds a lease, what nobody has seen to, and whether the server may have lost leases.

Redis may go back to an older state: when it is started again (even with its data: the last second of an append-only
file may be missing, and with it a renewal, a revocation or a lease), when a replica takes the place of its master, and
when it is emptied. Nothing in the data tells. The *replication id* does: Redis gives itself a new one at each start and
whenever it becomes master (see "Replication ID explained" in its documentation on replication). One of another value
than that in `P:server` means that leases may be lost. It also changes when a master gets its first replica, and an hour
after it lost its last; that does no harm but to hold changes up once. (The run id, which does not, stays the same in a
server that is demoted, loses what it had and is made master again.)

That the data was emptied is told by `P:server` itself: it is missing, or `since` is not what the handle has seen.

After a loss, everybody waits until the longest lease that could be lost has run out. All leases in the data are revoked
and last so long as well, because their last renewal may be what was lost.
"""

from typing import NamedTuple

from gearhorn.store.redis_scripts import HEAD, LISTS, Script

# One renewal is handed so many topics at most; what is left over goes to the next, of whoever comes first.
TOPICS_PER_RENEWAL = 1000

# How long a lease that was lost may last, where no lease is known by which to judge. That of the default configuration.
UNKNOWN_TTL_US = 10_000_000

# worker id, token, microseconds left, whether it is revoked, info
LeaseAnswer = tuple[str, str, int, bool, str]


class RenewalAnswer(NamedTuple):
    """Topics with their versions, and worker ids with their tokens; nothing for a lease that is lost."""

    is_held: bool
    unsettled: list[tuple[str, int]]
    run_out: list[tuple[str, str]]


_CONSTANTS = f"""
local unknown_ttl_us, handout_limit = {UNKNOWN_TTL_US}, {TOPICS_PER_RENEWAL}
"""

LEASES = (
    _CONSTANTS
    + """
local held_us = 0  -- how long a lost lease may last yet

local function replication_id()  -- or nothing, where the user may not ask
  local info = redis.pcall('INFO', 'replication')
  return type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or nil
end

local function revoke_all(held_until_us)
  local found = redis.call('ZRANGE', leases, 0, -1, 'WITHSCORES')
  for i = 1, #found, 2 do
    redis.call('SADD', revoked, found[i])
    if microseconds(found[i + 1]) < held_until_us then
      redis.call('ZADD', leases, seconds(held_until_us), found[i])
    end
  end
end

local function is_lost(kept_since, kept_id, id)
  if kept_since then return id ~= nil and id ~= kept_id end
  return seen_since ~= '' or redis.call('EXISTS', versions) == 1  -- otherwise it was never used
end

local function look_for_losses()
  local kept = redis.call('HMGET', server, 'since', 'replication_id', 'longest_ttl', 'held_until')
  local kept_since, kept_id = kept[1], kept[2]
  local kept_ttl_us, kept_until_us = microseconds(kept[3] or 0), microseconds(kept[4] or 0)
  local id, ttl_us, until_us = replication_id(), math.max(kept_ttl_us, own_ttl_us), kept_until_us
  local lost_ttl_us = ttl_us > 0 and ttl_us or unknown_ttl_us
  since, is_checked = kept_since or seconds(now_us), id ~= nil
  if is_lost(kept_since, kept_id, id) then
    until_us = math.max(until_us, now_us + lost_ttl_us)
    revoke_all(until_us)
  end
  if seen_since ~= '' and seen_since ~= since then  -- emptied, and another handle, which did not know, came first
    until_us = math.max(until_us, microseconds(since) + lost_ttl_us)
  end
  if not kept_since or (id or kept_id) ~= kept_id or ttl_us ~= kept_ttl_us or until_us ~= kept_until_us then
    redis.call('HSET', server, 'since', since, 'replication_id', id or kept_id or '',
      'longest_ttl', seconds(ttl_us), 'held_until', seconds(until_us))
  end
  held_us = math.max(0, until_us - now_us)
end

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

# For one lease, whose worker id and token begin the wish.
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
  add(claims, unsettled, seconds(now_us), topic)
end
write('ZADD', claims)
for _, lease in ipairs(list_leases('-inf', seconds(now_us))) do
  if microseconds(redis.call('ZSCORE', removals, lease[1]) or 0) <= last_claim_us then
    redis.call('ZADD', removals, seconds(now_us), lease[1])
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
