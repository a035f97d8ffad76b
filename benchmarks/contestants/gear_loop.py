"""gear's client as users of it would do: a loop that submits one background job after the other."""

from collections.abc import Sequence
from pathlib import Path

import gear

from contestants import scripts

DIFFERENCE = (
    "does less: knows the names beforehand, reads no JSON and no list. Does more: an object per copy, and waits for "
    "each confirmation before it sends the next copy"
)


def copies_per_s(port: int, names: Path, payload_bytes: int, set_count: int = 1) -> float:
    return scripts.copies_per_s(__name__, port, names, payload_bytes, set_count)


def connect(port: int) -> scripts.Send:
    client = gear.Client()
    client.addServer("127.0.0.1", port)
    client.waitForServer()

    def send(names: Sequence[str], payload: bytes) -> None:
        for name in names:
            client.submitJob(gear.Job(name.encode(), payload), background=True)

    return send


if __name__ == "__main__":
    scripts.main(connect)
