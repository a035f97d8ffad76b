"""A worker's page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gearhorn.overview.rates import COPIES, FANOUTS, measure_worker
from gearhorn.overview.rendering import render_worker, time_of
from gearhorn.overview.views import WorkerView
from gearhorn.web.dashboard.pages.missing import Missing, missing
from gearhorn.web.dashboard.pages.page import Page, Request


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker and how much it does a second. `lease_share` is what is left of its lease, of 1."""

    worker: WorkerView
    fanouts_per_s: float | None
    copies_per_s: float | None
    lease_share: float | None


@dataclass(frozen=True, slots=True)
class WorkerPage:
    taken_at_s: float
    row: WorkerRow
    rates: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        return {"taken_at": time_of(self.taken_at_s), "worker": render_worker(self.row.worker)}


def row_of(worker: WorkerView, rates: Mapping[str, float] | None) -> WorkerRow:
    share = None
    if worker.lease_ttl_s:
        share = min(1.0, max(0.0, worker.lease_left_s / worker.lease_ttl_s))
    if rates is None:
        return WorkerRow(worker, None, None, share)
    return WorkerRow(worker, rates.get(FANOUTS, 0.0), rates.get(COPIES, 0.0), share)


async def build_worker(request: Request) -> Page:
    worker_id = request.query.text("id")
    overview = request.sight.overview
    for worker in overview.workers:
        if worker.worker_id == worker_id:
            rates = measure_worker(worker)
            data = WorkerPage(overview.taken_at_s, row_of(worker, rates), rates or {})
            return Page("worker.html", worker_id, "Overview", data)
    why = "" if overview.store.is_reachable else f"The store cannot be reached: {overview.store.trouble}"
    return missing(Missing(overview.taken_at_s, "worker", worker_id, why or "No worker holds such a lease."))
