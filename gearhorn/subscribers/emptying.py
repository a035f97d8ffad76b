"""Takes the jobs off queues that nobody serves, as a worker of theirs would, so that it works on every server.

A worker is not told whether a job is a foreground one. So each ends as failed: who waits for one must not take it for
done, and to a background job it makes no difference. Its payload is safe before that.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping

from gearhorn.errors import ServerUnavailable
from gearhorn.logs.event import log_for
from gearhorn.logs.events.subscribers import LETTERS_KEPT, LETTERS_RETURNED, LETTERS_STUCK
from gearhorn.logs.trouble import Trouble
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.job import Job
from gearhorn.net.worker_link import WorkerLink, WorkerSettings
from gearhorn.subscribers.letters import Letter, LetterBox

log = log_for(__name__)

# So many jobs are held at a time, and their payloads made safe together.
JOBS_AT_ONCE = 1000
# A server that has sent no job for so long has none.
SILENCE_S = 0.5
ANSWER_LIMIT_S = 10.0
# What is held when the service stops is still made safe, within this.
LAST_LIMIT_S = 5.0
RETRY_S = 1.0

Owners = Mapping[bytes, tuple[str, str]]


class Emptying:
    """Of queues on one server; `owners` tells of each queue its topic and client id. `taken` counts the jobs."""

    def __init__(
        self, address: Address, link: LinkSettings, client_id: str, owners: Owners, letter_box: LetterBox
    ) -> None:
        self.taken: Counter[bytes] = Counter()
        self._address = address
        self._owners = owners
        self._letter_box = letter_box
        self._held: list[Job] = []
        self._has_news = asyncio.Event()
        worker = WorkerSettings(client_id, jobs_in_flight=JOBS_AT_ONCE)
        self._worker = WorkerLink(address, link, worker, self._take, purpose="")

    @contextlib.asynccontextmanager
    async def begun(self) -> AsyncIterator[None]:
        """Jobs are taken within the block. Raises ServerUnavailable. At its end what is held is made safe."""
        running = [asyncio.create_task(self._worker.run()), asyncio.create_task(self._keep())]
        try:
            self._worker.serve(self._owners)
            self._worker.start_grabbing()
            await self._wait_for_answer()
            yield
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_LIMIT_S):
                    await self.leave(self._owners)
            if self._worker.held_count:
                log.say(LETTERS_RETURNED, copies_count=self._worker.held_count)
            await self._worker.close()
            for task in running:
                task.cancel()
            await asyncio.wait(running)

    async def wait_until_empty(self) -> None:
        """Until no job has come for a while."""
        while True:
            seen_count = self.taken.total()
            await asyncio.sleep(SILENCE_S)
            if seen_count == self.taken.total() and not self._worker.held_count and self._worker.up.is_set():
                return

    async def leave(self, queues: Collection[bytes]) -> None:
        """No more jobs of these are taken. Those held are made safe and ended before: else they would come back."""
        self._worker.stop_grabbing()
        await self._worker.wait_until_quiet()
        self._worker.leave(queues)

    def go_on(self) -> None:
        self._worker.start_grabbing()

    async def _wait_for_answer(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await self._worker.answered.wait()
        except TimeoutError:
            raise ServerUnavailable(f"{self._address} does not answer") from None

    def _take(self, job: Job) -> None:
        self._held.append(job)
        self._has_news.set()

    async def _keep(self) -> None:
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            held, self._held = self._held, []
            await self._keep_in_the_end(held)
            for job in held:
                self.taken[job.assigned.queue] += 1
                job.fail()

    async def _keep_in_the_end(self, jobs: Collection[Job]) -> None:
        """Takes no more until these are safe. geard would lose them if they were given back with the connection."""
        letters = [self._letter(job) for job in jobs]
        trouble = Trouble()
        while True:
            try:
                await self._letter_box.keep(letters)
            except (OSError, ServerUnavailable) as error:
                if trouble.begins():
                    log.say(LETTERS_STUCK, copies_count=len(letters), error=error)
                await asyncio.sleep(RETRY_S)
            else:
                break
        if trouble.ends():
            log.say(LETTERS_KEPT)

    def _letter(self, job: Job) -> Letter:
        topic, client_id = self._owners[job.assigned.queue]
        return Letter(topic, client_id, job.assigned.payload, time.time())
