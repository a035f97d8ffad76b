"""The command line as plain values, read from the parser that the program itself uses."""

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gearhorn.cmd.main import build_parser

_STATUS = re.compile(r"^  (\d+)\s+(.+)$", re.MULTILINE)
_STATUS_HEAD = "exit status:"


@dataclass(frozen=True)
class Switch:
    """One option: `names` as they are typed, and the name of its value, empty if it takes none."""

    names: tuple[str, ...]
    value: str
    help: str
    rest: bool = False

    @property
    def written(self) -> str:
        """`-o, --option VALUE`"""
        names = ", ".join(self.names)
        return f"{names} {self.value}" if self.value else names


@dataclass(frozen=True)
class Operand:
    name: str
    help: str
    is_optional: bool = False


@dataclass(frozen=True)
class Group:
    title: str
    switches: tuple[Switch, ...]


@dataclass(frozen=True)
class Command:
    """`words` are what is typed to call it; paragraphs are lines without a break, or text to be left as it is."""

    words: tuple[str, ...]
    summary: str
    description: tuple[str, ...]
    notes: tuple[str, ...]
    synopses: tuple[str, ...]
    operands: tuple[Operand, ...]
    groups: tuple[Group, ...]
    statuses: tuple[tuple[int, str], ...]
    subcommands: tuple["Command", ...]

    @property
    def name(self) -> str:
        return " ".join(self.words)

    @property
    def page(self) -> str:
        """The name of its man page."""
        return "-".join(self.words)

    def switches(self) -> Iterator[Switch]:
        for group in self.groups:
            yield from group.switches

    def has(self, switch: str) -> bool:
        return any(switch in each.names for each in self.switches())

    def walk(self) -> Iterator["Command"]:
        """This one and all below it, in the order of `--help`."""
        yield self
        for subcommand in self.subcommands:
            yield from subcommand.walk()


def read_commands() -> Command:
    parser = build_parser()
    command = _read(parser, ("gearhorn",), "broadcast for Gearman")
    return replace(command, synopses=("gearhorn COMMAND [OPTION ...]", "gearhorn [--help] [--version]"))


def _read(parser: argparse.ArgumentParser, words: tuple[str, ...], summary: str) -> Command:
    notes, _, statuses = (parser.epilog or "").partition(_STATUS_HEAD)
    operands = tuple(_operands(parser))
    return Command(
        words=words,
        summary=summary,
        description=_paragraphs(parser.description or ""),
        notes=_paragraphs(notes),
        synopses=_synopses(parser, words, operands),
        operands=operands,
        groups=tuple(_groups(parser)),
        statuses=tuple((int(number), meaning) for number, meaning in _STATUS.findall(statuses)),
        subcommands=tuple(_subcommands(parser, words)),
    )


def _paragraphs(text: str) -> tuple[str, ...]:
    """Lines are joined, where they are not a picture of something: such lines are set in."""
    blocks = [block for block in re.split(r"\n\s*\n", text.strip("\n")) if block.strip()]
    return tuple(block if block.startswith("  ") else " ".join(block.split()) for block in blocks)


def _synopses(
    parser: argparse.ArgumentParser, words: tuple[str, ...], operands: tuple[Operand, ...]
) -> tuple[str, ...]:
    name = " ".join(words)
    if parser.usage:
        lines = (parser.usage % {"prog": name}).splitlines()
        return tuple(" ".join(line.split()) for line in lines)
    rest = [f"[{each.name}]" if each.is_optional else each.name for each in operands]
    if any(isinstance(action, argparse._SubParsersAction) for action in parser._actions):
        rest = ["COMMAND", "..."]
    elif any(action.option_strings and action.dest != "help" for action in parser._actions):
        rest.insert(0, "[OPTION ...]")
    return (" ".join([name, *rest]),)


def _operands(parser: argparse.ArgumentParser) -> Iterator[Operand]:
    for action in parser._get_positional_actions():
        if not isinstance(action, argparse._SubParsersAction):
            name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
            yield Operand(name, _help(parser, action), action.nargs in ("?", "*"))


def _groups(parser: argparse.ArgumentParser) -> Iterator[Group]:
    """The parser's own, in its order; `options` is argparse's name for those without a group."""
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if action.option_strings]
        shown = [action for action in actions if action.help != argparse.SUPPRESS]
        if shown:
            yield Group(group.title or "options", tuple(_switch(parser, action) for action in shown))


def _switch(parser: argparse.ArgumentParser, action: argparse.Action) -> Switch:
    return Switch(tuple(action.option_strings), _value(action), _help(parser, action))


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.metavar is None and action.choices is not None:
        return "|".join(map(str, action.choices))
    name = " ".join(action.metavar) if isinstance(action.metavar, tuple) else action.metavar or action.dest.upper()
    if action.nargs in (argparse.REMAINDER, "*", "+"):
        return f"{name} ..."
    return f"[{name}]" if action.nargs == "?" else name


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    formatter = argparse.HelpFormatter(parser.prog)
    return " ".join(formatter._expand_help(action).split()) if action.help else ""


def _subcommands(parser: argparse.ArgumentParser, words: tuple[str, ...]) -> Iterator[Command]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                yield _read(action.choices[choice.dest], (*words, choice.dest), choice.help or "")
