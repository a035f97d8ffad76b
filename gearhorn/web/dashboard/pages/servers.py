"""A Gearman server's page."""

from dataclasses import dataclass
from typing import Any

from gearhorn.overview.rendering import render_server, render_worker, time_of
from gearhorn.overview.views import QueueView, ServerView, WorkerView
from gearhorn.web.dashboard.pages.missing import Missing, missing
from gearhorn.web.dashboard.pages.page import Page, Request


@dataclass(frozen=True, slots=True)
class ServerPage:
    """`unserved`: queues of the service that nobody serves there. `workers` say that they are connected to it."""

    taken_at_s: float
    server: ServerView
    unserved: tuple[QueueView, ...]
    workers: tuple[WorkerView, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "taken_at": time_of(self.taken_at_s),
            "server": render_server(self.server),
            "unserved": [queue.name for queue in self.unserved],
            "workers": [render_worker(worker) for worker in self.workers],
        }


async def build_server(request: Request) -> Page:
    address, overview = request.query.text("address"), request.sight.overview
    for server in overview.servers:
        if server.address == address:
            unserved = tuple(queue for queue in overview.queues if address in queue.unserved_on)
            workers = tuple(worker for worker in overview.workers if address in worker.servers)
            data = ServerPage(overview.taken_at_s, server, unserved, workers)
            return Page("server.html", address, "Overview", data)
    return missing(Missing(overview.taken_at_s, "server", address, "It is not one of the servers configured."))
