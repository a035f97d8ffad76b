"""Many subscribers behind one connection, who count each copy that they get and may vanish together."""

import threading
from collections import Counter
from collections.abc import Sequence

from tests.functional.contract.clients import EagerPeer
from tests.functional.facts.raw import Kind, job_of, packet
from tests.servers.gearman import GearmanServer

LOOK_AGAIN_S = 0.1
GRABS = 32


class Crowd(threading.Thread):
    """Serves the queues of `client_ids` of a topic on one server, until it vanishes. `counts` is by client id."""

    def __init__(self, server: GearmanServer, topic: str, client_ids: Sequence[str]) -> None:
        super().__init__(name=f"crowd of {topic}", daemon=True)
        self.counts: Counter[str] = Counter()
        self._topic_bytes = len(topic) + 1
        self._peer = EagerPeer(server)
        self._is_over = threading.Event()
        self._peer.ask(*(packet(Kind.CAN_DO, f"{topic}_{client_id}".encode()) for client_id in client_ids))
        self.start()

    def run(self) -> None:
        self._peer.socket.settimeout(LOOK_AGAIN_S)
        self._peer.send(packet(Kind.PRE_SLEEP))
        open_grabs = 0
        while not self._is_over.is_set():
            try:
                told = self._peer.read()
            except TimeoutError:
                if not open_grabs:
                    self._peer.send(packet(Kind.PRE_SLEEP))
                continue
            if told.kind == Kind.NOOP:
                self._peer.send(packet(Kind.GRAB_JOB_UNIQ) * (GRABS - open_grabs))
                open_grabs = GRABS
            elif told.kind == Kind.NO_JOB:
                open_grabs -= 1
                if not open_grabs:
                    self._peer.send(packet(Kind.PRE_SLEEP))
            else:
                job = job_of(told)
                self.counts[job.function[self._topic_bytes :].decode()] += 1
                self._peer.send(packet(Kind.WORK_COMPLETE, job.handle, b""), packet(Kind.GRAB_JOB_UNIQ))

    def vanish(self) -> None:
        """The connection is gone when this returns."""
        self._is_over.set()
        self.join()
        self._peer.close()
