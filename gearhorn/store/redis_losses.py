"""The Lua that notices when Redis may have lost leases.

Redis may go back to an older state: when it is started again (even with its data: the last second of an append-only
file may be missing, and with it a renewal, a revocation or a lease), when a replica takes the place of its master, and
when it is emptied. Nothing in the data tells. The *replication id* does: Redis gives itself a new one at each start and
whenever it becomes master (see "Replication ID explained" in its documentation on replication). One of another value
than that in `P:server` means that leases may be lost. It also changes when a master gets its first replica, and some
time after it lost its last (`repl-backlog-ttl`, an hour); that does no harm but to hold changes up once. (The run id,
which does not, stays the same in a server that is demoted, loses what it had, and is made master again.)

That the data was emptied is told by `P:server` itself: it is missing, or `since` is not what the handle has seen.

After a loss, changes wait until the longest lease that could be lost has run out. All leases in the data are revoked,
and last so long as well, because their last renewal may be what was lost.

What this cannot see is a master that was cut off, and goes on giving leases after another took its place. Redis can be
told to stop in time: with `min-replicas-to-write 1` and `min-replicas-max-lag` below what makes the sentinels act.
"""

from gearhorn.store.redis_scripts import HEAD, Script

# How long a lease that was lost may last, where no lease is known by which to judge. That of the default configuration.
UNKNOWN_TTL_US = 10_000_000

# Every script about leases begins with `look_for_losses()`, apart from those that only read or settle. INFO takes 5
# microseconds.
LOSSES = (
    f"""
local unknown_ttl_us = {UNKNOWN_TTL_US}
"""
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
  return redis.call('EXISTS', versions, leases) > 0  -- otherwise it was never used, as far as the data tells
end

local function look_for_losses()
  local kept = redis.call('HMGET', server, 'since', 'replication_id', 'longest_ttl', 'held_until')
  local kept_since, kept_id = kept[1], kept[2]
  local kept_ttl_us, kept_until_us = microseconds(kept[3] or 0), microseconds(kept[4] or 0)
  local id, ttl_us, until_us = replication_id(), math.max(kept_ttl_us, own_ttl_us), kept_until_us
  local lost_ttl_us = ttl_us > 0 and ttl_us or unknown_ttl_us
  since, is_checked = kept_since or now, id ~= nil
  if is_lost(kept_since, kept_id, id) then
    until_us = math.max(until_us, now_us + lost_ttl_us)
    revoke_all(until_us)
  end
  if seen_since ~= '' and seen_since ~= since then  -- emptied; another handle may have come first that did not know
    until_us = math.max(until_us, microseconds(since) + lost_ttl_us)
  end
  if not kept_since or (id or kept_id) ~= kept_id or ttl_us ~= kept_ttl_us or until_us ~= kept_until_us then
    redis.call('HSET', server, 'since', since, 'replication_id', id or kept_id or '',
      'longest_ttl', seconds(ttl_us), 'held_until', seconds(until_us))
  end
  held_us = math.max(0, until_us - now_us)
end

-- Removes nothing; but who may not write now says so, even where there was nothing to write: a replica, whose data may
-- be old, and a master that has lost the replicas that it was told to have. It must come last, because Redis looks at
-- its memory only until a script has given its first command that writes.
local function insist_on_master()
  redis.call('HDEL', server, '')
end
"""
)

# Wish: topics whose lists were found empty. Answers `since` of `P:server`, and which of the topics have subscribers as
# far as the rest of the data tells: a server that throws keys out, or a hand that slipped, may have taken the list.
# Only reads, also of a replica and of a server whose memory is full.
EVIDENCE = Script.of(
    HEAD
    + """
local torn = {}
local has_no_names = redis.call('EXISTS', topics) == 0 and redis.call('EXISTS', queues) == 1
for _, topic in ipairs(wish) do
  local is_missing = redis.call('EXISTS', list_prefix .. topic) == 0
  if is_missing and (has_no_names or redis.call('SISMEMBER', topics, topic) == 1) then table.insert(torn, topic) end
end
return reply({redis.call('HGET', server, 'since') or '', torn})
""",
    tuple[str, list[str]],
)
