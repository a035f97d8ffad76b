"""A site whose worker serves several Gearman servers, all fresh."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from harness import admin, sites
from harness.sites import Setup, Site
from tests.servers.process import wait_until


@contextmanager
def open_servers(setup: Setup, count: int) -> Iterator[Sequence[int]]:
    """The ports of so many fresh gearmands."""
    with ExitStack() as stack:
        yield [stack.enter_context(sites.open_gearmand(setup))[1] for _ in range(count)]


@contextmanager
def open_fleet(setup: Setup, server_count: int) -> Iterator[tuple[Site, Sequence[int]]]:
    """The site, and the ports of all its servers; the first one is the site's own. The worker is connected to all."""
    with open_servers(setup, server_count - 1) as others:
        options = [option for port in others for option in ("--gearman", f"127.0.0.1:{port}")]
        with sites.open_site(replace(setup, worker_options=(*setup.worker_options, *options))) as site:
            wait_until(lambda: all(_is_served(port) for port in others), "the worker to serve all servers")
            yield site, [site.port, *others]


def check_copies(ports: Sequence[int], queues: Sequence[str]) -> None:
    """Raises RuntimeError unless there is exactly one job for every queue, at one of the servers."""
    there: Counter[str] = Counter()
    for port in ports:
        there.update({queue: status.total_count for queue, status in admin.status(port).items()})
    wrong = [(queue, there[queue]) for queue in queues if there[queue] != 1]
    if wrong:
        raise RuntimeError(f"{len(wrong)} queues do not have one copy each, the first: {wrong[:3]}")


def _is_served(port: int) -> bool:
    return admin.queue_status(port, "fanout").worker_count > 0
