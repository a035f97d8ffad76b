"""The result's file: what is written is read again, and a new measurement replaces its own scenario only."""

import json
from pathlib import Path

import pytest
from harness import results

from tests.unit.benchmarks.records import failed, record, with_aim


def test_merging_replaces_what_was_measured_again_and_nothing_else() -> None:
    old = [record("a", (1.0,)), record("b", (2.0,), commit="old"), record("c", (3.0,))]
    new = record("b", (4.0,), commit="new")
    assert results.merge(old, [new]) == [old[0], new, old[2]]


def test_merging_adds_what_was_not_there() -> None:
    assert results.merge([record("a")], [record("b")]) == [record("a"), record("b")]


def test_a_failure_replaces_the_figures_from_before() -> None:
    assert results.merge([record("a")], [failed("a", "a copy too many")]) == [failed("a", "a copy too many")]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "results.json"
    records = [record("a"), failed("b", "RuntimeError: lost"), with_aim("c", 0.5, 0.85)]
    results.save(path, records)
    assert results.load(path) == records


def test_the_file_tells_medians_and_aims_to_whoever_has_no_suite(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results.save(path, [record("a", (3.0, 1.0, 2.0)), with_aim("b", 0.5, 0.85)])
    measured, aimed = json.loads(path.read_text())["scenarios"]
    assert measured["outcome"]["series"][0]["summary"] == {"median": 2.0, "low": 1.0, "high": 3.0}
    assert aimed["outcome"]["aims"][0]["is_reached"] is False


def test_an_aim_is_judged_anew_by_its_figure(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results.save(path, [with_aim("a", 0.5, 0.85)])
    path.write_text(path.read_text().replace('"is_reached": false', '"is_reached": true'))
    assert not results.load(path)[0].aims[0].is_reached


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": 0, "scenarios": []}'])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="no result of format"):
        results.load(path)
