"""The clocks by which leases are reckoned. Both go on while the machine sleeps, and never go back.

Who waits for the end of somebody's lease must not be early, and who serves under a lease must not be late: so the two
use different clocks where a clock cannot be trusted.
"""

import time
from collections.abc import Callable

# Linux has it. Elsewhere the monotonic clock has to do, which may stand still during a suspend.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

# By less than this the wall clock may run ahead at a time without being believed: it is being adjusted.
_NOTICED_S = 0.1


def steady_s() -> float:
    """Seconds since some moment in the past, read anew with each call: an event loop's own time may lag behind.

    For whoever waits: nobody can set this clock forward.
    """
    return time.clock_gettime(_CLOCK)


class HastyClock:
    """For whoever holds a lease: goes forward with the wall clock, too, when that one leaps.

    A virtual machine that its host has put to sleep finds the steady clock where it was; what tells it that time has
    passed is the wall clock, once that was put right. Where somebody has set it forward by mistake, a lease ends early,
    and a few lists are read from the store. With a wall clock that is set back it does not go back.
    """

    def __init__(self, steady: Callable[[], float] = steady_s, wall: Callable[[], float] = time.time) -> None:
        self._steady = steady
        self._wall = wall
        self._lead_s = wall() - steady()
        self._leapt_s = 0.0

    def __call__(self) -> float:
        steady_s = self._steady()
        lead_s = self._wall() - steady_s
        if abs(lead_s - self._lead_s) > _NOTICED_S:
            self._leapt_s += max(0.0, lead_s - self._lead_s)
            self._lead_s = lead_s
        return steady_s + self._leapt_s
