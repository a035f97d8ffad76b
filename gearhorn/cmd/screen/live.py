"""The live screen as it is now: the last scene, the order of topics, the interval; and what the keys do to it."""

import asyncio
import contextlib

from rich.console import Group
from rich.text import Text

from gearhorn.cmd.screen.layout import draw
from gearhorn.cmd.screen.scene import Scene, look
from gearhorn.cmd.screen.tables import SORTS
from gearhorn.overview.observer import Observer

INTERVAL_S = 2.0
SHORTEST_INTERVAL_S = 0.25
LONGEST_INTERVAL_S = 600.0

_LOOKING = "looking…"


class LiveView:
    """`press` takes a key. `over` is set when it is time to go."""

    def __init__(self, observer: Observer, interval_s: float, sort: str) -> None:
        self.over = asyncio.Event()
        self.interval_s = min(max(interval_s, SHORTEST_INTERVAL_S), LONGEST_INTERVAL_S)
        self.sort = sort
        self._observer = observer
        self._scene: Scene | None = None
        self._news = asyncio.Event()
        self._wanted = asyncio.Event()

    def press(self, key: str) -> None:
        """Any other key does nothing."""
        if key in "qQ":
            self.over.set()
        elif key in SORTS:
            self.sort = key
        elif key == "+":
            self.interval_s = min(self.interval_s * 2, LONGEST_INTERVAL_S)
        elif key == "-":
            self.interval_s = max(self.interval_s / 2, SHORTEST_INTERVAL_S)
            self._wanted.set()  # the pause that has begun may be a long one
        elif key == " ":
            self._wanted.set()
        self.wake()

    def wake(self) -> None:
        """It has to be drawn anew."""
        self._news.set()

    async def wait_for_news(self) -> None:
        await self._news.wait()
        self._news.clear()

    async def keep_looking(self) -> None:
        """Until cancelled."""
        while True:
            self._scene = await look(self._observer, self._scene)
            self.wake()
            self._wanted.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.interval_s):
                    await self._wanted.wait()

    def draw(self, height: int) -> Group:
        foot = Text(no_wrap=True, overflow="ellipsis", style="dim")
        foot.append(
            f"q quit   b s d n sort, now by {SORTS[self.sort][0]}   space look now   + - every {self.interval_s:g} s"
        )
        if self._scene is None:
            return Group(Text(_LOOKING), foot)
        return Group(draw(self._scene, height - 1, self.sort), foot)
