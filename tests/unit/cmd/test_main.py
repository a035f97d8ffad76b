"""The parser: of all commands for those who read it, of one for those who wait for it."""

import argparse
import subprocess
import sys

import pytest

from gearhorn.cmd.main import build_parser


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (subparsers,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(subparsers.choices)


ALL = commands_of(build_parser())


@pytest.mark.parametrize("command", ALL)
def test_a_command_is_the_same_by_itself_as_among_all(command: str) -> None:
    alone = commands_of(build_parser(command))
    assert len(alone) <= 2  # two commands may share a module
    assert alone[command].format_help() == ALL[command].format_help()


@pytest.mark.parametrize("word", ["", "--help", "nosuch"])
def test_for_anything_else_there_are_all(word: str) -> None:
    assert list(commands_of(build_parser(word))) == list(ALL)


def test_one_command_does_not_load_what_only_others_need() -> None:
    look = "import sys; from gearhorn.cmd.main import build_parser; build_parser('subscribe'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout.split()
    assert "gearhorn.cmd.changes" in loaded
    assert not {"gearhorn.cmd.doctor", "gearhorn.cmd.standalone", "aiohttp", "jinja2"} & set(loaded)
