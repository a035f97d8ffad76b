"""What commands show at a terminal, as SVG that asks for no font of anybody."""

import io
import re
import time
from itertools import groupby
from pathlib import Path

import pyte
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tests.servers.terminal import LIMIT_S, Terminal

COLUMNS, ROWS = 100, 32

# rich's picture loads its font from elsewhere; a reader's own does.
_FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code", "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono"
)
_THEME = TerminalTheme(
    (23, 27, 33),
    (222, 226, 231),
    [
        (60, 66, 75),
        (255, 143, 135),
        (111, 206, 145),
        (239, 180, 90),
        (125, 184, 238),
        (184, 164, 242),
        (110, 205, 210),
        (222, 226, 231),
    ],
    [
        (120, 130, 140),
        (255, 143, 135),
        (111, 206, 145),
        (239, 180, 90),
        (125, 184, 238),
        (184, 164, 242),
        (110, 205, 210),
        (255, 255, 255),
    ],
)
_NAMES = {"brown": "yellow", "brightbrown": "bright_yellow"}


def screen_of(home: Path, *arguments: str, until: str, columns: int = COLUMNS, rows: int = ROWS) -> pyte.Screen:
    """The screen of `gearhorn ARGUMENTS` once it has this pattern, or at the command's end where that is empty."""
    with Terminal(home, *arguments, columns=columns, rows=rows) as terminal:
        if not until:
            terminal.wait_for_end()
            return terminal.screen
        end_s = time.monotonic() + LIMIT_S
        while not re.search(until, terminal.text):
            if time.monotonic() > end_s:
                raise TimeoutError(f"waited for {until}, the screen is\n{terminal.text}")
            terminal.read()
        return terminal.screen


def write_svg(screen: pyte.Screen, command: str, path: Path) -> Path:
    """With the command itself above, as it was typed."""
    console = Console(record=True, width=screen.columns, file=io.StringIO(), force_terminal=True)
    if command:
        console.print(Text.assemble(("$ ", "bright_black"), (command, "bold")))
    lines = [_line(screen, row) for row in range(screen.lines)]
    while lines and not lines[-1].plain.strip():
        lines.pop()
    for line in lines:
        console.print(line, soft_wrap=True)
    path.write_text(console.export_svg(title="", theme=_THEME, code_format=_FORMAT))
    return path


def _line(screen: pyte.Screen, row: int) -> Text:
    text = Text(end="")
    cells = [screen.buffer[row][column] for column in range(screen.columns)]
    for (colour, bold, reverse), run in groupby(cells, lambda cell: (cell.fg, cell.bold, cell.reverse)):
        text.append("".join(cell.data for cell in run), Style(color=_colour(colour), bold=bold, reverse=reverse))
    text.rstrip()
    return text


def _colour(name: str) -> str:
    if re.fullmatch(r"[0-9a-f]{6}", name):
        return f"#{name}"
    name = _NAMES.get(name, name)
    return name.replace("bright", "bright_") if name.startswith("bright") and "_" not in name else name
