"""Asks a Gearman server how full its queues are, over the text protocol."""

import socket
from collections.abc import Iterable
from typing import NamedTuple

ANSWER_LIMIT_S = 10.0


class QueueStatus(NamedTuple):
    total_count: int  # waiting and running
    running_count: int
    worker_count: int


NOBODY = QueueStatus(0, 0, 0)


def status(port: int) -> dict[str, QueueStatus]:
    """Every queue that the server knows. Cheap for gearmand: 0.1 s with 100,000 of them."""
    lines = read_status(port).decode().split("\n")[:-2]
    return {name: QueueStatus(*map(int, numbers)) for name, *numbers in (line.split("\t") for line in lines)}


def read_status(port: int) -> bytes:
    """The answer as it comes: a line for each queue, and one with a dot."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_LIMIT_S) as connection:
        connection.sendall(b"status\n")
        answer = bytearray()
        while not (answer == b".\n" or answer.endswith(b"\n.\n")):
            part = connection.recv(1 << 20)
            if not part:
                raise RuntimeError("the server closed the connection in the middle of its status")
            answer += part
    return bytes(answer)


def queue_status(port: int, queue: str) -> QueueStatus:
    return status(port).get(queue, NOBODY)


def check_copies(port: int, queues: Iterable[str], each_count: int) -> None:
    """Raises RuntimeError unless every one of `queues` holds exactly `each_count` jobs."""
    there = status(port)
    wrong = [(queue, there.get(queue, NOBODY)) for queue in queues if there.get(queue, NOBODY)[0] != each_count]
    if wrong:
        raise RuntimeError(f"{len(wrong)} queues do not hold {each_count} copies each, the first: {wrong[:3]}")
