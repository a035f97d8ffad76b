"""Byte streams as a hostile or broken server might send them, and what the roles make of them."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from random import Random
from struct import Struct

from gearhorn.errors import ProtocolViolation
from gearhorn.wire.budget import Budget
from gearhorn.wire.client import ClientRole
from gearhorn.wire.framing import Cut, Framer
from gearhorn.wire.worker import WorkerRole

HEADER = Struct(">4sII")
RES, REQ = b"\0RES", b"\0REQ"
KINDS = [4, 6, 8, 8, 8, 10, 11, 12, 13, 13, 14, 17, 19, 20, 25, 26, 27, 28, 28, 29, 31, 31, 31, 40, 42, 0, 2**32 - 1]
HANDLES = [b"H:lap:%d" % number for number in range(6)] + [b"", b"H:\xff", b"h" * 70]
WORDS = [
    b"",
    b"fanout",
    b"unique",
    b"1",
    b"2",
    b"\xff\xfe",
    b"unknown_option",
    b"exceptions",
    b"QUEUE_ERROR",
    b'"CMD_"',
]
BODY_LIMIT_BYTES, ANSWER_LIMIT_BYTES = 300, 200
# Names before a job's payload and handles before an answer have room of their own above these.
KEPT_LIMIT_BYTES = 5_000


def packet(kind: int, *arguments: bytes, magic: bytes = RES) -> bytes:
    body = b"\0".join(arguments)
    return HEADER.pack(magic, kind, len(body)) + body


# What gearmand said to a worker and to a client, as captured.
CAPTURED = [
    packet(6) + packet(31, b"H:lap:1", b"fanout", b"", b'{"topic":"news","payload":"x"}') + packet(10) * 3,
    packet(19, b"JOB_NOT_FOUND", b"Job given in work result not found") + packet(6) + packet(10) * 4,
    packet(19, b"server_error", b'Can\'t locate object method "CMD_" via package') + packet(11, b"H:lap:1", b"q", b"p"),
    packet(8, b"H:lap:1") * 3 + packet(8, b"H:lap:2") + packet(8, b"H:lap:3") + packet(20, b"H:gearhorn-probe", b"0"),
    packet(8, b"H:lap:1") * 5 + packet(28, b"H:lap:1", b"piece") + packet(13, b"H:lap:1", b"") + packet(14, b"H:lap:1"),
    packet(27, b"exceptions") + packet(19, b"QUEUE_ERROR", b"Job queue is full") + packet(25, b"H:lap:1", b"no"),
    packet(14, b"H:lap:1", magic=REQ) + packet(14, b"H:lap:2", b"") + packet(12, b"H:lap:3", b"1", b"2"),
]


class Streams:
    """An endless row of streams, each cut into pieces somehow; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._last = CAPTURED[0]

    def __iter__(self) -> Iterator[list[bytes]]:
        while True:
            stream = self._stream()
            self._last = stream or self._last
            yield self._cut(stream)

    def _stream(self) -> bytes:
        kind = self._random.random()
        if kind < 0.35:
            return b"".join(self._packet() for _ in range(int(self._random.random() * 12)))
        if kind < 0.6:
            return self._changed(self._random.choice(CAPTURED) * (1 + int(self._random.random() * 2)))
        if kind < 0.85:
            return self._changed(self._last[:2000])
        if kind < 0.95:
            return self._random.choice(CAPTURED) + self._header() + self._random.randbytes(20)
        return self._random.randbytes(int(self._random.random() * 200))

    def _packet(self) -> bytes:
        choose, random = self._random.choice, self._random.random
        kind = choose(KINDS)
        if random() < 0.05:
            return self._header()
        words = [choose(HANDLES), *(choose(WORDS) for _ in range(int(random() * 4)))]
        if random() < 0.1:
            words.append(b"x" * int(random() * 12_000))
        return packet(kind, *words, magic=RES if random() < 0.97 else REQ) * (1 if random() < 0.8 else 3)

    def _header(self) -> bytes:
        """One that may promise anything."""
        lengths = [0, 1, 11, 12, 255, 256, 5000, 65536, 65537, 2**24, 2**30, 2**30 + 1, 2**31, 2**32 - 1]
        return HEADER.pack(RES, self._random.choice(KINDS), self._random.choice(lengths))

    def _changed(self, stream: bytes) -> bytes:
        random = self._random.random
        data = bytearray(stream)
        for _ in range(int(random() * 4)):
            at = int(random() * (len(data) + 1))
            if random() < 0.4 and at < len(data):
                data[at] ^= 1 << int(random() * 8)
            elif random() < 0.5:
                del data[at : at + int(random() * 20)]
            else:
                data[at:at] = self._packet()
        return bytes(data)

    def _cut(self, stream: bytes) -> list[bytes]:
        random = self._random.random
        if random() < 0.1 and len(stream) < 3000:
            return [stream[at : at + 1] for at in range(len(stream))]
        marks = sorted(int(random() * (len(stream) + 1)) for _ in range(int(random() * random() * 10)))
        return [stream[start:end] for start, end in pairwise([0, *marks, len(stream)])]


def client() -> ClientRole[str]:
    role: ClientRole[str] = ClientRole(ANSWER_LIMIT_BYTES)
    role.submit("ann", 0, 3, b"", foreground=False)
    role.submit("bob", 0, 2, b"", foreground=True)
    role.probe()
    role.submit("cy", 0, 4, b"", foreground=True)
    return role


def worker(budget: Budget) -> WorkerRole:
    role = WorkerRole(8, 8, body_limit_bytes=BODY_LIMIT_BYTES, budget=budget)
    role.serve([b"fanout"])
    role.start_grabbing()
    return role


def try_stream(pieces: list[bytes]) -> Counter[str]:
    """Gives the stream to each role and to a bare framer. They may call it a violation, and nothing else."""
    found: Counter[str] = Counter()
    budget = Budget(2000)
    for role in (client(), worker(budget)):
        for piece in pieces:
            found["events"] += len(role.receive(piece))
            _look_into(role._framer)
        found["violations"] += role.violation is not None
        role.take_output()
        if isinstance(role, ClientRole):
            role.close()
        else:
            assert budget.held_bytes == sum(role.held.values())
            role.let_go()
            assert budget.held_bytes == 0
    found["violations"] += _frame(Framer({31: Cut(100, 20), 8: Cut(5, 3)}, 1000), pieces)
    return found


def _frame(framer: Framer, pieces: list[bytes]) -> bool:
    try:
        for piece in pieces:
            framer.feed(piece)
            while framer.take_alike(8, 3) or framer.next():
                pass
    except ProtocolViolation:
        return True
    return False


def _look_into(framer: Framer) -> None:
    """It holds what was promised to be short, or the beginning of what is long."""
    assert not framer._pieces or framer._held_bytes <= 70_000
    if framer._passing is not None:
        assert len(framer._passing[1]) <= KEPT_LIMIT_BYTES
