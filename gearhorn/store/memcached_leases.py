"""The leases of workers in memcached: one value, changed by compare-and-swap. Blocking; any number of threads.

That a change finds every lease under which its list from before may be served takes no step that is one with the
change. Its caller swaps the root first and looks at the leases then. A lease that is not there was taken later, and
what is read under it is read after the change; or it was removed or revoked, so that its renewal finds the registry
changed; or it ran out. That, too, is written down before anybody goes by it (`look`, `revoke`): a renewal may have read
the registry and the time just before.

The clock is that of the server, which all workers see alike. It is up to two ticks behind, so a lease lasts two ticks
longer than its ttl by it: that is never less than by the clock of its worker. A server that was stopped may answer
before it looks at the time again, so a lease counts only when the time is seen to be right after (`_change_in_time`).

The registry is lost when memcached is started again or throws it out. It has an incarnation by which that is seen.

* A handle that has seen another incarnation, and finds none, makes a new registry and names the one that it has seen
  in it as lost. It is held for as long as the longest lease that the handle knows of may last.
* Who finds an incarnation that does not know of the loss of the one that it has seen (a handle that had seen none took
  memcached for new), or not of leases as long as those that it has seen, adds that, and holds the registry. Leases
  taken meanwhile are known, and go on.
* Times of another process of memcached say nothing (it may keep its values when it is started again): as if lost.

A handle that has seen no registry, and finds none, takes memcached for new, and may be wrong. Where there are several
servers, only what the one of the registry does matters here; the lists may be on others.
"""

import math
import secrets
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gearhorn.store.leases import Lease, LeaseKey
from gearhorn.store.memcached_attempts import Attempts
from gearhorn.store.memcached_layout import Keys, decode_value
from gearhorn.store.memcached_peers import TICK_US, AnswerLost, Peers, ServerClock
from gearhorn.store.memcached_registry import Record, Registry, decode_registry, encode_registry
from gearhorn.store.versions import MICROSECONDS_PER_S

# The longest that a lease may last, where none is known.
UNKNOWN_TTL_US = 10 * MICROSECONDS_PER_S

LAG_US = 2 * TICK_US

Edit = Callable[[Registry, int], Registry]  # of a registry, by the time in µs


class _View(NamedTuple):
    registry: Registry
    token: bytes
    clock: ServerClock


class _Step(NamedTuple):
    """A change of the registry that was made, or that there was nothing to do for."""

    before: Registry
    after: Registry
    clock: ServerClock


class MemcachedLeases:
    def __init__(self, peers: Peers, prefix: str, limit_s: float) -> None:
        """`limit_s` bounds the time that one change is tried again because others were faster."""
        self._peers = peers
        self._key = Keys(prefix).leases()
        self._limit_s = limit_s
        self._seen: Registry | None = None  # as it was last

    def look(self) -> tuple[list[Lease], float]:
        """The leases that last, and for how many seconds others may that were lost. No other is renewed from now on."""
        step = self._change(lambda registry, now_us: registry.pass_over(now_us))
        lasting = [lease for lease in step.after.leases(step.clock.now_us) if lease.left_s > 0]
        return lasting, _held_s(step.after, step.clock.now_us)

    def take(self, key: LeaseKey, ttl_s: float, info: str, instead_of: Sequence[str]) -> Lease | None:
        """As `Store.take_lease`."""
        ttl_us, replaceable = _to_us(ttl_s), {*instead_of}

        def edit(registry: Registry, now_us: int) -> Registry:
            if registry.is_taken(key, now_us, replaceable):
                return registry
            replaceable.add(key.token)  # what is there the next time is what is put there now
            return registry.put(key.worker_id, Record(key.token, now_us + LAG_US + ttl_us, info), ttl_us)

        before, _, clock = self._change_in_time(edit)
        is_taken = before.is_taken(key, clock.now_us, replaceable)
        return before.lease(key.worker_id, clock.now_us) if is_taken else None

    def renew(self, key: LeaseKey, ttl_s: float, info: str) -> list[LeaseKey] | None:
        """The leases of others that ran out and are handed to this worker. None: its own cannot be renewed."""
        ttl_us = _to_us(ttl_s)

        def edit(registry: Registry, now_us: int) -> Registry:
            if not registry.can_renew(key, now_us):
                return registry
            record = Record(key.token, now_us + LAG_US + ttl_us, info)
            return registry.put(key.worker_id, record, ttl_us).hand_out(now_us, ttl_us)

        before, after, clock = self._change_in_time(edit)
        return sorted(after.handed_out(before)) if before.can_renew(key, clock.now_us) else None

    def release(self, key: LeaseKey) -> None:
        self._change(lambda registry, _: registry.remove(key))

    def revoke(self, keys: Sequence[LeaseKey]) -> list[float]:
        """As `Store.revoke_leases`."""
        _, after, clock = self._change(lambda registry, now_us: registry.revoke(keys, now_us))
        left_s = {lease.key: max(0.0, lease.left_s) for lease in after.leases(clock.now_us)}
        held_s = _held_s(after, clock.now_us)  # one that is not there may be among those that were lost
        return [left_s.get(key, held_s) for key in keys]

    def forget(self, key: LeaseKey) -> None:
        """As `Store.forget_lease`."""

        def edit(registry: Registry, now_us: int) -> Registry:
            record = registry.find(key)
            return registry if record is None or record.lasts(now_us) else registry.remove(key)

        self._change(edit)

    def leases(self) -> list[Lease]:
        view = self._view(self._attempts())
        return view.registry.leases(view.clock.now_us)

    def _change_in_time(self, edit: Edit) -> _Step:
        """`_change` by a clock that was right: it has not leapt since, nor is it that of a process which is gone."""
        attempts = self._attempts()
        while True:
            step = self._change(edit, attempts)
            now = self._peers.read_clock(self._key)
            if now.process == step.clock.process and now.now_us <= step.clock.now_us + TICK_US:
                return step
            attempts.pause()

    def _change(self, edit: Edit, attempts: Attempts | None = None) -> _Step:
        """Makes the change, if it is one, on a registry that nobody else changes meanwhile.

        A renewal is one even if it leaves everything as it was: it must not miss that the lease is revoked meanwhile.
        """
        attempts = attempts or self._attempts()
        while True:
            before, token, clock = self._view(attempts)
            after = edit(before, clock.now_us)
            if after is before or self._swap(after, token, attempts):
                self._seen = after
                return _Step(before, after, clock)

    def _view(self, attempts: Attempts) -> _View:
        """The registry, which is made or mended first if need be, and the time."""
        while True:
            data, token = self._peers.gets_many([self._key]).get(self._key, (None, None))
            clock = self._peers.read_clock(self._key)
            registry = None if data is None else decode_value(self._key, data, decode_registry)
            if registry is not None and token is not None and self._knows(registry, clock):
                self._seen = registry
                return _View(registry, token, clock)
            self._swap(self._mend(registry, clock), token, attempts)

    def _swap(self, registry: Registry, token: bytes | None, attempts: Attempts) -> bool:
        data = encode_registry(registry)
        try:
            is_ours = self._peers.add(self._key, data) if token is None else self._peers.cas(self._key, data, token)
        except AnswerLost as error:
            attempts.lose_answer(error)
            return False
        if not is_ours:
            attempts.pause()
        return is_ours

    def _knows(self, registry: Registry, clock: ServerClock) -> bool:
        """Whether the registry is good, and the one that this handle has seen, or one that knows enough of its loss."""
        seen = self._seen
        if registry.process != clock.process or seen is None or seen.incarnation == registry.incarnation:
            return registry.process == clock.process
        return seen.incarnation in registry.lost and seen.longest_ttl_us <= registry.longest_ttl_us

    def _mend(self, registry: Registry | None, clock: ServerClock) -> Registry:
        """What is to be in the place of a registry that is not there, or not good."""
        losers = [one for one in (registry, self._seen) if one is not None]
        lost = [incarnation for one in losers for incarnation in (*one.lost, one.incarnation)]
        longest_ttl_us = max((one.longest_ttl_us for one in losers), default=0)
        if registry is None or registry.process != clock.process:
            registry = Registry(secrets.token_hex(8), clock.process)
        if not lost:
            return registry
        return registry.succeed(lost, clock.now_us + LAG_US + (longest_ttl_us or UNKNOWN_TTL_US), longest_ttl_us)

    def _attempts(self) -> Attempts:
        return Attempts(self._limit_s, "the leases")


def _to_us(ttl_s: float) -> int:
    return math.ceil(ttl_s * MICROSECONDS_PER_S)


def _held_s(registry: Registry, now_us: int) -> float:
    return max(0.0, (registry.held_until_us - now_us) / MICROSECONDS_PER_S)
