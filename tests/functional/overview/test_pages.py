"""The screens in doc/status.md and doc/doctor.md, which take a system in trouble, have what real ones have."""

import re
from pathlib import Path

from gearhorn.cmd.screen.live import LiveView
from gearhorn.cmd.screen.tables import parts_of
from gearhorn.doctor.checks import CHECKS
from tests.functional.overview.system import System
from tests.servers.commands import run_on_terminal
from tests.unit.cmd.screen.scenes import scene

FOLDER = Path(__file__).parents[3] / "doc"
_BLOCK = re.compile(r"^```console[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def screens(page: str, command: str) -> list[list[str]]:
    blocks = _BLOCK.findall((FOLDER / page).read_text())
    return [block.splitlines()[1:] for block in blocks if block.startswith(f"$ {command}\n")]


def test_the_screens_have_the_columns_of_real_ones() -> None:
    heads = {tuple(column.lstrip(">=") for column in part.columns) for part in parts_of(scene(troubled_count=1))}
    for command in ("gearhorn status", "gearhorn top"):
        [lines] = screens("status.md", command)
        assert heads == {head for head in map(_words, lines) if head in heads}
        assert [line.split()[0] for line in lines[1:4]] == ["store", "rates", "total"]


def test_the_last_line_of_the_live_screen_is_the_real_one() -> None:
    [lines] = screens("status.md", "gearhorn top")
    drawn = LiveView(None, 2.0, "b").draw(24)  # type: ignore[arg-type]
    assert str(drawn.renderables[-1]) == lines[-1]


def test_a_client_is_shown_as_on_the_page(system: System) -> None:
    system.subscribe("page", "web17")
    shown = run_on_terminal(system.folder, "status", *system.places, "--client=web17", NO_COLOR="1")
    [lines] = screens("status.md", "gearhorn status --client web17")
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()[0].split() == lines[0].split()


def test_the_check_up_on_the_page_has_every_check_in_its_order() -> None:
    [lines] = screens("doctor.md", "gearhorn doctor")
    names = [re.sub(r"^(ok|--|!!) |:.*", "", line) for line in lines if re.match(r"(ok|--|!!) ", line)]
    assert names == [check.name for check in CHECKS]


def _words(line: str) -> tuple[str, ...]:
    return tuple(re.split(r" {2,}", line.strip()))
