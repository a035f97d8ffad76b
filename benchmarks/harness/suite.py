"""Finds the scenarios and measures them, one after the other; one that fails costs nobody else's figures."""

import importlib
import pkgutil
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import scenarios

from harness import environment
from harness.results import Record
from harness.scenario import Outcome, Pace, Scenario


def find_scenarios() -> dict[str, Scenario]:
    """By name, in the order in which they are measured and told: that of `scenarios.ORDER`, then the others'."""
    modules = (importlib.import_module(f"scenarios.{each.name}") for each in pkgutil.iter_modules(scenarios.__path__))
    found = {each.name: each for each in (getattr(module, "SCENARIO", None) for module in modules) if each}
    named = [name for name in scenarios.ORDER if name in found]
    return {name: found[name] for name in [*named, *sorted(found.keys() - set(named))]}


def measure(scenario: Scenario, pace: Pace) -> Record:
    """Raises nothing but what ends the whole run: a failure becomes part of the record."""
    started, load, clock = time.gmtime(), environment.load(), time.monotonic()
    outcome, error = _try(scenario, pace)
    return Record(
        scenario=scenario.name,
        started=time.strftime("%Y-%m-%dT%H:%M:%SZ", started),
        duration_s=round(time.monotonic() - clock, 1),
        load_before=load,
        commit=environment.commit(),
        settings=_settings(pace),
        machine=environment.machine(),
        versions=environment.versions(),
        outcome=outcome,
        error=error,
        is_quick=pace.is_quick,
    )


def _try(scenario: Scenario, pace: Pace) -> tuple[Outcome | None, str]:
    try:
        return scenario.run(pace), ""
    except Exception as error:  # noqa: BLE001 (whatever it was, the others go on)
        traceback.print_exc()
        return None, f"{type(error).__name__}: {error}"


def _settings(pace: Pace) -> Mapping[str, Any]:
    return {"rounds": pace.round_count, **asdict(pace.setup)}


def say(text: str) -> None:
    """Progress, for whoever waits."""
    print(text, file=sys.stderr, flush=True)


def summary(records: Sequence[Record]) -> str:
    """One line for the end of a run."""
    aims = [aim for record in records for aim in record.aims]
    failed = [record.scenario for record in records if record.error]
    reached = f"{sum(aim.is_reached for aim in aims)} of {len(aims)} aims reached"
    return reached + (f"; failed: {', '.join(failed)}" if failed else "")
