"""Checks of the Gearman servers: that they answer, that somebody serves them, and that they keep what they should."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

from gearhorn.doctor.findings import Notes
from gearhorn.doctor.site import Site, Skip
from gearhorn.errors import ServerUnavailable
from gearhorn.net.address import Address
from gearhorn.net.admin import ask_admin
from gearhorn.overview.verdict import MANY_FANOUTS_COUNT
from gearhorn.overview.views import ServerView

SLOW_S = 1.0
# Of its file descriptors a process may have used so many.
NEARLY_USED_UP = 0.8

_HERE = ("localhost", "127.0.0.1", "::1")


async def check_servers(site: Site, notes: Notes) -> None:
    overview = site.overview
    for address, server in zip(site.servers, overview.servers, strict=True):
        if not server.is_reachable:
            what = f"Gearman server {address} cannot be asked: {server.trouble}"
            notes.say("server-unreachable", what, COMMAND=_look_command(site, address))
        elif server.took_s is not None and server.took_s > SLOW_S:
            what = f"Gearman server {address} took {server.took_s:.1f} s to answer; it has {server.queues_count} queues"
            notes.say("server-slow", what, HOST=address.host, PORT=address.port)
    versions = {server.version or "geard" for server in overview.servers if server.is_reachable}
    if len(versions) > 1:
        notes.say("server-version-mix", f"the Gearman servers are of versions {', '.join(sorted(versions))}")


def _look_command(site: Site, address: Address) -> str:
    if site.tls is not None:
        return f"openssl s_client -connect {address} -servername {address.host} < /dev/null"
    if is_here(address):
        return f"systemctl restart gearman-job-server; gearadmin --host={address.host} --port={address.port} --status"
    return f"gearadmin --host={address.host} --port={address.port} --status"


async def check_queues(site: Site, notes: Notes) -> None:
    """Where nobody serves any of them, that is one finding."""
    overview = site.overview
    if not overview.queues:
        raise Skip("no Gearman server can be asked")
    for address in map(str, site.reachable):
        unserved = [queue.name for queue in overview.queues if address in queue.unserved_on]
        if len(unserved) == len(overview.queues):
            notes.say("server-unserved", f"no worker serves Gearman server {address}", SERVER=address)
        else:
            for name in unserved:
                notes.say("queue-unserved", f"nobody serves {name} on Gearman server {address}", QUEUE=name)
    for queue in overview.queues:
        if queue.waiting_count > MANY_FANOUTS_COUNT:
            notes.say("intake-backlog", f"{queue.waiting_count} jobs wait in {queue.name}")


async def check_persistence(site: Site, notes: Notes) -> None:
    """Only gearmand has queues that outlast it; which, its command line says, where it runs on this host."""
    if not site.has_persistent_queue:
        raise Skip("[gearman] persistent_queue is off")
    for address, server in _reachable(site):
        if not _is_gearmand(server):
            notes.say("queue-not-persistent", f"the server at {address} is no gearmand: it keeps jobs in memory only")
            continue
        pid = await _find_pid(site, address)
        words = _words_of(pid) if pid is not None else []
        if words and not any(word.startswith(("-q", "--queue-type", "--config-file")) for word in words):
            notes.say("queue-not-persistent", f"gearmand at {address} was started without --queue-type")


async def check_descriptors(site: Site, notes: Notes) -> None:
    """Of the gearmands and workers on this host: a server needs one for each subscriber."""
    gearmands = [address for address, server in _reachable(site) if _is_gearmand(server)]  # geard would keep silent
    processes = [(f"gearmand at {address}", await _find_pid(site, address)) for address in gearmands]
    processes += [(f"worker {worker.worker_id}", worker.local_pid) for worker in site.overview.workers]
    known = [(what, pid) for what, pid in processes if pid is not None]
    if not known:
        raise Skip("no server or worker runs on this host")
    for what, pid in known:
        used_count, limit_count, most_count = await asyncio.to_thread(_descriptors_of, pid)
        if limit_count and used_count > NEARLY_USED_UP * limit_count:
            text = f"{what} (process {pid}) has used {used_count} of {limit_count} file descriptors"
            more = f"{4 * limit_count}:" if 4 * limit_count <= most_count else 4 * limit_count  # with a colon: up to it
            notes.say("file-descriptors", text, PID=pid, LIMIT=more)


def is_here(address: Address) -> bool:
    return address.host in (*_HERE, socket.gethostname())


def _reachable(site: Site) -> Iterator[tuple[Address, ServerView]]:
    for address, server in zip(site.servers, site.overview.servers, strict=True):
        if server.is_reachable:
            yield address, server


def _is_gearmand(server: ServerView) -> bool:
    """geard tells no version, and Perl's server begins its own with a v."""
    return server.version is not None and not server.version.startswith("v")


async def _find_pid(site: Site, address: Address) -> int | None:
    """Of a gearmand on this host. Another process of that number, in a container say, is none."""
    if not is_here(address):
        return None
    try:
        [line] = await ask_admin(address, site.observer.servers.link, "getpid")
    except (ServerUnavailable, ValueError):
        return None
    number = line.removeprefix("OK ").strip()
    pid = int(number) if number.isascii() and number.isdigit() else None
    return pid if pid is not None and any("gearmand" in word for word in _words_of(pid)[:1]) else None


def _words_of(pid: int) -> list[str]:
    try:
        return [word.decode(errors="replace") for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]
    except OSError:
        return []


def _descriptors_of(pid: int) -> tuple[int, int, int]:
    """Those in use, how many there may be, and up to where anybody may raise that; 0 for a process that cannot be
    looked into.
    """
    try:
        lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
        soft, hard = next(line for line in lines if line.startswith("Max open files")).split()[3:5]
        return len(list(Path(f"/proc/{pid}/fd").iterdir())), int(soft), int(hard)
    except (OSError, ValueError, StopIteration):
        return 0, 0, 0
