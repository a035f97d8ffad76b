"""Who has which queue name in memcached. See `may_collide` in names.py for the pairs that need a claim at all.

memcached changes one value at a time, so the claim is made before the pair goes on its list and given up after it left.
What keeps that safe when workers race, stop or die in between:

* A pair that goes on a list makes its claim anew, even if it has one. So whoever took the pair off before, and is
  about to give the claim up, finds it changed and leaves it.
* A claim of a pair that is on no list is another's to take when it is older than `LEFT_OVER_AFTER_S`: its maker died.
* Its maker may also have been held up for so long. Then it looks after the claim again when it is done (`lost`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gearhorn.names import may_collide, queue_name, queue_prefix
from gearhorn.store.memcached_layout import Claim, Keys, decode_value, is_over
from gearhorn.store.memcached_peers import Peers
from gearhorn.store.versions import MICROSECONDS_PER_S

# Longer than any change takes, with room for hosts whose clocks differ.
LEFT_OVER_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    claim: Claim
    token: bytes


class Claims:
    """`find_end` tells when a subscription ends, as `Draft.end_us` does; `clock` gives Unix time in µs."""

    def __init__(
        self,
        peers: Peers,
        keys: Keys,
        find_end: Callable[[str, bytes], int | None],
        clock: Callable[[], int],
    ) -> None:
        self._peers = peers
        self._keys = keys
        self._find_end = find_end
        self._clock = clock

    def take(self, topic: str, wanted: Iterable[bytes], listed: Iterable[bytes]) -> dict[bytes, str]:
        """Claims the queues of clients that want to go on the list, and mends missing ones of those that are on it.

        Returns the clients whose queue name is another pair's, with the topic of that.
        """
        new, old = _judge(topic, wanted), _judge(topic, listed)
        seen = self._look(topic, new + old)
        for client_id in old:
            if client_id not in seen:
                self._peers.add(self._keys.queue(topic, client_id), self._mine(topic))
        owners = {client_id: self._take(topic, client_id, seen.get(client_id)) for client_id in new}
        return {client_id: owner for client_id, owner in owners.items() if owner is not None}

    def hold(self, topic: str, client_ids: Iterable[bytes]) -> dict[str, bytes]:
        """The claims of pairs that are about to leave the list, for `give_up`."""
        seen = self._look(topic, _judge(topic, client_ids))
        return {
            self._keys.queue(topic, client_id): found.token
            for client_id, found in seen.items()
            if found.claim.topic == topic
        }

    def give_up(self, held: dict[str, bytes]) -> None:
        for key, token in held.items():
            self._peers.cas_delete(key, token)

    def lost(self, topic: str, client_ids: Iterable[bytes]) -> dict[bytes, str]:
        """Those of the clients, all of which had a claim, whose claim is another pair's now, with the topic of that."""
        seen = self._look(topic, _judge(topic, client_ids))
        return {client_id: found.claim.topic for client_id, found in seen.items() if found.claim.topic != topic}

    def _take(self, topic: str, client_id: bytes, seen: Seen | None) -> str | None:
        """The topic of the pair that has the queue name; None: it is ours now."""
        key = self._keys.queue(topic, client_id)
        while True:
            if seen is None:
                is_ours = self._peers.add(key, self._mine(topic))
            elif seen.claim.topic != topic and self._is_in_use(topic, client_id, seen.claim):
                return seen.claim.topic
            else:
                is_ours = self._peers.cas(key, self._mine(topic), seen.token)
            if is_ours:
                return None
            seen = self._look(topic, [client_id]).get(client_id)

    def _is_in_use(self, topic: str, client_id: bytes, claim: Claim) -> bool:
        owner_id = queue_name(topic, client_id.decode())[len(queue_prefix(claim.topic)) :]
        end_us = self._find_end(claim.topic, owner_id)
        now_us = self._clock()
        if end_us is not None and not is_over(end_us, now_us):
            return True
        if end_us is not None and claim.made_at_us <= end_us:
            return False  # what it was made for is over
        return claim.made_at_us + LEFT_OVER_AFTER_S * MICROSECONDS_PER_S > now_us

    def _look(self, topic: str, client_ids: Iterable[bytes]) -> dict[bytes, Seen]:
        keys = {client_id: self._keys.queue(topic, client_id) for client_id in client_ids}
        found = self._peers.gets_many(keys.values())
        return {
            client_id: Seen(decode_value(key, found[key][0], Claim.decode), found[key][1])
            for client_id, key in keys.items()
            if key in found
        }

    def _mine(self, topic: str) -> bytes:
        return Claim(topic, self._clock()).encode()


def _judge(topic: str, client_ids: Iterable[bytes]) -> list[bytes]:
    return [client_id for client_id in client_ids if may_collide(topic, client_id.decode())]
