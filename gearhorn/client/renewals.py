"""Keeps a subscriber's subscriptions alive: renews those that end by themselves, and makes all again after a loss."""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from gearhorn.core.backoff import Backoff
from gearhorn.errors import BadRequest, Unavailable
from gearhorn.logs.event import log_for
from gearhorn.logs.events.client import SUBSCRIPTION_DENIED, SUBSCRIPTION_LAPSED, SUBSCRIPTION_RENEWED

log = log_for(__name__)

FIRST_RETRY_S = 1.0
MOST_RETRY_S = 30.0

Subscribe = Callable[[str, float], Awaitable[None]]


@dataclass(slots=True)
class _Subscription:
    ttl_s: float
    due_s: float


class Renewals:
    """`subscribe` is called with topic and ttl whenever a subscription has to be made again. Trouble is said once."""

    def __init__(self, subscribe: Subscribe) -> None:
        self._subscribe = subscribe
        self._subscriptions: dict[str, _Subscription] = {}
        self._changed = asyncio.Event()
        self._backoff = Backoff(FIRST_RETRY_S, MOST_RETRY_S, Random())
        self._in_trouble = False

    @property
    def topics(self) -> list[str]:
        return list(self._subscriptions)

    def add(self, topic: str, ttl_s: float) -> None:
        """To be called when the subscription has been made. One with a ttl is renewed at half of it."""
        self._subscriptions[topic] = _Subscription(ttl_s, self._half_time(ttl_s))
        self._changed.set()

    def remove(self, topic: str) -> None:
        self._subscriptions.pop(topic, None)

    def make_all_due(self) -> None:
        """To be called when the service may have forgotten them."""
        for subscription in self._subscriptions.values():
            subscription.due_s = 0.0
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._changed.clear()
            due_s = min((each.due_s for each in self._subscriptions.values()), default=math.inf)
            if due_s > _now_s():
                await self._sleep_until(due_s)
            else:
                await self._renew_due()

    async def _sleep_until(self, due_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(None if due_s == math.inf else due_s):
                await self._changed.wait()

    async def _renew_due(self) -> None:
        for topic, subscription in list(self._subscriptions.items()):
            if subscription.due_s <= _now_s():
                await self._renew(topic, subscription)

    async def _renew(self, topic: str, subscription: _Subscription) -> None:
        subscription.due_s = self._half_time(subscription.ttl_s)
        try:
            await self._subscribe(topic, subscription.ttl_s)
        except BadRequest as error:
            log.say(SUBSCRIPTION_DENIED, topic=topic, error=error)
        except Unavailable as error:
            subscription.due_s = _now_s() + self._backoff.next_s()
            self._say_trouble(topic, str(error))
        else:
            self._backoff.reset()
            self._in_trouble = False
            log.say(SUBSCRIPTION_RENEWED, topic=topic)

    def _say_trouble(self, topic: str, reason: str) -> None:
        if not self._in_trouble:
            log.say(SUBSCRIPTION_LAPSED, topic=topic, reason=reason)
        self._in_trouble = True

    def _half_time(self, ttl_s: float) -> float:
        return _now_s() + ttl_s / 2 if ttl_s else math.inf


def _now_s() -> float:
    return asyncio.get_running_loop().time()
