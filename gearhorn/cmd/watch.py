"""`gearhorn subscribers --watch`: shows a list, and then who joins and who leaves.

It subscribes to the topic where workers tell each other of changes, as any program may. It holds no lease, so nobody
waits for it; that is why a message may be missing, and why the list is read again now and then.
"""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Iterable

from gearhorn.client.copies import Copy
from gearhorn.client.subscriber import Subscriber
from gearhorn.client.waiting import wait_for_first
from gearhorn.cmd import exits
from gearhorn.cmd.lookups import opened_store
from gearhorn.cmd.output import say, say_log_plainly, write_all
from gearhorn.cmd.picture import Event, Picture
from gearhorn.cmd.signals import stop_on_signals
from gearhorn.config import Config
from gearhorn.core.news import News
from gearhorn.errors import StoreUnavailable
from gearhorn.matchmaking.messages import Flush, parse_news
from gearhorn.signing.signer import Signer
from gearhorn.store.base import Store

# Who is killed stays on the list, and its queue fills, for so long.
TTL_S = 60.0
# Without any news the list is read this often. It is also read whenever the subscription was renewed.
READ_AGAIN_S = 30.0
# So long after a read comes the next one: where many join at once, it is read a few times and not for each of them.
PAUSE_S = 0.2
STORE_RETRY_S = 1.0
# What is heard while nobody reads the output, say in a pager. Beyond that, the list is read when it goes on.
HEARD_LIMIT = 1000

_SIGNS = {"listed": "", "joined": "+", "left": "-"}


def watch_subscribers(config: Config, topic: str, signer: Signer | None, *, as_json: bool) -> int:
    """Until a signal ends it. Raises as `Subscriber.subscribe`, and when the store is away at the start."""
    say_log_plainly()
    asyncio.run(_watch(config, topic, signer, as_json=as_json))
    return exits.OK


async def _watch(config: Config, topic: str, signer: Signer | None, *, as_json: bool) -> None:
    async with opened_store(config) as store:
        watcher = Watcher(store, topic, lambda events: _print(events, as_json=as_json))
        meeting_point = config.matchmaking_settings().topic
        subscriber = Subscriber(
            # Its own, as each has to hear everything; and one of few, as gearmand never forgets the name of a queue.
            f"watch-{socket.gethostname()}-{os.getpid()}",
            config.servers(),
            concurrency=1,
            unsubscribe_at_end=True,
            settings=config.link_settings(),
            queues=config.own_queues(),
            matchmaking_topic=meeting_point,
            on_renewal=lambda _: watcher.doubt(),
            signer=signer,
        )
        stopping = stop_on_signals(subscriber)
        await wait_for_first([_begin(watcher, subscriber), stopping.wait()], [])
        if not stopping.is_set():
            async with subscriber:
                await wait_for_first([_follow(watcher, subscriber, meeting_point), stopping.wait()], [])


async def _begin(watcher: "Watcher", subscriber: Subscriber) -> None:
    await watcher.read()
    await subscriber.connect()


async def _follow(watcher: "Watcher", subscriber: Subscriber, meeting_point: str) -> None:
    await subscriber.subscribe(meeting_point, watcher.take, TTL_S)
    say(f"watching {watcher.topic}")
    watcher.doubt()  # it may have changed between the first read and the subscription
    await watcher.follow()


class Watcher:
    """Gives `show` everything that happens to the list of `topic`, in order. `take` is a handler of copies."""

    def __init__(self, store: Store, topic: str, show: Callable[[list[Event]], Awaitable[None]]) -> None:
        self.topic = topic
        self._store = store
        self._show = show
        self._picture = Picture()
        self._heard: list[News | Flush] = []
        self._news = asyncio.Event()

    async def take(self, copy: Copy) -> None:
        """Never waits: it is the order of the messages that tells what came when."""
        message = parse_news(copy.payload)
        if message.topic in (self.topic, None):
            self._note(message)

    def doubt(self) -> None:
        """Something may have been missed: the list is read again."""
        self._note(Flush(self.topic))

    async def read(self) -> None:
        (found,) = await self._store.read([self.topic])
        await self._show(self._picture.learn(found))

    async def follow(self) -> None:
        """Until cancelled. Raises what `show` raises; a store that is away is waited for."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(READ_AGAIN_S):
                    await self._news.wait()
            self._news.clear()
            heard, self._heard = self._heard or [Flush(None)], []
            if not await self._understand(heard):
                await self._read_in_the_end()
                await asyncio.sleep(PAUSE_S)

    def _note(self, message: News | Flush) -> None:
        if len(self._heard) == HEARD_LIMIT:
            self._heard = [Flush(None)]
        self._heard.append(message)
        self._news.set()

    async def _understand(self, heard: Iterable[News | Flush]) -> bool:
        """Whether the list is known without reading it. A read is later than all of them, so one does for the rest."""
        for message in heard:
            events = self._picture.hear(message) if isinstance(message, News) else None
            if events is None:
                return False
            await self._show(events)
        return True

    async def _read_in_the_end(self) -> None:
        was_away = False
        while True:
            try:
                await self.read()
            except StoreUnavailable as error:
                if not was_away:
                    say(f"the store is away, changes may be missing until it is back: {error}")
                was_away = True
                await asyncio.sleep(STORE_RETRY_S)
            else:
                return


async def _print(events: Iterable[Event], *, as_json: bool) -> None:
    lines = "".join(f"{_line(event, as_json=as_json)}\n" for event in events)
    await asyncio.to_thread(write_all, sys.stdout.fileno(), lines.encode())  # whoever reads may be slow


def _line(event: Event, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(event._asdict(), ensure_ascii=False)
    return f"{_SIGNS[event.event]}{event.client_id}"
