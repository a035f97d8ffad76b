"""Asks the service something over our own links, and waits for its answer.

Owns which server is asked, how long, and what happens when it is lost meanwhile. What is asked does not matter here.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from typing import Self

from gearhorn.client.answers import refusal
from gearhorn.client.attempt import Answer, Attempt, Caller, Deaf, Hearing
from gearhorn.client.signatures import Body
from gearhorn.errors import Misconfigured, ServerUnavailable, TimedOut, Unavailable
from gearhorn.net.address import Address, parse_addresses
from gearhorn.net.client_link import ClientLink
from gearhorn.net.connection import LOST, LinkSettings
from gearhorn.wire import packets

CONNECT_LIMIT_S = 10.0

# Longer than the 30 s for which the service itself waits for a store that is away, so that it can say so.
ANSWER_LIMIT_S = 40.0

# Every server answers an echo at once; one that wants TLS hangs up instead, or waits for more.
FIRST_WORD_LIMIT_S = 10.0
_HINT = " (does it want TLS? is it a Gearman server?)"

# Without a word of the service's, a failure means on geard and Perl's server that the worker with the job died. On
# gearmand it means that an operator cancelled it, or that several workers died over it.
MOST_FAILURES = 3

# gearmand would take equal requests of two callers for one, and drop both when the first caller goes.
NO_UNIQUE = b""

Servers = str | Iterable[str | Address]


class Service:
    """Keeps a link to each server while it is entered, and asks over those that are up, in turns."""

    def __init__(
        self,
        servers: Servers,
        settings: LinkSettings,
        label: str,
        connect_limit_s: float,
        *,
        says_trouble: bool = True,
    ) -> None:
        """`label` is what the servers' tables show; with `says_trouble` lost servers are logged, once.

        Raises Misconfigured for addresses that are none.
        """
        self._purpose = "requests" if says_trouble else ""
        self._connect_limit_s = connect_limit_s
        self._hint = "" if settings.tls else _HINT
        self._troubles: dict[Address, str] = {}
        self._news = asyncio.Event()
        self._links = [self._link(address, settings, label) for address in as_addresses(servers)]
        self._tasks: list[asyncio.Task[None]] = []
        self._turns = count()

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(link.run()) for link in self._links]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self._tasks = []

    async def connect(self) -> None:
        """Returns when a server has answered, as each does at once: not everything that accepts is one. Raises
        ServerUnavailable when each has been tried once in vain.
        """
        await self._wait_for_link(0)
        try:
            async with asyncio.timeout(FIRST_WORD_LIMIT_S):
                await self._wait_for_word()
        except TimeoutError:
            for link in self._links:
                if link.is_up:
                    self._troubles[link.address] = (
                        f"it accepts, and says nothing for {FIRST_WORD_LIMIT_S:g} s{self._hint}"
                    )
            raise self._unreachable() from None

    async def _wait_for_word(self) -> None:
        while not any(link.has_answered for link in self._links):
            if len(self._troubles) == len(self._links):
                raise self._unreachable()
            self._news.clear()
            for link in self._links:
                link.ask_for_word()
            await self._news.wait()

    async def ask(
        self,
        queue: str,
        body: Body,
        limit_s: float = ANSWER_LIMIT_S,
        rest_limit_s: float = ANSWER_LIMIT_S,
        hearing: Hearing | None = None,
    ) -> Answer:
        """The answer to what `body` returns. It is called anew when what was lost with a server is asked again, which
        may then be done more than once.

        The service has `limit_s` seconds for its first word, and then `rest_limit_s` for its answer. Raises
        ServerUnavailable when no server could be reached or none takes the job; TimedOut without an answer in time;
        Unavailable when the service fails.
        """
        if not self._tasks:
            raise RuntimeError("not connected: use it in an `async with` block")
        limit = asyncio.timeout(limit_s)
        caller = Caller(hearing or Deaf(), lambda: limit.reschedule(_now_s() + rest_limit_s))
        try:
            async with limit:
                return await self._ask_until_answered(queue, body, caller)
        except TimeoutError:
            if not limit.expired():
                raise
            raise self._no_answer(queue, limit_s, rest_limit_s if caller.has_heard else None) from None

    async def do(self, queue: str, body: Body, limit_s: float) -> None:
        """Returns when the service has done what `body` asks for. Raises as `ask`, and BadRequest when it refuses."""
        answer = await self.ask(queue, body, limit_s)
        if not answer.is_complete:
            raise refusal(answer.data.decode(errors="replace"))

    async def _ask_until_answered(self, queue: str, body: Body, caller: Caller) -> Answer:
        failure_count = 0
        while True:
            link = await self._wait_for_link(self._connect_limit_s)
            attempt = Attempt(caller)
            encoded = packets.pack(packets.SUBMIT_JOB, queue.encode(), NO_UNIQUE, body())
            link.submit(attempt, 0, 1, encoded, foreground=True)
            ending = await attempt.ended
            if isinstance(ending, Answer):
                return ending
            failure_count += ending == packets.WORK_FAIL
            if failure_count == MOST_FAILURES:
                raise Unavailable(f"{queue}: the job failed {MOST_FAILURES} times, and nobody said why")

    async def _wait_for_link(self, limit_s: float) -> ClientLink:
        """A server that is up. Each is tried at least once, also when that takes longer than `limit_s`."""
        deadline_s = _now_s() + limit_s
        while not (up := [link for link in self._links if link.is_up]):
            left_s = deadline_s - _now_s()
            if left_s <= 0 and len(self._troubles) == len(self._links):
                raise self._unreachable()
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s if left_s > 0 else None):
                    await self._news.wait()
        return up[next(self._turns) % len(up)]

    def _no_answer(self, queue: str, limit_s: float, rest_limit_s: float | None) -> Unavailable:
        if not any(link.is_up for link in self._links):
            return self._unreachable()
        if rest_limit_s is not None:
            return TimedOut(f"{queue}: the service began and did not answer within {rest_limit_s:g} s")
        return TimedOut(f"{queue}: no answer from the service within {limit_s:g} s; is a gearhorn worker running?")

    def _unreachable(self) -> ServerUnavailable:
        reasons = "; ".join(f"{address}: {reason}" for address, reason in self._troubles.items())
        return ServerUnavailable(f"no Gearman server can be reached: {reasons or 'none has answered yet'}")

    def _link(self, address: Address, settings: LinkSettings, label: str) -> ClientLink:
        has_answered = False

        def answered() -> None:
            nonlocal has_answered
            has_answered = True
            self._news.set()

        def failed(reason: str) -> None:
            hint = "" if has_answered or not reason.startswith(LOST) else self._hint
            self._troubles[address] = f"{reason}{hint}"
            self._news.set()

        return ClientLink(
            address,
            settings,
            label,
            on_up=self._news.set,
            on_answered=answered,
            on_trouble=failed,
            purpose=self._purpose,
        )


def as_addresses(servers: Servers) -> list[Address]:
    """Raises Misconfigured for what is no address, and when there is none at all."""
    texts = [servers] if isinstance(servers, str) else [str(server) for server in servers]
    addresses = parse_addresses(texts)
    if not addresses:
        raise Misconfigured("no Gearman server was named")
    return addresses


def with_tls(settings: LinkSettings | None, tls: ssl.SSLContext | None) -> LinkSettings:
    settings = settings or LinkSettings()
    return replace(settings, tls=tls) if tls else settings


def _now_s() -> float:
    return asyncio.get_running_loop().time()
