"""Measures the scenarios of the suite, writes a JSON result, and from it a page with tables and plots."""

import argparse
import sys
from pathlib import Path

from harness import PROJECT, page, results, suite
from harness.scenario import Pace, Scenario
from harness.sites import STORES, Setup

PAGE = PROJECT / "doc" / "benchmarks.md"
TRIAL_PAGE = PROJECT / "benchmarks" / "build" / "trial" / "benchmarks.md"
ROUND_COUNT, QUICK_ROUND_COUNT = 5, 1


def parse(scenarios: dict[str, Scenario]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--only", action="append", metavar="NAME", choices=list(scenarios), help="measure this scenario; repeatable")
    add("--list", action="store_true", help="name the scenarios and end")
    add("--quick", action="store_true", help="a smoke test of the suite, with small sizes, beside the real page")
    add("--rounds", type=positive, metavar="N", help=f"per contestant, {ROUND_COUNT}; {QUICK_ROUND_COUNT} with --quick")
    add("--json", type=Path, metavar="FILE", help="the result; default: results.json in the folder of the plots")
    add("--merge", action="store_true", help="keep what that file says of the scenarios not measured now")
    add("--from-json", type=Path, metavar="FILE", help="write the page from this result and measure nothing")
    add(
        "--page",
        type=Path,
        metavar="FILE",
        help="default: doc/benchmarks.md, with its plots in doc/benchmarks; another place for "
        "a trial (--quick, and --only without --merge)",
    )
    add("--worker", default="gearhorn worker", metavar="COMMAND", help="the worker to measure: %(default)s")
    add("--worker-option", action="append", default=[], metavar="OPTION", help="one more for it; repeatable")
    add("--store", choices=list(STORES), default="redis", help="started afresh: %(default)s")
    add("--threads", type=int, default=4, help="gearmand's I/O threads; its own default is %(default)s")
    return parser.parse_args()


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return number


def pace_of(chosen: argparse.Namespace) -> Pace:
    setup = Setup(chosen.store, chosen.threads, chosen.worker, tuple(chosen.worker_option))
    return Pace(chosen.rounds or (QUICK_ROUND_COUNT if chosen.quick else ROUND_COUNT), chosen.quick, setup)


def is_for_all_to_see(chosen: argparse.Namespace) -> bool:
    """Whether the project's own page is meant: a trial of some scenarios must not replace it by accident."""
    return bool(chosen.from_json or (not chosen.quick and (chosen.merge or not chosen.only)))


def measure_all(scenarios: list[Scenario], pace: Pace, old: list[results.Record], path: Path) -> list[results.Record]:
    """Saves after each scenario: whoever ends the run keeps what was measured. Returns the new records."""
    records: list[results.Record] = []
    for number, scenario in enumerate(scenarios, start=1):
        suite.say(f"\n== {scenario.name} ({number}/{len(scenarios)}): {scenario.title}")
        records.append(suite.measure(scenario, pace))
        suite.say(f"== {scenario.name}: {records[-1].duration_s:.0f} s, {suite.summary(records[-1:])}")
        results.save(path, results.merge(old, records))
    return records


def main() -> int:
    scenarios = suite.find_scenarios()
    chosen = parse(scenarios)
    if chosen.list:
        print("\n".join(f"{each.name:20}  {each.title}" for each in scenarios.values()))
        return 0
    page_path = chosen.page or (PAGE if is_for_all_to_see(chosen) else TRIAL_PAGE)
    if chosen.from_json:
        page.write(page_path, results.load(chosen.from_json), scenarios)
        return 0
    json_path = chosen.json or page.plots_folder(page_path) / page.FIGURES
    old = results.load(json_path) if chosen.merge and json_path.exists() else []
    wanted = [each for each in scenarios.values() if not chosen.only or each.name in chosen.only]
    new = measure_all(wanted, pace_of(chosen), old, json_path)
    page.write(page_path, results.merge(old, new), scenarios)
    suite.say(f"\n{suite.summary(new)}; see {page_path}")
    return 1 if any(record.error for record in new) else 0


if __name__ == "__main__":
    sys.exit(main())
