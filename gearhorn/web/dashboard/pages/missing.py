"""The page for what is not there, or not any more."""

from dataclasses import dataclass
from typing import Any

from gearhorn.overview.rendering import time_of
from gearhorn.web.dashboard.pages.page import Page


@dataclass(frozen=True, slots=True)
class Missing:
    taken_at_s: float
    kind: str
    name: str
    why: str

    def as_json(self) -> dict[str, Any]:
        return {"taken_at": time_of(self.taken_at_s), "error": f"there is no {self.kind} {self.name!r}: {self.why}"}


def missing(data: Missing) -> Page:
    """It may come back: so the page is kept up to date as any other."""
    return Page("missing.html", f"No {data.kind} {data.name}", "Overview", data, status=404)
