"""Feeds systemd's watchdog from the event loop that does the work: while that is stuck, nothing is fed.

Source: sd_watchdog_enabled(3). WATCHDOG_USEC is how long systemd waits, in microseconds; WATCHDOG_PID whom it means.
"""

import asyncio
import os
from collections.abc import Mapping

from gearhorn.systemd import notify

# Fed so many times before it would bite: one tick may be late.
FEEDS_PER_LIMIT = 3


def feed_interval_s(environ: Mapping[str, str]) -> float | None:
    """None: nobody wants to be fed."""
    limit_us = environ.get("WATCHDOG_USEC", "")
    if not (limit_us.isascii() and limit_us.isdigit() and int(limit_us)):
        return None
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(limit_us) / 1e6 / FEEDS_PER_LIMIT


async def feed_watchdog(environ: Mapping[str, str] = os.environ) -> None:
    """Until cancelled, if it is wanted at all.

    By the loop's own timers: those of the jobs' connections come by the same way, in the same turn of the loop.
    """
    interval_s = feed_interval_s(environ)
    while interval_s is not None:
        notify("WATCHDOG=1")
        await asyncio.sleep(interval_s)
