"""What a terminal shows, and whether that is what a page says."""

import re
from collections.abc import Callable, Iterable, Sequence

_PIECE = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]|\x1b\][^\x07]*\x07|[\r\n\x07]|[^\x1b\r\n\x07]+|\x1b")

# What differs from one run to the next, on the page as in the terminal. Other numbers stay: they are what is said.
_VARYING = (
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:\d\d)?", "TIME"),
    (r"\b\d\d:\d\d:\d\d\b", "TIME"),
    (r"\bversion=\d{6,}", "version=N"),
    (r"^\[(\d+)\] \d+$", r"[\1] PID"),
    (r"\bpid \d+", "pid PID"),
    (r"(?<=ago)s?\b", ""),
    (r"[─━═╌╍]+", "─"),
    (r" *[│┃║] *", " │ "),
    (r"[ \t]+", " "),
)


def render(raw: str) -> list[str]:
    """The lines that stay on the screen: a progress bar that took itself away is gone. Colours are dropped."""
    lines, row, column = [""], 0, 0
    for piece in _PIECE.findall(raw):
        if piece == "\r":
            column = 0
        elif piece == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif piece.endswith("A") and piece.startswith("\x1b["):
            row = max(0, row - int(piece[2:-1] or 1))
        elif piece.startswith("\x1b[") and piece.endswith("K"):
            lines[row] = "" if piece[2:-1] == "2" else lines[row][:column]
        elif not piece.startswith(("\x1b", "\x07")):
            lines[row] = lines[row][:column].ljust(column) + piece + lines[row][column + len(piece) :]
            column += len(piece)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def normal(lines: Iterable[str]) -> list[str]:
    return [_normal_line(line) for line in lines]


def _normal_line(line: str) -> str:
    for pattern, replacement in _VARYING:
        line = re.sub(pattern, replacement, line)
    return line.strip()


def matcher(expected: Sequence[str]) -> Callable[[Sequence[str]], int | None]:
    """For `expected` lines of a page, in which … stands for anything: a function of the lines that are there. It
    returns how many of them the expected ones are, if those are how they begin, and else None.
    """
    pattern = re.compile("".join(_line_pattern(line) for line in normal(expected)))

    def match(lines: Sequence[str]) -> int | None:
        found = pattern.match("".join(f"{line}\n" for line in normal(lines)))
        return found[0].count("\n") if found else None

    return match


def _line_pattern(line: str) -> str:
    if line == "…":
        return r"(?:[^\n]*\n)*?"
    return "[^\n]*".join(map(re.escape, line.split("…"))) + "\n"


def shows_all(expected: Sequence[str], lines: Sequence[str], *, in_any_order: bool = False) -> bool:
    """Whether the page shows everything, from the first line to the last."""
    if in_any_order:
        expected, lines = sorted(expected), sorted(lines)
    pattern = "".join(_line_pattern(line) for line in normal(expected))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in normal(lines))) is not None
