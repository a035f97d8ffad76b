"""The tables and lists of the documentation's reference, as Markdown for MyST."""

import re
from collections.abc import Callable, Iterable, Iterator

from gearhorn.logs.event import Event
from tools.reference.commands import Command, Operand, Switch, read_commands
from tools.reference.environment import VARIABLES, Variable
from tools.reference.events import level_of, read_subjects
from tools.reference.schemas import Schema, read_schemas
from tools.reference.settings import Section, Setting, read_sections
from tools.reference.statuses import general_statuses

_SPECIAL = re.compile(r"([\\*_\[\]<>|#$~^{}])")
_CODE = re.compile(r"(`[^`]+`)")
_SETTING = re.compile(r"\[(\w+)\] (\w+)")
_PAGE = re.compile(r"\bdoc/([\w/-]+\.md)")
_SWITCH = re.compile(r"(?<![\w-])(--[a-z][a-z-]*[a-z])")


def generated(name: str) -> str:
    """The part of the reference that a page asks for. KeyError where there is none of that name."""
    return "\n".join(_PARTS[name]()) + "\n"


def prose(text: str) -> str:
    """Text of a help as Markdown: no character of it means anything, save that options are links or code."""
    return "".join(part if part.startswith("`") else _plain(part) for part in _CODE.split(text))


def _plain(text: str) -> str:
    known = {(section.name, setting.name) for section in read_sections() for setting in section.settings}
    shown, end = [], 0
    for match in _SETTING.finditer(text):
        if match.groups() in known:
            shown += [_escaped(text[end : match.start()]), _setting_link(*match.groups())]
            end = match.end()
    return "".join([*shown, _escaped(text[end:])])


def _escaped(text: str) -> str:
    """A page is linked to by its title, whatever the page that this text comes to stand on."""
    text = _SWITCH.sub(r"`\1`", _SPECIAL.sub(r"\\\1", text))
    return _PAGE.sub(r"[](/\1)", text)


def _setting_link(section: str, name: str) -> str:
    return rf"[`[{section}] {name}`](#{_setting_anchor(section, name)})"


def _setting_anchor(section: str, name: str) -> str:
    return f"option-{section.lower()}-{name.replace('_', '-')}"


def _commands() -> Iterator[str]:
    """All but the first, which only has the others."""
    for command in list(read_commands().walk())[1:]:
        yield from _command(command)


def _command(command: Command) -> Iterator[str]:
    yield f"({command.page})="
    yield f"{'#' * len(command.words)} {command.name}"
    yield ""
    yield from ["```text", *command.synopses, "```", ""]
    for text in command.description or (f"{command.summary[:1].upper()}{command.summary[1:]}.",):
        yield from _paragraph(text)
    if command.subcommands:
        yield from [", ".join(f"[`{each.name}`](#{each.page})" for each in command.subcommands), ""]
    yield from _operands(command.operands)
    for group in command.groups:
        yield from _switches(group.title, group.switches)
    for text in command.notes:
        yield from _paragraph(text)
    if command.statuses:
        yield from _statuses(command.statuses)


def _paragraph(text: str) -> Iterator[str]:
    if text.startswith("  "):
        yield from ["```text", *text.splitlines(), "```", ""]
    else:
        yield from [prose(text), ""]


def _operands(operands: Iterable[Operand]) -> Iterator[str]:
    for each in operands:
        if each.help:
            yield from [f"`{each.name}`", f": {prose(each.help)}", ""]


def _switches(title: str, switches: Iterable[Switch]) -> Iterator[str]:
    shown = [switch for switch in switches if "--help" not in switch.names]
    if shown and title != "options":
        yield from [f"{title[:1].upper()}{title[1:]}:", ""]
    for switch in shown:
        yield from [f"`{switch.written}`", f": {prose(switch.help)}", ""]


def _general_statuses() -> Iterator[str]:
    yield from _statuses(general_statuses())


def _statuses(statuses: Iterable[tuple[int, str]]) -> Iterator[str]:
    yield from ["| exit status | means |", "| --- | --- |"]
    for number, meaning in statuses:
        yield f"| {number} | {prose(meaning)} |"
    yield ""


def _options() -> Iterator[str]:
    for section in read_sections():
        yield from _section(section)


def _section(section: Section) -> Iterator[str]:
    yield from [f"(section-{section.name.lower()})=", f"## [{section.name}]", ""]
    for setting in section.settings:
        yield from _setting(setting)


def _setting(setting: Setting) -> Iterator[str]:
    yield from [f"({_setting_anchor(setting.section, setting.name)})=", f"### {setting.name}", ""]
    yield from [prose(setting.help), ""]
    for value, meaning in setting.choices:
        yield f"* `{value}`: {prose(meaning)}"
    yield from ["", "{.facts}", " · ".join(_facts(setting)), ""]


def _facts(setting: Setting) -> Iterator[str]:
    yield f"{setting.kind}, {setting.bounds}" if setting.bounds else setting.kind
    yield f"default: `{setting.default}`" if setting.default else "no default"
    yield "heeded on reload" if setting.is_mutable else "needs a restart"


def _environment() -> Iterator[str]:
    commands = list(read_commands().walk())
    yield from ["| variable | means | for |", "| --- | --- | --- |"]
    for variable in VARIABLES:
        yield f"| `{variable.name}` | {prose(variable.meaning)} | {_users(variable, commands)} |"
    yield ""


def _users(variable: Variable, commands: Iterable[Command]) -> str:
    names = [command for command in commands if variable.is_for(command)]
    return ", ".join(f"[`{' '.join(command.words[1:])}`](#{command.page})" for command in names)


def _schemas() -> Iterator[str]:
    for schema in read_schemas():
        yield from _schema(schema)


def _schema(schema: Schema) -> Iterator[str]:
    yield from [f"(schema-{schema.name})=", f"## {schema.title}", "", prose(schema.description), ""]
    if schema.keys:
        yield from ["| key | value | means |", "| --- | --- | --- |"]
    for key in schema.keys:
        name = f"**`{key.name}`**" if key.is_required else f"`{key.name}`"
        yield f"| {name} | {prose(key.value)} | {prose(key.meaning)} |"
    yield from ["", "```json", schema.example, "```", "", f"[{schema.name}.json](schemas/{schema.name}.json)", ""]


def _events() -> Iterator[str]:
    for title, description, events in read_subjects():
        yield from [f"### {title}", ""]
        if description:
            yield from [prose(f"{description[:1].upper()}{description[1:]}"), ""]
        for event in events:
            yield from _event(event)


def _event(event: Event) -> Iterator[str]:
    """The name, what the line says, what that means and what to do."""
    yield from [f"(event-{event.name.replace('.', '-').replace('_', '-')})=", f"#### {event.name}", ""]
    yield from [f"{level_of(event)}: `{event.text}`", "", prose(event.meaning), ""]
    if event.remedy:
        yield from [f"What to do: {prose(event.remedy)}", ""]
    facts = [f"fields: {', '.join(f'`{field}`' for field in event.fields)}"] if event.fields else []
    if event.ended_by:
        facts.append(f"over with `{event.ended_by}`")
    if facts:
        yield from ["{.facts}", " · ".join(facts), ""]


def _reloaded() -> Iterator[str]:
    """Every option that a running worker goes by when it has read it anew, by section; and every other one."""
    for title, is_mutable in (("Counts at once", True), ("Needs a restart", False)):
        yield from [f"| section | {title.lower()} |", "| --- | --- |"]
        for section in read_sections():
            names = [each.name for each in section.settings if each.is_mutable is is_mutable]
            if names:
                links = (f"[`{name}`](reference/options.md#{_setting_anchor(section.name, name)})" for name in names)
                yield f"| {prose(f'[{section.name}]')} | {', '.join(links)} |"
        yield ""


_PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "commands": _commands,
    "environment": _environment,
    "events": _events,
    "exit-statuses": _general_statuses,
    "options": _options,
    "reloaded": _reloaded,
    "schemas": _schemas,
}
