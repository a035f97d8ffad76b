"""Single fanouts of one size, several of them on one site: one takes less than a millisecond where there are few
subscribers, and says nothing then; the median of many does. Each goes to queues that the server has not heard of.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import lists, programs
from harness.sites import Site
from harness.topics import Topic

WARM_UP_TOPIC = Topic("warmup", 1)
SMALL_BYTES = 100
NOBODY_COUNT = 30


@dataclass(frozen=True, slots=True)
class Bursts:
    """`count` fanouts to topics of their own, with `subscriber_count` subscribers each."""

    subscriber_count: int
    count: int = 1
    payload_bytes: int = SMALL_BYTES

    @property
    def topics(self) -> Sequence[Topic]:
        return [Topic(f"news{n:02d}", self.subscriber_count) for n in range(self.count)]

    @property
    def queues(self) -> list[str]:
        return [queue for topic in self.topics for queue in topic.queues]

    def write_queues(self, folder: Path) -> Path:
        """All names in one file, topic by topic: so many sets for a C program."""
        path = folder / "queues"
        path.write_text("".join(f"{queue}\n" for queue in self.queues))
        return path

    def prepare(self, site: Site, is_warm: bool) -> None:
        """Subscribes everybody; when `is_warm`, has the worker read the lists too, although not one copy is sent.

        One fanout to somebody else goes before, so that what is done once in a worker's life is not measured. None of
        these has a large payload.
        """
        for topic in (*self.topics, WARM_UP_TOPIC):
            lists.fill(site, topic)
        site.publish(WARM_UP_TOPIC.write_fanout(site.folder, SMALL_BYTES, background=True), "-e", 1)
        if is_warm:
            excluded = self.topics[0].client_ids  # all topics have the same
            site.publish(self._write_fanouts(site.folder / "warming", SMALL_BYTES, exclude=excluded), "-w", 1, "-e", 0)

    def publish(self, folder: Path, port: int) -> programs.Published:
        """One after the other, from submission to the answer, each. Raises RuntimeError unless all went well."""
        bodies = self._write_fanouts(folder / "fanouts", self.payload_bytes)
        return programs.publish(port, bodies, "-w", 1, "-e", self.subscriber_count).check()

    def publish_to_nobody(self, site: Site) -> programs.Published:
        """The same to a topic without subscribers: what a fanout costs before its first copy."""
        body = Topic("nobody", 0).write_fanout(site.folder, self.payload_bytes, background=True)
        site.publish(body, "-e", 0)
        return site.publish(body, "-c", NOBODY_COUNT, "-w", 1, "-e", 0)

    def copies_per_s(self, published: programs.Published) -> float:
        """The median of the fanouts."""
        return self.subscriber_count / published.p50_ms * 1e3

    def _write_fanouts(self, path: Path, payload_bytes: int, **keys: object) -> Path:
        """A body per topic."""
        common = {"payload": "x" * payload_bytes, "background": True, **keys}
        path.write_text("".join(json.dumps({"topic": topic.name, **common}) + "\n" for topic in self.topics))
        return path
