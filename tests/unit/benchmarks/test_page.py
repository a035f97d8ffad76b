"""What the page must say, above all where things did not go well."""

from harness import page
from harness.scenario import Outcome, Series

from tests.unit.benchmarks.records import failed, record, scenarios, with_aim


def lines_with(text: str, page_text: str) -> list[str]:
    return [line for line in page_text.splitlines() if text in line]


def test_an_aim_that_was_missed_is_called_missed_in_the_table_and_in_its_section() -> None:
    text = page.render([with_aim("a", 0.5, 0.85), with_aim("b", 0.9, 0.85)], scenarios("a", "b"))
    assert "1 of 2 aims are reached." in text
    missed, reached = lines_with("| ≥ 0.85 times", text)
    assert "0.500 (0.400–0.600) times" in missed
    assert "**NO**" in missed
    assert "**NO**" not in reached
    assert len(lines_with("**NOT reached**: beside the limit", text)) == 1


def test_an_aim_that_is_the_most_is_told_as_such() -> None:
    assert "≤ 15 times" in page.render([with_aim("a", 9.0, 15.0, is_least=False)], scenarios("a"))


def test_a_scenario_that_failed_is_on_the_page_with_its_error() -> None:
    text = page.render([failed("a", "RuntimeError: a copy too many"), record("b")], scenarios("a", "b"))
    assert "Failed, and without figures here: a." in text
    assert "## Title of a" in text
    assert "RuntimeError: a copy too many" in text
    assert "**2 (1–3)**" not in text  # no others to stand out from
    assert "2 (1–3)" in text


def test_the_count_of_aims_says_that_those_of_a_failed_scenario_are_missing() -> None:
    text = page.render([with_aim("a", 0.9, 0.85), failed("b", "RuntimeError")], scenarios("a", "b"))
    assert "1 of 1 aims are reached. Those of the scenarios that failed are not among them" in text


def test_a_quick_run_says_that_it_is_one() -> None:
    assert "A quick run" in page.render([record("a", is_quick=True)], scenarios("a"))
    assert "A quick run" not in page.render([record("a")], scenarios("a"))


def test_ours_stand_out_where_there_are_others() -> None:
    both = Outcome([Series(name, "100", "copies/s", [5.0]) for name in ("blast", "gearhorn")])
    text = page.render([record("a", outcome=both)], scenarios("a"))
    assert len(lines_with("**gearhorn** | **5**", text)) == 1
    assert len(lines_with("blast        | 5", text)) == 1


def test_sections_are_in_the_suites_order_and_none_is_told_that_it_no_longer_has() -> None:
    text = page.render([record("gone"), record("b"), record("a")], scenarios("a", "b"))
    assert lines_with("## Title", text) == ["## Title of a", "## Title of b"]
    assert "gone" not in text


def test_what_was_measured_elsewhere_says_so() -> None:
    records = [record("a"), record("b"), record("c", versions={"gearmand": "1.1.18"})]
    text = page.render(records, scenarios("a", "b", "c"))
    assert "**Versions**: gearmand 1.1.20." in text
    assert len(lines_with("Measured apart from the others", text)) == 1
    assert "gearmand 1.1.18" in text
    assert "nats-server" not in text  # where it was not installed, it has no version
