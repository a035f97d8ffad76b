"""Draws a scenario's plots as PNG files: small, for a white page, our service always in the same colour."""

import re
from collections.abc import Sequence
from pathlib import Path

from harness.plots import bars, curves
from harness.plots.looks import new_figure, save
from harness.results import Record
from harness.scenario import Plot, Scenario, Series


def draw(scenario: Scenario, record: Record, folder: Path) -> list[Path]:
    """One file per plot, named after the scenario and the plot's unit. What has no figures is not drawn."""
    if record.outcome is None:
        return []
    wanted = [(plot, _series_of(plot, record.outcome.series)) for plot in scenario.plots]
    return [_draw(plot, series, scenario, folder) for plot, series in wanted if series]


def _series_of(plot: Plot, series: Sequence[Series]) -> list[Series]:
    """Curves need a number for every point; a series that has none is in the table only."""
    return [each for each in series if each.unit == plot.unit and (each.x is not None or not plot.x_label)]


def _draw(plot: Plot, series: Sequence[Series], scenario: Scenario, folder: Path) -> Path:
    figure = new_figure(scenario.title)
    kind = curves if plot.x_label else bars
    kind.draw(figure, plot, series)
    return save(figure, folder / f"{scenario.name}-{_slug(plot.unit)}.png")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
