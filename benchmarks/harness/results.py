"""What was measured, as a JSON file: a record per scenario, each with its own hour, machine, versions and settings.

So scenarios that were measured at another time, or by another commit, can stand in one file and still tell so.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.rounds import Spread, sum_up
from harness.scenario import Aim, Outcome, Series

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Record:
    """One scenario's measurement. It has an outcome, or the error that ended it."""

    scenario: str
    started: str  # UTC, ISO 8601
    duration_s: float
    load_before: float
    commit: str
    settings: Mapping[str, Any]
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    outcome: Outcome | None = None
    error: str = ""
    is_quick: bool = False

    @property
    def aims(self) -> Sequence[Aim]:
        return self.outcome.aims if self.outcome else ()


def merge(old: Sequence[Record], new: Sequence[Record]) -> list[Record]:
    """The new records, each in the place of the old one of its scenario, and all other old ones as they were."""
    renewed = {record.scenario: record for record in new}
    kept = [renewed.pop(record.scenario, record) for record in old]
    return kept + list(renewed.values())


def save(path: Path, records: Sequence[Record]) -> None:
    """Replaces the file in one step: whoever ends the run meanwhile keeps what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    content = {"format": FORMAT, "scenarios": [_plain(record) for record in records]}
    unfinished.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    unfinished.replace(path)


def load(path: Path) -> list[Record]:
    """Raises ValueError for a file that is no result, or one of another format."""
    content = json.loads(path.read_text())
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{path} is no result of format {FORMAT}")
    return [_record(plain) for plain in content["scenarios"]]


def _plain(record: Record) -> dict[str, Any]:
    plain = asdict(record)
    for series in plain["outcome"]["series"] if record.outcome else ():
        series["summary"] = sum_up(series["figures"])._asdict()
    for aim, ours in zip(plain["outcome"]["aims"] if record.outcome else (), record.aims, strict=True):
        aim |= {"measured": ours.measured._asdict(), "is_reached": ours.is_reached}
    return plain


def _record(plain: dict[str, Any]) -> Record:
    outcome = plain["outcome"]
    return Record(**{**plain, "outcome": None if outcome is None else _outcome(outcome)})


def _outcome(plain: dict[str, Any]) -> Outcome:
    series = ({name: value for name, value in each.items() if name != "summary"} for each in plain["series"])
    return Outcome(
        series=tuple(Series(**each) for each in series),
        aims=tuple(_aim(each) for each in plain["aims"]),
        remarks=tuple(plain["remarks"]),
    )


def _aim(plain: dict[str, Any]) -> Aim:
    """Whether it was reached is not taken from the file: the figure decides."""
    known = {name: value for name, value in plain.items() if name != "is_reached"}
    return Aim(**{**known, "measured": Spread(**plain["measured"])})
