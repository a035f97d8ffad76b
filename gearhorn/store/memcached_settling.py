"""Unsettled topics in memcached: marks them settled, and has those found that nobody sees to. Blocking; any threads.

What is noted of them is in memcached_agenda.py, what is true of them in their roots.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from gearhorn.store.leases import TopicVersion
from gearhorn.store.memcached_agenda import CLAIM, Agenda
from gearhorn.store.memcached_attempts import Attempts
from gearhorn.store.memcached_layout import Keys, Root, bucket_number
from gearhorn.store.memcached_peers import AnswerLost, Peers
from gearhorn.store.memcached_roots import Roots
from gearhorn.store.memcached_search import Search
from gearhorn.store.versions import MICROSECONDS_PER_S


class MemcachedSettling:
    """`sweep` ends what is past its ttl in the list of a topic; `clock` gives Unix time in seconds.

    Times of claims are those of the hosts' own clocks: where these differ, work is done twice, or somewhat later.
    """

    def __init__(
        self,
        peers: Peers,
        prefix: str,
        limit_s: float,
        sweep: Callable[[str], object],
        clock: Callable[[], float] = time.time,
    ) -> None:
        keys = Keys(prefix)
        self._roots = Roots(peers, keys)
        self._agenda = Agenda(peers, keys)
        self._limit_s = limit_s
        self._sweep = sweep
        self._clock = clock

    def settle(self, topics: Sequence[TopicVersion]) -> None:
        """Takes the mark from those that still have the version."""
        seen = self._roots.look_at([topic for topic, _ in topics])
        for topic, version in topics:
            self._settle(topic, version, *seen[topic])
        versions = dict(sorted(topics))  # of a topic that is there twice the newer one
        for number in {bucket_number(topic) for topic in versions}:
            self._agenda.amend(number, lambda note: note.kind == CLAIM and note.since_us <= versions.get(note.topic, 0))

    def find(self, ttl_s: float) -> list[TopicVersion]:
        """Claims what is unsettled, and was claimed by nobody, or not within the last `ttl_s` seconds.

        Subscriptions past their ttl are ended first. Two who look at the same time never find the same.
        """
        now_us, ttl_us = int(self._clock() * MICROSECONDS_PER_S), int(ttl_s * MICROSECONDS_PER_S)
        return Search(self._roots, self._agenda, self._sweep, now_us, ttl_us).run()

    def _settle(self, topic: str, version: int, root: Root, token: bytes | None) -> None:
        attempts = Attempts(self._limit_s, f"the list of {topic!r}")
        while root.version == version and root.claimed_at_us is not None:
            try:
                if self._roots.swap(topic, replace(root, claimed_at_us=None), token):
                    return
                attempts.pause()
            except AnswerLost as error:
                attempts.lose_answer(error)
            root, token = self._roots.look(topic)
