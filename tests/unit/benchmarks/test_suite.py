"""One scenario's failure costs no other one its figures; all scenarios are found."""

from dataclasses import replace

import pytest
from harness import suite
from harness.scenario import Outcome, Pace, Series

from tests.unit.benchmarks.records import scenarios


def test_a_failure_becomes_part_of_the_record(capfd: pytest.CaptureFixture[str]) -> None:
    def fail(_: Pace) -> Outcome:
        raise RuntimeError("one copy too few")

    record = suite.measure(replace(scenarios("a")["a"], run=fail), Pace(1))
    assert (record.outcome, record.error) == (None, "RuntimeError: one copy too few")
    assert "Traceback" in capfd.readouterr().err
    assert suite.summary([record]) == "0 of 0 aims reached; failed: a"


def test_a_success_has_all_that_the_page_asks_for() -> None:
    outcome = Outcome([Series("gearhorn", "", "s", [1.0])])
    record = suite.measure(replace(scenarios("a")["a"], run=lambda _: outcome), Pace(3, is_quick=True))
    assert (record.outcome, record.error, record.is_quick) == (outcome, "", True)
    assert record.settings["rounds"] == 3
    assert record.machine["cores"] > 0


def test_every_scenario_is_found_by_the_name_of_its_module() -> None:
    found = suite.find_scenarios()
    assert "start" in found
    assert [scenario.run.__module__ for scenario in found.values()] == [f"scenarios.{name}" for name in found]
