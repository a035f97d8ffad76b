"""Doing again what others were faster at."""

import random
import time

from gearhorn.errors import StoreUnavailable
from gearhorn.store.memcached_peers import AnswerLost

PAUSE_LIMIT_S = 0.05


class Overtaken(Exception):
    """Another has changed what is being worked on."""


class Attempts:
    """At one thing, which is called `what`, for up to `limit_s` seconds.

    `has_lost_answer`: one of them, of which that is not known, may have done it.
    """

    def __init__(self, limit_s: float, what: str) -> None:
        self.has_lost_answer = False
        self._deadline_s = time.monotonic() + limit_s
        self._what = what
        self._pause_s = 0.001

    def pause(self) -> None:
        """After one that was overtaken: long enough for those who are not in step to get by."""
        if time.monotonic() > self._deadline_s:
            raise StoreUnavailable(f"memcached: others change {self._what} all the time")
        time.sleep(random.uniform(0, self._pause_s))
        self._pause_s = min(2 * self._pause_s, PAUSE_LIMIT_S)

    def lose_answer(self, error: AnswerLost) -> None:
        """The first is forgiven."""
        if self.has_lost_answer:
            raise error
        self.has_lost_answer = True
