"""Brings one job to a queue, by way of whichever server its worker is connected to, and tells when it is done."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence

from gearhorn.net.client_link import ClientLink
from gearhorn.wire import packets
from gearhorn.wire.client_events import ENDINGS


class Delivery:
    """One foreground job, put on one server after the other, on each once at a time, until a worker completes it.

    A server where no worker takes it says nothing; so the next one is tried after `patience_s` seconds, and at once
    when one refuses, fails the job or is lost. The job must be one that may be done twice.
    """

    def __init__(
        self, links: Sequence[ClientLink], packet: bytes, on_done: Callable[[], None], patience_s: float
    ) -> None:
        self._links = links
        self._packet = packet
        self._on_done = on_done
        self._patience_s = patience_s
        self._open: dict[int, ClientLink] = {}  # position -> where it was put
        self._tried: set[ClientLink] = set()
        self._put_count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False

    def start(self) -> None:
        self._put(self._free_links())
        self._wait()

    def stop(self) -> None:
        """Nobody waits for it any more. What a server has already is left to be done or not."""
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()

    # What the links tell, as a Submitter.

    def confirmed(self, first: int, count: int) -> None:
        pass

    def refused(self, position: int, reason: str) -> None:
        self._failed([position])

    def reported(self, position: int, kind: int, data: bytes) -> None:
        if kind not in ENDINGS or position not in self._open:
            return
        if kind != packets.WORK_COMPLETE:
            self._failed([position])
        elif not self._is_over:
            self.stop()
            self._on_done()

    def lost(self, positions: Iterable[int]) -> None:
        self._failed(positions)

    def _failed(self, positions: Iterable[int]) -> None:
        """On to a server that was not tried yet. The others have their turn when the timer says so."""
        for position in positions:
            self._open.pop(position, None)
        if not self._is_over:
            self._put(link for link in self._free_links() if link not in self._tried)

    def _free_links(self) -> list[ClientLink]:
        return [link for link in self._links if link.is_up and link not in self._open.values()]

    def _put(self, links: Iterable[ClientLink]) -> None:
        """On the first of these."""
        for link in links:
            self._put_count += 1
            self._open[self._put_count] = link
            self._tried.add(link)
            link.submit(self, self._put_count, 1, self._packet, foreground=True)
            return

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._patience_s, self._go_on)

    def _go_on(self) -> None:
        self._put(self._free_links())
        self._wait()


class Messenger:
    """Delivers through `links`. A job has gone round all of them within `timeout_s` seconds."""

    def __init__(self, links: Sequence[ClientLink], timeout_s: float) -> None:
        self._links = links
        self._patience_s = timeout_s / (len(links) + 1)

    def deliver(
        self, queue: bytes, payload: bytes, nearest: Collection[str], on_done: Callable[[], None]
    ) -> Callable[[], None]:
        """`nearest` are the servers, HOST:PORT, where the queue's worker says that it is; they are tried first.

        Returns what ends the trying. No unique key: a job that joins one at work is never seen by its worker.
        """
        links = sorted(self._links, key=lambda link: str(link.address) not in nearest)
        packet = packets.pack(packets.SUBMIT_JOB_HIGH, queue, b"", payload)
        delivery = Delivery(links, packet, on_done, self._patience_s)
        delivery.start()
        return delivery.stop
