"""How commands end that run until somebody ends them."""

import asyncio
import signal

from gearhorn.client.subscriber import Subscriber


def stop_on_signals(subscriber: Subscriber) -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; the second cuts the end short."""
    stopping = asyncio.Event()

    def stop() -> None:
        if stopping.is_set():
            subscriber.hurry()
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    return stopping
