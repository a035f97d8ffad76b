"""By what a list that memcached has lost is told from one that is empty. Blocking; any number of threads.

Each server has a mark, a value that nobody changes: a server without the mark that was there has been started again or
emptied, or has thrown out more than it should. And the names of topics that have been used are kept beside the lists:
a topic that is named and has no list was thrown out alone.
"""

import secrets
import time
from collections.abc import Callable, Sequence

from gearhorn.store.base import NO_MARK, Evidence
from gearhorn.store.memcached_layout import NEVER_USED, Keys
from gearhorn.store.memcached_peers import Peers
from gearhorn.store.memcached_roots import Roots

# A topic is named before its first list is written. After so long that has been done, or nobody is at it.
WRITING_S = 0.2


class Marks:
    def __init__(self, peers: Peers, prefix: str, pause: Callable[[float], None] = time.sleep) -> None:
        keys = Keys(prefix)
        self._peers = peers
        self._keys = keys
        self._roots = Roots(peers, keys)
        self._pause = pause

    def find_evidence(self, topics: Sequence[str]) -> Evidence:
        homes = self._peers.homes(self._keys.topic(topic) for topic in topics) if topics else self._peers.names
        return Evidence({home: self._mark(home) for home in homes}, self._find_torn(topics))

    def _mark(self, home: str) -> str:
        """Where there is none, one is made: it is another one than any that was seen there before."""
        key = self._keys.mark()
        mark = self._peers.get_at(home, key)
        if mark is None:
            self._peers.add_at(home, key, secrets.token_hex(8).encode())
            mark = self._peers.get_at(home, key)
        return NO_MARK if mark is None else mark.decode("utf-8", "replace")

    def _find_torn(self, topics: Sequence[str]) -> list[str]:
        found = self._roots.find(topics)
        missing = [topic for topic in topics if found[topic] == NEVER_USED and self._roots.is_registered(topic)]
        if missing:
            self._pause(WRITING_S)
        again = self._roots.find(missing)
        gone = [topic for topic in missing if again[topic] == NEVER_USED]
        return gone + [topic for topic in topics if found[topic].is_torn]
