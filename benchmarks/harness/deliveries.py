"""Runs the C programs that hold the publisher and all receivers, and know when each message is done by all."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness import sites
from harness.programs import Running
from harness.topics import Topic

# Connections apart, a server, the worker and what runs them have a few files open each.
OTHER_FILES_COUNT = 100
# How many jobs a receiver of ours asks for at once. Of 1, 2, 4 and 8 the one that never was clearly behind: 1 is, by a
# third one publish at a time, and by half with many in flight.
GRABS_COUNT = 4


@dataclass(frozen=True, slots=True)
class Delivered:
    """Latency runs from a message's publication until it is done, in the sense of the program that ran."""

    p50_ms: float
    p99_ms: float
    seconds: float
    deliveries: int

    @property
    def per_s(self) -> float:
        return self.deliveries / self.seconds


def deliver(program: str, port: int, *options: object) -> Delivered:
    """Raises RuntimeError when a receiver had a message twice, or not at all, and when a server closed a connection."""
    return Delivered(**Running(program, "-p", port, *options).result())


@dataclass(frozen=True, slots=True)
class Receivers:
    """Workers of a site, which serve the queue of a subscriber each."""

    site: sites.Site
    topic: Topic

    def deliver(self, mode: str, *options: object) -> Delivered:
        """`mode` is one of gearman_receivers': background, foreground, results or raw."""
        queues = self.topic.write_queues(self.site.folder)
        options = ("-q", queues, "-T", self.topic.name, "-m", mode, "-g", GRABS_COUNT, *options)
        try:
            return deliver("gearman_receivers", self.site.port, *options)
        except RuntimeError as error:
            raise RuntimeError(f"{error}\nthe worker's log ends with:\n{self.site.worker.log[-2000:]}") from error


@contextmanager
def open_receivers(setup: sites.Setup, topic: Topic) -> Iterator[Receivers]:
    """A fresh site, all of the topic's subscribers on its list."""
    raise_file_limit(topic.subscriber_count)
    with sites.open_site(setup) as site:
        site.subscribe(topic)
        yield Receivers(site, topic)


def raise_file_limit(connection_count: int) -> None:
    """For this process and all that it starts from now on; raises RuntimeError when that is forbidden."""
    needed = connection_count + OTHER_FILES_COUNT
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise RuntimeError(f"a process may open {hard} files, and {needed} are needed: see ulimit -n")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
