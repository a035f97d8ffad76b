"""Completion for shells, which shtab writes from the parser of the program."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import shtab

from gearhorn.cmd.main import build_parser
from gearhorn.options import list_opts

# Where each shell looks, below /usr/share or a prefix's share.
PLACES = {
    "bash": "bash-completion/completions/gearhorn",
    "zsh": "zsh/site-functions/_gearhorn",
    "fish": "fish/vendor_completions.d/gearhorn.fish",
}

# What stands for a value in the help, and what completes it.
_COMPLETERS = {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY}


def write_completions(folder: Path) -> list[Path]:
    """The files written, one for each shell."""
    written = []
    for shell, place in PLACES.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(completion(shell), encoding="utf-8")
        written.append(path)
    return written


def completion(shell: str) -> str:
    text: str = shtab.complete(_prepared(), shell=shell)
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


def _prepared() -> argparse.ArgumentParser:
    """The program's parser, with what shtab wants to know besides."""
    parser = build_parser()
    for each, summary in _walk(parser, ""):
        each.description = summary
        for action in each._actions:
            _prepare(action)
    return parser


def _prepare(action: argparse.Action) -> None:
    if isinstance(action.metavar, str) and action.metavar in _COMPLETERS:
        action.complete = _COMPLETERS[action.metavar]  # type: ignore[attr-defined]
    if action.dest == "log_level":
        action.choices = log_levels()


def log_levels() -> list[str]:
    (level,) = [option for group, options in list_opts() for option in options if option.name == "log_level"]
    return list(level.type.choices)


def _walk(parser: argparse.ArgumentParser, summary: str) -> Iterator[tuple[argparse.ArgumentParser, str]]:
    """Each parser with its line in the list of commands."""
    yield parser, summary
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                yield from _walk(action.choices[choice.dest], choice.help or "")
