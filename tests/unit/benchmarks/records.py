"""Records and scenarios as short as a test wants them."""

from typing import Any

from harness.results import Record
from harness.rounds import Spread
from harness.scenario import Aim, Outcome, Scenario, Series


def record(scenario: str, figures: tuple[float, ...] = (1.0, 2.0, 3.0), **fields: Any) -> Record:
    usual = {
        "scenario": scenario,
        "started": "2026-01-02T03:04:05Z",
        "duration_s": 1.5,
        "load_before": 0.25,
        "commit": "abc1234",
        "settings": {
            "rounds": len(figures),
            "store": "redis",
            "threads_count": 4,
            "worker": "gearhorn worker",
            "worker_options": [],
        },
        "machine": {"cpu": "Abacus", "cores": 2, "memory_gib": 4.0, "kernel": "6.1", "system": "Debian"},
        "versions": {"gearmand": "1.1.20", "nats-server": "not installed"},
        "outcome": Outcome((Series("gearhorn", "100 subscribers", "copies/s", list(figures), 100),)),
    }
    return Record(**{**usual, **fields})


def failed(scenario: str, error: str) -> Record:
    return record(scenario, outcome=None, error=error)


def with_aim(scenario: str, median: float, wanted: float, is_least: bool = True) -> Record:
    aim = Aim("beside the limit", Spread(median, median - 0.1, median + 0.1), wanted, is_least)
    return record(scenario, outcome=Outcome((), (aim,)))


def scenarios(*names: str) -> dict[str, Scenario]:
    def run(_: object) -> Outcome:
        raise NotImplementedError

    return {name: Scenario(name, f"Title of {name}", f"Question of {name}?", {}, run) for name in names}
