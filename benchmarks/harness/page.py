"""The page about a run: all aims on top, then a section per scenario. Everything on it is in the result's JSON file,
except what a scenario says of itself (question, contestants, plots, profile), which comes from its module.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import numerals, tables
from harness.results import Record
from harness.scenario import Aim, Scenario

FIGURES = "results.json"
INTRODUCTION = """\
# Benchmarks

How fast the service is: beside the limit that the Gearman server sets, and beside what one could use instead. This
page is written by `make bench`, which repeats all of it on your machine; [benchmarks/README.md]({readme}) tells how.

**How to read it.** All contestants of a scenario take turns, in one run on one machine: *compare the figures of one
table with each other*. Between machines, and between days, they move by a factor of two. A figure is the median of all
rounds, with the lowest and the highest in parentheses. A ratio is taken within each round, and what stands here is the
median of these ratios, so it need not be the ratio of two medians. Servers, publishers and receivers share the
machine's cores. In plots we are blue, and thin lines reach from the lowest to the highest. Every copy is counted: a
scenario in which one was lost, or came twice, has failed and has no figures.

Nobody here does exactly what we do. Each section says what a contestant does less, and what more: one that does less is
a limit to be measured by, or another bargain, and no replacement.
"""


def plots_folder(page: Path) -> Path:
    """The plots of doc/benchmarks.md are in doc/benchmarks."""
    return page.with_suffix("")


def write(page: Path, records: Sequence[Record], scenarios: Mapping[str, Scenario]) -> None:
    """Writes the page and its plots. Tells of no scenario that the suite no longer has."""
    from harness import plots  # matplotlib takes a second, and the page's own tests have none

    told = _in_order(records, scenarios)
    folder = plots_folder(page)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    drawn = {record.scenario: plots.draw(scenarios[record.scenario], record, folder) for record in told}
    pictures = {name: [f"{folder.name}/{path.name}" for path in paths] for name, paths in drawn.items()}
    readme = os.path.relpath(Path(__file__).resolve().parents[1] / "README.md", page.resolve().parent)
    page.write_text(render(told, scenarios, pictures, readme, f"{folder.name}/{FIGURES}"))


def render(
    records: Sequence[Record],
    scenarios: Mapping[str, Scenario],
    pictures: Mapping[str, Sequence[str]] | None = None,
    readme: str = "../benchmarks/README.md",
    figures: str = f"benchmarks/{FIGURES}",
) -> str:
    """`pictures` are the paths of the plots by scenario; all paths are relative to the page."""
    told = _in_order(records, scenarios)
    lines = [*INTRODUCTION.format(readme=readme).splitlines(), ""]
    lines += _warnings(told)
    lines += _environment(told)
    lines += [f"**All figures**, of every round: [{FIGURES}]({figures}).", ""]
    lines += _aims(told, scenarios)
    lines += _contents(told, scenarios)
    for record in told:
        lines += _section(record, scenarios[record.scenario], _usual(told), (pictures or {}).get(record.scenario, ()))
    return "\n".join(lines).rstrip() + "\n"


def _in_order(records: Sequence[Record], scenarios: Mapping[str, Scenario]) -> list[Record]:
    by_name = {record.scenario: record for record in records}
    return [by_name[name] for name in scenarios if name in by_name]


def _warnings(records: Sequence[Record]) -> Iterator[str]:
    quick = [record.scenario for record in records if record.is_quick]
    failed = [record.scenario for record in records if record.error]
    if quick:
        which = "" if len(quick) == len(records) else f" of {', '.join(quick)}"
        yield f"**A quick run{which}, to see that the suite works: its figures say little.**"
        yield ""
    if failed:
        yield f"**Failed, and without figures here: {', '.join(failed)}.**"
        yield ""


def _environment(records: Sequence[Record]) -> Iterator[str]:
    """That of most; sections that were measured elsewhere say so."""
    if not records:
        return
    usual = _usual(records)
    yield f"**Machine**: {_machine(usual)}."
    yield ""
    yield f"**Versions**: {_versions(usual)}."
    yield ""


def _usual(records: Sequence[Record]) -> Record:
    """One that was measured where most were."""
    return max(records, key=lambda record: sum(_is_alike(record, other) for other in records))


def _is_alike(record: Record, other: Record) -> bool:
    return (record.machine, record.versions) == (other.machine, other.versions)


def _machine(record: Record) -> str:
    about = record.machine
    parts = [f"{about['cores']} × {about['cpu']}", f"{about['memory_gib']} GiB", f"kernel {about['kernel']}"]
    return ", ".join([*parts, str(about["system"])])


def _versions(record: Record) -> str:
    return ", ".join(f"{name} {number}" for name, number in record.versions.items() if number != "not installed")


def _aims(records: Sequence[Record], scenarios: Mapping[str, Scenario]) -> Iterator[str]:
    aims = [(record, aim) for record in records for aim in record.aims]
    if not aims:
        return
    yield "## What was wanted, and what was reached"
    yield ""
    failed = any(record.error for record in records)
    besides = " Those of the scenarios that failed are not among them, and not reached." if failed else ""
    yield f"{sum(aim.is_reached for _, aim in aims)} of {len(aims)} aims are reached.{besides}"
    yield ""
    yield from tables.markdown(
        ["scenario", "aim", "wanted", "measured", "reached"],
        [[_link(record, scenarios), *_aim_cells(aim)] for record, aim in aims],
    )
    yield ""


def _contents(records: Sequence[Record], scenarios: Mapping[str, Scenario]) -> Iterator[str]:
    yield "## What was measured"
    yield ""
    yield from (f"* {_link(record, scenarios)}" for record in records)
    yield ""


def _link(record: Record, scenarios: Mapping[str, Scenario]) -> str:
    return f"[{scenarios[record.scenario].title}](#{_anchor(record)})"


def _anchor(record: Record) -> str:
    """Of our own, since a title may hold what every renderer makes another anchor of."""
    return record.scenario.replace("_", "-")


def _aim_cells(aim: Aim) -> list[str]:
    unit = aim.unit if aim.unit.startswith("/") else f" {aim.unit}"
    wanted = f"{'≥' if aim.is_least else '≤'} {numerals.exact(aim.wanted)}{unit}"
    return [aim.what, wanted, f"{numerals.spread(aim.measured)}{unit}", "yes" if aim.is_reached else "**NO**"]


def _section(record: Record, scenario: Scenario, usual: Record, pictures: Sequence[str]) -> Iterator[str]:
    yield f'<a id="{_anchor(record)}"></a>'
    yield ""
    yield f"## {scenario.title}"
    yield ""
    yield scenario.question
    yield ""
    yield from _contestants(scenario)
    if record.error:
        yield from ["**This scenario failed:**", "", "```", *record.error.splitlines(), "```", ""]
    yield from _figures(record, pictures)
    yield from _profile(scenario)
    yield from _circumstances(record, usual)


def _profile(scenario: Scenario) -> Iterator[str]:
    if not scenario.profile:
        return
    yield "### Where the time goes"
    yield ""
    for paragraph in scenario.profile:
        yield paragraph
        yield ""


def _contestants(scenario: Scenario) -> Iterator[str]:
    if not scenario.contestants:
        return
    yield from (f"* **{name}**: {about}" for name, about in scenario.contestants.items())
    yield ""


def _figures(record: Record, pictures: Sequence[str]) -> Iterator[str]:
    if record.outcome is None:
        return
    for table in tables.of_series(record.outcome.series):
        yield from table
        yield ""
    for picture in pictures:
        yield f"![{record.scenario.replace('_', ' ')}]({picture})"
        yield ""
    if record.aims:
        yield from (_aim_sentence(aim) for aim in record.aims)
        yield ""
    for remark in record.outcome.remarks:
        yield remark
        yield ""


def _aim_sentence(aim: Aim) -> str:
    what, wanted, measured, _ = _aim_cells(aim)
    return f"* {'Reached' if aim.is_reached else '**NOT reached**'}: {what}, {wanted} wanted, {measured} measured."


def _circumstances(record: Record, usual: Record) -> Iterator[str]:
    settings = record.settings
    words = [f"Measured {record.started}", f"commit {record.commit}", _rounds(record)]
    words += [f"{record.duration_s:.0f} s", f"load before it {record.load_before:g}", f"store {settings['store']}"]
    words += [f"gearmand's threads {settings['threads_count']}", f"worker `{_worker(settings)}`"]
    yield f"<sub>{', '.join(words)}.</sub>"
    yield ""
    if not _is_alike(record, usual):
        yield f"<sub>Measured apart from the others: {_machine(record)}; {_versions(record)}.</sub>"
        yield ""


def _worker(settings: Mapping[str, Any]) -> str:
    return " ".join([settings["worker"], *settings["worker_options"]])


def _rounds(record: Record) -> str:
    """Those that there were: a scenario may have fewer than it was asked for."""
    series = record.outcome.series if record.outcome else ()
    count = max((len(each.figures) for each in series), default=record.settings["rounds"])
    return f"{count} round{'' if count == 1 else 's'}"
