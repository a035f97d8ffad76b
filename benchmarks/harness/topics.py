"""What is published: topics with invented subscribers, and the job bodies about them, one per line of a file."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    subscriber_count: int
    lengths_count: int = 1  # how many different lengths the client ids have; hosts of one site often have few

    @property
    def client_ids(self) -> list[str]:
        return [f"host{n:06d}" + "x" * (n % self.lengths_count) for n in range(self.subscriber_count)]

    @property
    def queues(self) -> list[str]:
        return [f"{self.name}_{client_id}" for client_id in self.client_ids]

    def write_queues(self, folder: Path) -> Path:
        """A file with the names of the queues, as the service would use them."""
        return _write_lines(folder / f"{self.name}.queues", self.queues)

    def write_subscriptions(self, folder: Path) -> Path:
        """A file with the bodies of `subscribe_fanout` jobs."""
        bodies = (json.dumps({"topic": self.name, "client_id": client_id}) for client_id in self.client_ids)
        return _write_lines(folder / f"{self.name}.subscriptions", bodies)

    def write_fanout(self, folder: Path, payload_bytes: int, **keys: Any) -> Path:
        """A file with the body of a `fanout` job; `keys` are the optional ones."""
        body = json.dumps({"topic": self.name, "payload": "x" * payload_bytes, **keys})
        return _write_lines(folder / f"{self.name}.fanout", [body])


def _write_lines(path: Path, lines: Iterable[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path
