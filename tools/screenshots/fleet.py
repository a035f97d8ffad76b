"""Hosts that receive what is published, some of them slowly, some of them never."""

import asyncio
import contextlib
import random
import threading
from collections.abc import Callable, Coroutine, Sequence

from gearhorn.client import Copy, Subscriber

# Topics, and every how manieth host is subscribed.
TOPICS = {"cache.flush": 1, "configuration": 1, "certificates": 2, "deploy": 3, "logs.rotate": 4}
HOSTS = tuple(f"{kind}{number}.{site}" for site in ("fra", "ams") for kind in ("web", "db") for number in range(1, 13))
# Queues that nobody serves, from the beginning, and since a while ago only.
GONE = (("cache.flush", "web7.fra"), ("cache.flush", "web18.fra"))
LATELY_GONE = (("configuration", "db2.ams"),)

# Hosts on which the deploy hook fails. It takes them half a second at the least.
FAILING = ("db4.fra", "web7.ams")
QUICKEST_S = 0.5


class Fleet:
    """Runs in a thread of its own, within a `with` statement. The slowest host takes `slowest_s` for a deploy."""

    def __init__(self, servers: Sequence[str], slowest_s: float) -> None:
        self._servers = servers
        self._slowest_s = slowest_s
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    def __enter__(self) -> "Fleet":
        self._thread.start()
        if not self._is_up.wait(60):
            raise TimeoutError("the hosts do not come up")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()
        self._loop.close()

    async def _run(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            subscribers = [await stack.enter_async_context(Subscriber(host, self._servers)) for host in HOSTS]
            await asyncio.gather(
                *(
                    subscriber.subscribe(topic, _handler(subscriber.client_id, topic, self._slowest_s))
                    for number, subscriber in enumerate(subscribers)
                    for topic, each in TOPICS.items()
                    if number % each == 0 and (topic, subscriber.client_id) not in GONE + LATELY_GONE
                )
            )
            self._is_up.set()
            await self._ended.wait()


def _handler(host: str, topic: str, slowest_s: float) -> Callable[[Copy], Coroutine[None, None, str]]:
    chance = random.Random(f"{host} {topic}")

    async def receive(_: Copy) -> str:
        if topic == "deploy":
            await asyncio.sleep(chance.uniform(QUICKEST_S, slowest_s))
            if host in FAILING:
                raise RuntimeError("disk is full: /var/www")
        return "done"

    return receive
