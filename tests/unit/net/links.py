"""Stands in for links to servers."""

from gearhorn.net.address import Address
from gearhorn.net.client_link import Submitter
from tests.unit.virtual_time import now_s


class Link:
    """Of a client, to one server: keeps what is put on it."""

    def __init__(self, host: str, *, is_up: bool = True) -> None:
        self.address = Address(host, 4730)
        self.is_up = is_up
        self.put: list[tuple[Submitter, int]] = []
        self.put_at_s: list[float] = []
        self.packets: list[bytes] = []

    def submit(self, submitter: Submitter, first: int, count: int, encoded: bytes, *, foreground: bool) -> None:
        assert self.is_up
        assert count == 1
        assert foreground
        self.put.append((submitter, first))
        self.put_at_s.append(now_s())
        self.packets.append(encoded)

    def report(self, kind: int, number: int = -1) -> None:
        submitter, position = self.put[number]
        submitter.reported(position, kind, b"")

    def refuse(self) -> None:
        submitter, position = self.put[-1]
        submitter.refused(position, "queue full")

    def lose(self) -> None:
        self.is_up = False
        for submitter, position in self.put:
            submitter.lost([position])
