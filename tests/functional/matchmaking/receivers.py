"""All receivers of a run: one connection to each server that serves every subscriber's queue."""

import threading
import time
from collections.abc import Sequence

from tests.functional.contract.clients import EagerPeer
from tests.functional.facts.raw import Kind, Packet, job_of, packet
from tests.servers.gearman import GearmanServer

# How long a new queue may go unnoticed, and a server that is down.
LOOK_AGAIN_S = 0.1


class Roster:
    """The queues that were ever used. Only grows, and may be read while it does."""

    def __init__(self) -> None:
        self.queues: list[bytes] = []

    def add(self, topic: str, client_id: str) -> None:
        self.queues.append(f"{topic}_{client_id}".encode())


class Receivers(threading.Thread):
    """Completes every copy that `server` has, as long as the run lasts."""

    def __init__(self, server: GearmanServer, roster: Roster) -> None:
        super().__init__(name=f"receivers on {server.address}", daemon=True)
        self._server = server
        self._roster = roster
        self._is_over = threading.Event()

    def run(self) -> None:
        while not self._is_over.is_set():
            try:
                self._serve()
            except (OSError, EOFError):
                time.sleep(LOOK_AGAIN_S)

    def stop(self) -> None:
        self._is_over.set()
        self.join()

    def _serve(self) -> None:
        peer = EagerPeer(self._server)
        try:
            peer.socket.settimeout(LOOK_AGAIN_S)
            self._take_jobs(peer)
        finally:
            peer.close()

    def _take_jobs(self, peer: EagerPeer) -> None:
        served_count = 0
        peer.send(packet(Kind.PRE_SLEEP))
        while not self._is_over.is_set():
            queues: Sequence[bytes] = self._roster.queues[served_count:]
            served_count += len(queues)
            if queues:
                peer.send(*(packet(Kind.CAN_DO, queue) for queue in queues), packet(Kind.PRE_SLEEP))
            try:
                self._answer(peer, peer.read())
            except TimeoutError:
                peer.send(packet(Kind.PRE_SLEEP))  # should a wake-up have been missed

    def _answer(self, peer: EagerPeer, told: Packet) -> None:
        if told.kind == Kind.NOOP:
            peer.send(packet(Kind.GRAB_JOB_UNIQ))
        elif told.kind == Kind.NO_JOB:
            peer.send(packet(Kind.PRE_SLEEP))
        else:
            job = job_of(told)
            peer.send(packet(Kind.WORK_COMPLETE, job.handle, b""), packet(Kind.GRAB_JOB_UNIQ))
