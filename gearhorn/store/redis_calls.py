"""Runs the scripts, on the keys of one prefix, and plain commands that only read."""

from collections.abc import Sequence
from typing import Any

import msgspec
import redis.exceptions as theirs

from gearhorn.clock import steady_s
from gearhorn.logs.event import log_for
from gearhorn.logs.events.store import STORE_INFO_REFUSED
from gearhorn.store.redis_link import RedisLink
from gearhorn.store.redis_scripts import KEYS, Result, Script
from gearhorn.store.versions import MICROSECONDS_PER_S

log = log_for(__name__)

Words = tuple[str | bytes, ...]
Command = Words


class RedisCalls:
    """Remembers of earlier calls what the next one must know to tell a server that lost everything from a new one."""

    def __init__(self, link: RedisLink, prefix: str) -> None:
        self._link = link
        self.list_prefix = f"{prefix}:topic:"
        self._keys = (str(len(KEYS)), *(f"{prefix}:{key}" for key in KEYS), self.list_prefix)
        self._since = ""
        self._longest_ttl_us = 0
        self._has_complained = False
        self._server_ahead_s: float | None = None  # the server's Unix time less our steady clock's, or a little more

    async def run(self, script: Script[Result], wish: object = None) -> tuple[Result, bool]:
        """The script's answer, and whether it was asked twice, so that the first may have had its effect."""
        words: Words = (*self._keys, msgspec.msgpack.encode(wish), self._since, str(self._longest_ttl_us))
        asked_at_s = steady_s()
        data, was_repeated = await self._link.ask(lambda client: _evaluate(client, script, words))
        answer = script.decoder.decode(data)
        self._server_ahead_s = answer.now_us / MICROSECONDS_PER_S - asked_at_s
        # Who takes no account of a loss must not have it forgotten either, before leases that were lost are held.
        self._since = answer.since if script.looks_for_losses else self._since or answer.since
        if not answer.is_checked:
            self._complain()
        return answer.result, was_repeated

    async def execute(self, commands: Sequence[Command]) -> list[Any]:
        answers, _ = await self._link.ask(lambda client: _execute(client, commands))
        return answers

    def latest_us(self) -> int:
        """The server's Unix time in microseconds at which a call that is made now is given up; 0: not known.

        Where its clock was set since the last call, this is wrong until the next answer.
        """
        if self._server_ahead_s is None:
            return 0
        return round((steady_s() + self._server_ahead_s + self._link.timeout_s) * MICROSECONDS_PER_S)

    def expect(self, ttl_us: int) -> None:
        """A lease of so many microseconds is going to be asked for, and may be lost from then on."""
        self._longest_ttl_us = max(self._longest_ttl_us, ttl_us)

    def _complain(self) -> None:
        if not self._has_complained:
            log.say(STORE_INFO_REFUSED, store=self._link.name)
        self._has_complained = True


async def _evaluate(client: Any, script: Script[Any], words: Words) -> Any:
    try:
        return await client.execute_command("EVALSHA", script.sha, *words)
    except theirs.NoScriptError:  # the server is new, or was started again; EVAL makes it known
        return await client.execute_command("EVAL", script.text, *words)


async def _execute(client: Any, commands: Sequence[Command]) -> list[Any]:
    if len(commands) == 1:  # with less ado
        return [await client.execute_command(*commands[0])]
    async with client.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)
        answers: list[Any] = await pipe.execute(raise_on_error=False)
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers
