"""The end of the service begins as a wish."""

import asyncio


class Stop:
    """The wish to stop, from a signal or a test. The second wish cuts the drain short."""

    def __init__(self) -> None:
        self.wanted = asyncio.Event()
        self.now = asyncio.Event()

    def ask(self) -> None:
        if self.wanted.is_set():
            self.now.set()
        self.wanted.set()
