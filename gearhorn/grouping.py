"""Requests that arrive together travel together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class Grouper(Generic[Request, Answer]):
    """One call at a time answers many requests.

    What is asked while a call is under way goes with the next one: never with the one under way, so that an answer is
    never older than its question. Under load the groups grow and the cost per request falls; a lone request does not
    wait. An error of the call is raised for each request of its group.
    """

    def __init__(self, call: Callable[[Sequence[Request]], Awaitable[Sequence[Answer]]], limit: int) -> None:
        """`call` gets at most `limit` requests and returns as many answers, in order."""
        self._call = call
        self._limit = limit
        self._waiting: list[tuple[Request, asyncio.Future[Answer]]] = []
        self._caller: asyncio.Task[None] | None = None

    async def ask(self, request: Request) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, answer))
        if self._caller is None:
            self._caller = asyncio.create_task(self._answer_all())
        return await answer

    @property
    def is_idle(self) -> bool:
        """No call is under way, and none is about to be made."""
        return self._caller is None

    async def close(self) -> None:
        """Ends the call under way; whoever still waits is cancelled."""
        caller = self._caller
        if caller is not None:
            caller.cancel()
            await asyncio.wait([caller])
            if self._caller is caller:  # it was cancelled before its first step, and had no chance to
                self._dismiss()

    async def _answer_all(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                await self._answer(group)
        finally:
            self._dismiss()

    def _dismiss(self) -> None:
        self._caller = None
        for _, answer in self._waiting:
            answer.cancel()
        self._waiting = []

    async def _answer(self, group: list[tuple[Request, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._call([request for request, _ in group])
            answered = list(zip(group, answers, strict=True))
        except asyncio.CancelledError:
            for _, future in group:
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, those who asked must hear of it
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), answer in answered:
                if not future.done():
                    future.set_result(answer)
