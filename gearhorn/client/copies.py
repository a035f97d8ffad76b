"""What happens to a copy at its receiver: a handler is called with it, and its outcome answers for it."""

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from gearhorn.errors import GearhornError
from gearhorn.logs.event import log_for
from gearhorn.logs.events.client import COPY_FAILED
from gearhorn.net.job import Job

log = log_for(__name__)

HandlerOutcome = bytes | str | None


@dataclass(frozen=True, slots=True)
class Copy:
    """One message as it reached this subscriber. `unique` is the publisher's key for it, empty when it gave none."""

    topic: str
    payload: bytes
    unique: str = ""


Handler = Callable[[Copy], HandlerOutcome | Awaitable[HandlerOutcome]]


class Receiving:
    """Calls handlers, `concurrency` at a time, and ends each job by what comes of it.

    Coroutine functions run in the event loop; plain functions in threads of their own, so that they do not hold it up.
    """

    def __init__(self, concurrency: int) -> None:
        self._handlers: dict[bytes, tuple[str, Handler]] = {}
        self._slots = asyncio.Semaphore(concurrency)
        self._threads = ThreadPoolExecutor(concurrency, "gearhorn-handler")
        self._tasks: dict[asyncio.Task[None], bytes] = {}

    def set_handler(self, queue: bytes, topic: str, handler: Handler) -> None:
        """There is no way back: a copy may come in late, when its queue is no longer served."""
        self._handlers[queue] = (topic, handler)

    def take(self, job: Job) -> None:
        """To be called with each job of a queue that has a handler."""
        task = asyncio.create_task(self._receive(job))
        self._tasks[task] = job.assigned.queue
        task.add_done_callback(self._tasks.pop)

    async def wait_until_idle(self, queue: bytes) -> None:
        """Returns when no copy from this queue is being handled or waits for it."""
        while tasks := [task for task, its_queue in self._tasks.items() if its_queue == queue]:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """Cancels what still runs, whose jobs stay unanswered. Threads cannot be cancelled: nobody waits for them."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _receive(self, job: Job) -> None:
        topic, handler = self._handlers[job.assigned.queue]
        async with self._slots:
            if not job.is_held:  # it went back while it waited, and comes again
                return
            copy = Copy(topic, job.assigned.payload, job.assigned.unique.decode(errors="replace"))
            try:
                answer = _as_bytes(await self._call(handler, copy))
            except Exception as error:  # noqa: BLE001 - the handler's, of any kind; the publisher is told
                _log_failure(topic, error)
                job.refuse((str(error) or type(error).__name__).encode(errors="replace"))
            else:
                job.complete(answer)

    async def _call(self, handler: Handler, copy: Copy) -> object:
        if _is_coroutine_function(handler):
            outcome = handler(copy)
        else:
            context = contextvars.copy_context()
            loop = asyncio.get_running_loop()
            outcome = await loop.run_in_executor(self._threads, context.run, handler, copy)
        return await outcome if inspect.isawaitable(outcome) else outcome


def _is_coroutine_function(handler: Handler) -> bool:
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(type(handler).__call__)


def _as_bytes(answer: object) -> bytes:
    if answer is None:
        return b""
    if isinstance(answer, str):
        return answer.encode()
    if isinstance(answer, bytes | bytearray | memoryview):
        return bytes(answer)
    raise TypeError(f"a handler returns bytes, text or None, not {type(answer).__name__}")


def _log_failure(topic: str, error: Exception) -> None:
    """What a handler raises on purpose needs no traceback."""
    details = None if isinstance(error, GearhornError) else error
    log.say(COPY_FAILED, topic=topic, error=error, because=details)
