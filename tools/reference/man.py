"""The man pages: gearhorn(1), one for each command, gearhorn.conf(5)."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from gearhorn import __version__
from tools.reference import roff
from tools.reference.commands import Command, Operand, Switch, read_commands
from tools.reference.environment import VARIABLES, Variable, variables_of
from tools.reference.settings import Section, Setting, read_sections
from tools.reference.statuses import general_statuses

_FILES = (
    ("/etc/gearhorn/gearhorn.conf", "the configuration of the host; see gearhorn.conf(5)"),
    ("~/.gearhorn/gearhorn.conf", "the user's own, which is read instead"),
    ("/var/lib/gearhorn/gearhorn.db", "the store of the service under systemd, where no other one is named"),
    ("~/.local/state/gearhorn/gearhorn.db", "the same for a service that a user has started"),
)

_ABOUT = (
    "Gearman hands each job to exactly one worker. gearhorn is the worker that adds broadcast: it takes one job from "
    "the queue fanout and puts a copy of its payload on the queue of every subscriber of a topic. The copy for the "
    "subscriber bob of the topic news goes to the queue news_bob, and waits there until a worker takes it.",
    "Each command has a page of its own.",
)

_TRIED = """\
    gearhorn standalone &
    gearhorn subscribe news alice
    gearhorn publish news 'Hello, everybody'
    gearhorn listen news --client-id alice --count 1"""

_ABOUT_FILE = (
    "The file has sections in brackets and lines of the form name = value. Lines that begin with # are comments. A $ "
    "begins the name of another option; a $ itself is written $$. An option or a section that does not exist is "
    "refused.",
    "Read is the first of ~/.gearhorn/gearhorn.conf, ~/gearhorn.conf, /etc/gearhorn/gearhorn.conf and "
    "/etc/gearhorn.conf; then the files *.conf of the first folder gearhorn.conf.d in the same places, in the order of "
    "their names. --config-file reads other files instead of the first, --config-dir another folder instead of the "
    "second. Of a value that is there twice, the last one counts.",
    "A variable OS_SECTION__OPTION beats the files (OS_STORE__TIMEOUT, OS_DEFAULT__LOG_LEVEL), and what the command "
    "line says beats both.",
)


def write_man_pages(folder: Path) -> list[Path]:
    """Into `folder`/man1 and `folder`/man5. The files written."""
    written = []
    for name, text in man_pages().items():
        path = folder / f"man{name[-1]}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def man_pages() -> dict[str, str]:
    """The text of each page by the name of its file."""
    root = read_commands()
    pages = {f"{command.page}.1": command_page(command, root) for command in root.walk()}
    return {**pages, "gearhorn.conf.5": configuration_page(read_sections())}


def command_page(command: Command, root: Command) -> str:
    is_root = command is root
    lines = [
        *roff.section("NAME", [f"{roff.escaped(command.page)} \\- {roff.escaped(command.summary)}"]),
        *roff.section("SYNOPSIS", _synopses(command)),
        *roff.section("DESCRIPTION", _paragraphs(_ABOUT if is_root else command.description or (command.summary,))),
        *roff.section("COMMANDS", _subcommands(command)),
        *roff.section("ARGUMENTS", _operands(command.operands)),
        *roff.section("OPTIONS", _options(command)),
        *roff.section("NOTES", _paragraphs(command.notes)),
        *roff.section("EXIT STATUS", _statuses(general_statuses() if is_root else command.statuses)),
        *roff.section("ENVIRONMENT", _variables(VARIABLES if is_root else variables_of(command))),
        *roff.section("FILES", _files() if is_root or command.has("--config-file") else []),
        *roff.section("EXAMPLES", roff.paragraph(_TRIED) if is_root else []),
        *roff.section("SEE ALSO", [_see_also(command, root)]),
    ]
    return roff.page(command.page, 1, __version__, lines)


def configuration_page(sections: Iterable[Section]) -> str:
    lines = [
        *roff.section("NAME", [r"gearhorn.conf \- configuration of gearhorn"]),
        *roff.section("DESCRIPTION", _paragraphs(_ABOUT_FILE)),
        *roff.section("OPTIONS", (line for each in sections for line in _section(each))),
        *roff.section("FILES", _files()),
        *roff.section("SEE ALSO", [_reference("gearhorn", 1) + ", " + _reference("gearhorn-worker", 1)]),
    ]
    return roff.page("gearhorn.conf", 5, __version__, lines)


def _synopses(command: Command) -> Iterator[str]:
    for number, synopsis in enumerate(command.synopses):
        if number:
            yield ".br"
        rest = synopsis.removeprefix(command.name).strip()
        yield f"{roff.bold(command.name)} {roff.escaped(rest)}".strip()


def _paragraphs(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from roff.paragraph(text)


def _subcommands(command: Command) -> Iterator[str]:
    for each in command.subcommands:
        yield from roff.entry(_reference(each.page, 1), each.summary)


def _operands(operands: Iterable[Operand]) -> Iterator[str]:
    for each in operands:
        if each.help:
            yield from roff.entry(roff.italic(each.name), each.help)


def _options(command: Command) -> Iterator[str]:
    for group in command.groups:
        if group.title != "options":
            yield roff.request("SS", roff.escaped(group.title[:1].upper() + group.title[1:]))
        for switch in group.switches:
            yield from roff.entry(_switch(switch), switch.help)


def _switch(switch: Switch) -> str:
    names = ", ".join(map(roff.bold, switch.names))
    return f"{names} {roff.italic(switch.value)}" if switch.value else names


def _statuses(statuses: Iterable[tuple[int, str]]) -> Iterator[str]:
    for number, meaning in statuses:
        yield from roff.entry(roff.bold(str(number)), meaning)


def _variables(variables: Iterable[Variable]) -> Iterator[str]:
    for variable in variables:
        yield from roff.entry(roff.bold(variable.name), variable.meaning)


def _files() -> Iterator[str]:
    for name, meaning in _FILES:
        yield from roff.entry(roff.italic(name), meaning)


def _see_also(command: Command, root: Command) -> str:
    pages = [each.page for each in root.walk() if each is not command]
    near = pages if command is root else ["gearhorn", *(each.page for each in command.subcommands)]
    if len(command.words) > 2:
        near.append("-".join(command.words[:-1]))
    return ", ".join([*(_reference(page, 1) for page in near), _reference("gearhorn.conf", 5)])


def _reference(page: str, number: int) -> str:
    return f"{roff.bold(page)}({number})"


def _section(section: Section) -> Iterator[str]:
    yield roff.request("SS", roff.escaped(f"[{section.name}]"))
    for setting in section.settings:
        yield from _setting(setting)


def _setting(setting: Setting) -> Iterator[str]:
    facts = f"{setting.kind[:1].upper()}{setting.kind[1:]}"
    facts += f", {setting.bounds}" if setting.bounds else ""
    facts += f". Default: {setting.default}" if setting.default else ". No default"
    yield from roff.entry(roff.bold(setting.name), setting.help, f"{facts}.")
    if setting.is_mutable:
        yield from [".IP", "Heeded on reload, without a restart."]
    if setting.choices:
        yield ".RS"
        for value, meaning in setting.choices:
            yield from roff.entry(roff.bold(value), meaning)
        yield ".RE"
