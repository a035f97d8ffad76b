"""Puts a scene on a screen of so many rows: every part is there, and what there is no room for is counted."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gearhorn.cmd.screen.figures import clean, milliseconds, moment, number, rate
from gearhorn.cmd.screen.scene import Scene, sum_up
from gearhorn.cmd.screen.tables import USUAL_SORT, Part, parts_of
from gearhorn.overview.verdict import ERROR, WELL, worst_of

_COLOURS = {ERROR: "bold red", WELL: "bold green"}
_WARNING_COLOUR = "bold yellow"

# A part's own title, and the blank line above.
_PART_ROWS = 2
_HEAD_ROWS = 4
TROUBLES_SHOWN = 4


def draw(scene: Scene, most_rows: Mapping[str, int] | int, sort: str = USUAL_SORT) -> Group:
    """`most_rows` is the screen's height, or how many rows each part, by its title, may have."""
    parts = parts_of(scene, sort)
    lines: list[RenderableType] = [*_head(scene), *_troubles(scene, most_rows)]
    shares = _shares(parts, len(lines), most_rows)
    for part, share in zip(parts, shares, strict=True):
        if share:
            lines += [Text(), _table(part, share)]
    return Group(*lines)


def allot(rows: int, wanted: Sequence[int]) -> list[int]:
    """Shares out `rows` among those that want so many each: one after the other, until all have enough."""
    shares = [0] * len(wanted)
    while rows > 0 and shares != list(wanted):
        for index, want in enumerate(wanted):
            if shares[index] < want and rows > 0:
                shares[index] += 1
                rows -= 1
    return shares


def _shares(parts: Sequence[Part], used: int, most_rows: Mapping[str, int] | int) -> list[int]:
    wanted = [len(part.rows) for part in parts]
    if isinstance(most_rows, int):
        return allot(most_rows - used - _PART_ROWS * len(parts), wanted)
    return [min(want, most_rows[part.title]) for part, want in zip(parts, wanted, strict=True)]


def _head(scene: Scene) -> list[Text]:
    overview, rates = scene.overview, scene.rates
    severity = worst_of(scene.troubles)
    verdict = Text(no_wrap=True, overflow="ellipsis")
    verdict.append(sum_up(scene), _COLOURS.get(severity, _WARNING_COLOUR))
    verdict.append(f"   {moment(overview.taken_at_s)}", "dim")
    store = overview.store
    answer = milliseconds(store.took_s) if store.is_reachable else "away"
    totals = overview.totals
    return [
        verdict,
        _line("store", f"{clean(store.url or store.kind)}  {answer}"),
        _line(
            "rates",
            f"{rate(rates.fanouts)} fanouts/s  {rate(rates.copies)} copies/s  "
            f"{rate(rates.receivers_completed)} completed/s  {rate(rates.receivers_failed)} failed/s  "
            f"{rate(rates.changes)} changes/s",
        ),
        _line(
            "total",
            f"{number(totals.topics_count)} topics  {number(totals.subscribers_count)} subscribers  "
            f"{number(totals.backlog_count)} waiting  {number(totals.running_count)} running  "
            f"{number(totals.other_backlog_count)} jobs of others",
        ),
    ]


def _line(label: str, text: str) -> Text:
    return Text.assemble((f"{label:<7}", "bold"), text, no_wrap=True, overflow="ellipsis")


def _troubles(scene: Scene, most_rows: Mapping[str, int] | int) -> list[Text]:
    shown = scene.troubles[:TROUBLES_SHOWN] if isinstance(most_rows, int) else scene.troubles
    lines = []
    for trouble in shown:
        style = _COLOURS.get(trouble.severity, _WARNING_COLOUR)
        lines.append(
            Text.assemble((f"{trouble.severity}: ", style), clean(trouble.what), no_wrap=isinstance(most_rows, int))
        )
    for line in lines:
        line.overflow = "ellipsis" if isinstance(most_rows, int) else "fold"
    if len(shown) < len(scene.troubles):
        lines.append(Text(f"… and {len(scene.troubles) - len(shown)} more", "dim"))
    return lines


def _table(part: Part, share: int) -> Table:
    """Only columns without a mark become narrower where there is too little room."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    total = max(part.total_count or 0, len(part.rows))
    for index, column in enumerate(part.columns):
        name = column.lstrip(">=")
        counted = f"{name} ({share} of {total:,})" if not index and share < total else name
        table.add_column(_cell(counted), justify="right" if column.startswith(">") else "left", no_wrap=column != name)
    for index, row in enumerate(part.rows[:share]):
        table.add_row(*map(_cell, row), style="red" if index in part.bad else "")
    return table


def _cell(text: str) -> Text:
    """Never more than a line; and Text, since names are no markup."""
    return Text(text, no_wrap=True, overflow="ellipsis")
