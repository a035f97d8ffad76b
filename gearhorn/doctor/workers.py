"""Checks of the workers: that they are alive, of one version, and all at the same servers and the same store."""

import math
import re
import socket
from collections.abc import Iterator, Sequence

from gearhorn import __version__
from gearhorn.doctor.findings import Notes
from gearhorn.doctor.site import Site, Skip
from gearhorn.errors import ServerUnavailable
from gearhorn.net.address import Address
from gearhorn.net.admin import ask_admin
from gearhorn.overview.views import RAN_OUT, REVOKED, WorkerView

# How a worker's connections are called in the table of a server; see config/worker.py.
LABEL_PREFIX = "gearhorn_"
_UNSHOWN = re.compile(r"[^!-~]")
_LABEL_BYTES = 127

_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


async def check_workers(site: Site, notes: Notes) -> None:
    site.store()
    workers = site.overview.workers
    if all(worker.state == RAN_OUT for worker in workers):
        notes.say("no-worker", "no worker holds a lease")
    for worker in workers:
        if worker.state == RAN_OUT:
            what = f"the lease of worker {worker.worker_id} ran out {-worker.lease_left_s:.0f} s ago"
            notes.say("worker-ran-out", what, WORKER=worker.worker_id)
        elif worker.state == REVOKED:
            left_s = math.ceil(worker.lease_left_s)
            what = f"the lease of worker {worker.worker_id} is revoked and ends in {left_s} s; it then takes a new one"
            notes.say("worker-revoked", what)


async def check_versions(site: Site, notes: Notes) -> None:
    site.store()
    for worker in _alive(site):
        if worker.version is not None and worker.version != __version__:
            what = f"worker {worker.worker_id} is of version {worker.version}, this command of {__version__}"
            notes.say("version-mix", what, HOST=worker.address or "its host")


async def check_connections(site: Site, notes: Notes) -> None:
    """Names of servers are compared as they are written, but for those of one's own host."""
    site.store()
    ours = {_plain(str(address), "") for address in site.servers}
    reachable = [str(address) for address in site.reachable]
    for worker in _alive(site):
        host = worker.address or ""
        theirs = {_plain(server, host) for server in worker.servers}
        for server in reachable:
            if _plain(server, "") not in theirs:
                what = f"worker {worker.worker_id} is not connected to Gearman server {server}"
                notes.say("worker-misses-server", what, SERVER=server, HOST=host)
        for server in sorted(theirs - ours):
            what = f"worker {worker.worker_id} is connected to {server}, which is not among the servers here"
            notes.say("worker-other-servers", what, HOST=host)


async def check_strangers(site: Site, notes: Notes) -> None:
    """Workers that the servers know and the store does not."""
    site.store()
    if not site.reachable:
        raise Skip("no Gearman server can be asked")
    known = {_label(worker.worker_id) for worker in site.overview.workers}
    for address in site.reachable:
        strangers = _workers_at(await _connections(site, address), site.observer.settings.queues.fanout)
        for host, label in sorted(set(strangers)):
            if label not in known:
                what = f"worker {label.removeprefix(LABEL_PREFIX)} at Gearman server {address} has no lease here"
                notes.say("worker-other-store", what, HOST=host)


async def _connections(site: Site, address: Address) -> list[str]:
    try:
        return await ask_admin(address, site.observer.servers.link, "workers", is_list=True)
    except ServerUnavailable:
        return []


def _workers_at(lines: Sequence[str], fanout_queue: str) -> Iterator[tuple[str, str]]:
    """Address and label of the connections that serve the queue; a line is `fd address label : queue queue…`."""
    for line in lines:
        head, _, queues = line.partition(" : ")
        words = head.split()
        if len(words) == 3 and words[2].startswith(LABEL_PREFIX) and fanout_queue in queues.split():
            yield words[1], words[2]


def _label(worker_id: str) -> str:
    return _UNSHOWN.sub("-", LABEL_PREFIX + worker_id)[:_LABEL_BYTES]


def _alive(site: Site) -> Iterator[WorkerView]:
    return (worker for worker in site.overview.workers if worker.state != RAN_OUT)


def _plain(server: str, host: str) -> str:
    """A server that is on the host of whoever names it has the host's name; `host` empty: this host."""
    name, _, port = server.rpartition(":")
    return f"{host or socket.gethostname()}:{port}" if name in _LOCAL_NAMES else server
