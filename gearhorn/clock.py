"""The clock by which leases are reckoned: nobody sets it, and it counts on while the machine sleeps."""

import time

# Linux has it. Elsewhere the monotonic clock has to do, which may stand still during a suspend.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady_s() -> float:
    """Seconds since some moment in the past, read anew with each call: an event loop's own time may lag behind."""
    return time.clock_gettime(_CLOCK)
