"""What is wrong, as far as one picture tells. `gearhorn doctor` looks deeper, and says what to do."""

from collections.abc import Iterator
from typing import NamedTuple

from gearhorn.overview.views import RAN_OUT, REVOKED, Overview

ERROR = "error"
WARNING = "warning"
WELL = "well"

# So many fanouts wait in a service that keeps up only while a burst is on its way.
MANY_FANOUTS_COUNT = 1000

# A worker that is alive has another one when this one has run out.
_WHY_REVOKED = "it did not acknowledge a change, or the store was started again"

# What a trouble may be about.
SERVER = "server"
WORKER = "worker"
SUBSCRIBERS = "subscribers"


class Trouble(NamedTuple):
    """`severity` is ERROR where something does not work now, WARNING where it will not do so for ever. `about` is the
    kind of thing that it is about, and which: an address, a worker's id, a state.
    """

    severity: str
    what: str
    about: tuple[str, str] = ("", "")


def judge(overview: Overview) -> list[Trouble]:
    """The worst first. Empty: all is well."""
    found = [
        *_judge_store(overview),
        *_judge_servers(overview),
        *_judge_workers(overview),
        *_judge_queues(overview),
        *_judge_subscribers(overview),
    ]
    return sorted(found, key=lambda trouble: trouble.severity != ERROR)


def worst_of(troubles: list[Trouble]) -> str:
    return troubles[0].severity if troubles else WELL


def _judge_store(overview: Overview) -> Iterator[Trouble]:
    store = overview.store
    if not store.is_reachable:
        yield Trouble(ERROR, f"the store cannot be reached: {store.trouble}")
    elif store.lost_since is not None:
        yield Trouble(ERROR, f"the store lost its lists at {store.lost_since}: fanouts to topics not shown are refused")


def _judge_servers(overview: Overview) -> Iterator[Trouble]:
    for server in overview.servers:
        if not server.is_reachable:
            about = (SERVER, server.address)
            yield Trouble(ERROR, f"Gearman server {server.address} cannot be asked: {server.trouble}", about)


def _judge_workers(overview: Overview) -> Iterator[Trouble]:
    if overview.store.is_reachable and all(worker.state == RAN_OUT for worker in overview.workers):
        yield Trouble(ERROR, "no worker holds a lease")
    for worker in overview.workers:
        name, about = f"worker {worker.worker_id}", (WORKER, worker.worker_id)
        if worker.state == RAN_OUT:
            yield Trouble(WARNING, f"{name} is gone: its lease ran out {-worker.lease_left_s:.0f} s ago", about)
        elif worker.state == REVOKED:
            yield Trouble(WARNING, f"the lease of {name} is revoked: {_WHY_REVOKED}", about)


def _judge_queues(overview: Overview) -> Iterator[Trouble]:
    """A server without a worker is spoken of once, and not for each queue."""
    reachable = [server.address for server in overview.servers if server.is_reachable]
    unserved = {address: [q.name for q in overview.queues if address in q.unserved_on] for address in reachable}
    for address, names in unserved.items():
        if len(names) == len(overview.queues):
            yield Trouble(ERROR, f"no worker serves Gearman server {address}", (SERVER, address))
        elif names:
            what = f"nobody serves {', '.join(names)} on Gearman server {address}"
            yield Trouble(ERROR, what, (SERVER, address))
    for queue in overview.queues:
        if queue.waiting_count > MANY_FANOUTS_COUNT:
            yield Trouble(WARNING, f"{queue.waiting_count} jobs wait in {queue.name}")


def _judge_subscribers(overview: Overview) -> Iterator[Trouble]:
    totals = overview.totals
    for count, state in (
        (totals.dead_count, "dead"),
        (totals.paused_count, "paused"),
        (totals.suspect_count, "suspect"),
    ):
        if count:
            what = f"{count} {state} subscriber{'' if count == 1 else 's'}"
            yield Trouble(WARNING, what, (SUBSCRIBERS, state))
