"""The reference of the documentation says what the program says."""

import re

import pytest

from gearhorn.logs.catalogue import EVENTS
from tools.reference.commands import read_commands
from tools.reference.markdown import generated, prose
from tools.reference.settings import read_sections


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a*b_c<d>", r"a\*b\_c\<d\>"),
        ("see `gearhorn workers`_", r"see `gearhorn workers`\_"),
        ("with --wait, not a--b", "with `--wait`, not a--b"),
        ("as [store] url says", "as [`[store] url`](#option-store-url) says"),
        ("see doc/logs.md for more", "see [](/logs.md) for more"),
        ("as [store] nothing says", r"as \[store\] nothing says"),
    ],
)
def test_text_of_a_help_means_nothing_to_markdown(text: str, expected: str) -> None:
    assert prose(text) == expected


def test_every_option_of_the_configuration_has_a_heading_and_a_target() -> None:
    page = generated("options")
    for section in read_sections():
        for setting in section.settings:
            assert f"(option-{section.name.lower()}-{setting.name.replace('_', '-')})=\n### {setting.name}\n" in page


def test_every_option_of_a_command_is_below_its_heading() -> None:
    parts = dict(re.findall(r"^##+ (gearhorn .*)\n((?:(?!#).*\n)*)", generated("commands"), flags=re.MULTILINE))
    commands = list(read_commands().walk())[1:]
    assert parts.keys() == {command.name for command in commands}
    for command in commands:
        written = {switch.written for switch in command.switches()} - {"-h, --help"}
        assert {name for name in written if f"`{name}`\n: " in parts[command.name]} == written


def test_every_event_of_the_log_is_told_of_with_its_words_its_fields_and_what_to_do() -> None:
    parts = dict(re.findall(r"^#### (\S+)\n((?:(?!#|\().*\n)*)", generated("events"), flags=re.MULTILINE))
    assert parts.keys() == EVENTS.keys()
    for name, event in EVENTS.items():
        assert f"`{event.text}`" in parts[name]
        assert prose(event.meaning) in parts[name]
        assert prose(event.remedy) in parts[name]
        assert all(f"`{field}`" in parts[name] for field in event.fields)


def test_every_option_is_said_to_count_at_once_or_to_need_a_restart() -> None:
    at_once, _, later = generated("reloaded").partition("needs a restart")
    for section in read_sections():
        for setting in section.settings:
            link = f"[`{setting.name}`](reference/options.md#option-{section.name.lower()}-"
            row = rf"^\| \\\[{section.name}\\\] \| .*{re.escape(link)}"
            assert bool(re.search(row, at_once, re.MULTILINE)) is setting.is_mutable, setting
            assert bool(re.search(row, later, re.MULTILINE)) is not setting.is_mutable, setting
