"""Draws a scenario's plots as PNG files."""

from pathlib import Path

from harness.results import Record
from harness.scenario import Scenario


def draw(scenario: Scenario, record: Record, folder: Path) -> list[Path]:
    return []
