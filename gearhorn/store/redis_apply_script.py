"""The Lua that changes lists, and tells in the same step what workers have to hear of it and which ones."""

from typing import NamedTuple

from gearhorn.store.redis_lease_scripts import LEASES, LeaseAnswer
from gearhorn.store.redis_scripts import HEAD, LISTS, Script


class ApplyAnswer(NamedTuple):
    """`is_done` False: nothing was changed and the rest is empty, because there are more subscriptions to end first, or
    because the call came too late. To be asked again by who still waits.

    One of `results` per change: the topic that owns the queue for a collision, otherwise the version, negative if
    nothing was to be done. The next three have one item per topic, in the order in which the changes name them first.
    """

    is_done: bool
    results: list[int | str]
    old_versions: list[int]
    versions: list[int]
    are_settled: list[bool]
    leases: list[LeaseAnswer]
    held_us: int


# Wish: the Unix time in microseconds after which nobody waits for the answer (0: not known), and the changes, each a
# list of topic, queue name, what is wished: false, or a ttl in seconds (0: none), and whether a subscription that is
# there may not end earlier than it would have.
#
# A call may arrive long after its sender gave it up: TCP goes on sending what a broken network held back, also for a
# process that is dead. By then the change may have been made by another call and undone by a later change.
#
# Every pair is in two places, on the list and among the queues. Redis may have lost one of them, by throwing out a key:
# then a subscription that is made again is put there again, and one that is ended is ended.
#
# While leases that were lost may last, nothing is settled: what their workers know may be lost as well.
APPLY = Script.of(
    HEAD
    + LISTS
    + LEASES
    + """
local latest_us, changes = wish[1], wish[2]
local is_late = latest_us > 0 and now_us > latest_us
if is_late or not sweep() then
  finish()
  return reply({false, {}, {}, {}, {}, {}, 0})
end
look_for_losses()

local function is_listed(topic, queue)  -- in the data, whatever this call has changed
  return redis.call('SISMEMBER', list_prefix .. topic, string.sub(queue, #topic + join_bytes + 1)) == 1
end

local function lasts_longer(queue, end_us)  -- than one that ends then, or never (false)
  local found = ends[queue]
  if found == nil then found = redis.call('ZSCORE', expiries, queue) end
  return not found or (end_us and microseconds(found) > end_us)
end

local function subscribe(topic, queue, ttl_s, never_shortens)
  if found[queue] == topic and not is_listed(topic, queue) then found[queue], owners[queue] = false, false end
  local owner = owners[queue]
  if owner and owner ~= topic then return owner end
  local end_us = ttl_s > 0 and now_us + ttl_s * 1000000
  if owner and never_shortens and lasts_longer(queue, end_us) then return -version(topic) end
  if end_us then ends[queue] = seconds(end_us) elseif owner then ends[queue] = false end
  if owner then return -version(topic) end
  owners[queue] = topic
  return raise_version(topic, now)
end

local function unsubscribe(topic, queue)
  if not found[queue] and not owners[queue] and is_listed(topic, queue) then
    found[queue], owners[queue] = topic, topic
  end
  if owners[queue] ~= topic then return -version(topic) end
  return remove(queue, topic, now)
end

local function find_settled(names)  -- of topics that were not raised
  local is_settled, is_unsettled = {}, {}
  if redis.call('ZCARD', unsettled) <= 2 * #names then  -- a call takes longer than a name
    for _, topic in ipairs(redis.call('ZRANGE', unsettled, 0, -1)) do is_unsettled[topic] = true end
  else
    for _, topic in ipairs(names) do is_unsettled[topic] = redis.call('ZSCORE', unsettled, topic) end
  end
  for _, topic in ipairs(names) do is_settled[topic] = held_us == 0 and not is_unsettled[topic] end
  return is_settled
end

local names, queue_names, is_named = {}, {}, {}
for i, change in ipairs(changes) do
  queue_names[i] = change[2]
  if not is_named[change[1]] then
    is_named[change[1]] = true
    table.insert(names, change[1])
  end
end
load(queue_names)
for i, number in ipairs(fetch(versions, names)) do
  known[names[i]] = known[names[i]] or tonumber(number or 0)
end
local results, old_versions, new_versions, are_settled = {}, {}, {}, {}
for i, topic in ipairs(names) do old_versions[i] = known[topic] end
for i, change in ipairs(changes) do
  local topic, queue, wanted = change[1], change[2], change[3]
  results[i] = wanted and subscribe(topic, queue, wanted, change[4]) or unsubscribe(topic, queue)
end

local unchanged = {}
for _, topic in ipairs(names) do
  if not raised[topic] then table.insert(unchanged, topic) end
end
local is_settled = find_settled(unchanged)
for i, topic in ipairs(names) do new_versions[i], are_settled[i] = known[topic], is_settled[topic] or false end
finish()
insist_on_master()
local lasting = list_leases('(' .. now, '+inf')
return reply({true, results, old_versions, new_versions, are_settled, lasting, held_us})
""",
    ApplyAnswer,
)
