"""Empties queues, a hundred thousand jobs in some seconds, as a worker of them.

gearmand looks at the queues of a connection one after the other to answer a grab; so each connection has some of them.
geard looks at all jobs, whosoever they are, until it finds one for the connection; there one connection has them all.
"""

from collections.abc import Iterator, Sequence

from tests.functional.contract.clients import EagerPeer
from tests.functional.facts.raw import HEADER, Kind, packet
from tests.servers.gearman import GearmanServer

QUEUES_PER_CONNECTION = 200
GRABS_IN_FLIGHT = 400

Copy = tuple[bytes, bytes]  # queue and payload

_GRAB = packet(Kind.GRAB_JOB_UNIQ)
_COMPLETE = int(Kind.WORK_COMPLETE)


def drain(server: GearmanServer, queues: Sequence[bytes]) -> Iterator[Copy]:
    """Every job that is on one of the queues now. Nobody may put any there meanwhile."""
    step = len(queues) if server.kind == "geard" else QUEUES_PER_CONNECTION
    for start in range(0, len(queues), step):
        peer = _Drainer(server)
        try:
            yield from peer.take_all(queues[start : start + step])
        finally:
            peer.close()


class _Drainer(EagerPeer):
    def take_all(self, queues: Sequence[bytes]) -> Iterator[Copy]:
        self.send(*(packet(Kind.CAN_DO, queue) for queue in queues), _GRAB * GRABS_IN_FLIGHT)
        open_count, is_dry = GRABS_IN_FLIGHT, False
        while open_count:
            self._fill()
            handles: list[bytes] = []
            for kind, data in self._packets():
                open_count -= 1
                if kind == Kind.NO_JOB:
                    is_dry = True
                    continue
                handle, queue, _, payload = data.split(b"\0", 3)
                handles.append(handle)
                yield queue, payload
            completions = [HEADER.pack(b"\0REQ", _COMPLETE, len(handle) + 1) + handle + b"\0" for handle in handles]
            if not is_dry:
                completions.append(_GRAB * len(handles))
                open_count += len(handles)
            if completions:
                self.send(*completions)
        assert self.ask() == []  # it has taken in all of it

    def _packets(self) -> Iterator[tuple[int, bytes]]:
        """Those that have come in whole."""
        unread, start = bytes(self._unread), 0
        while len(unread) - start >= HEADER.size:
            _, kind, size = HEADER.unpack_from(unread, start)
            if len(unread) - start < HEADER.size + size:
                break
            start += HEADER.size + size
            yield kind, unread[start - size : start]
        del self._unread[:start]
