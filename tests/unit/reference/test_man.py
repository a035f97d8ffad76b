"""The man pages tell of every command and option, and troff has nothing to complain of."""

import subprocess
from functools import cache
from pathlib import Path

import pytest

from gearhorn.options import GROUPS
from tests.servers.process import find_program
from tools.reference import roff
from tools.reference.commands import Command, read_commands
from tools.reference.man import command_page, man_pages, write_man_pages

ROOT = Path(__file__).parents[3]
PAGES = man_pages()
COMMANDS = {command.name: command for command in read_commands().walk()}


@cache
def formatted(page: str) -> tuple[str, str]:
    """What a reader sees, in lines of any length, and what groff complains of."""
    command = [find_program("groff"), "-man", "-ww", "-Tutf8", "-Kutf8", "-P-cbou", "-rLL=1000n"]
    done = subprocess.run(command, input=page.encode(), capture_output=True, check=True, timeout=60)
    return done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_formatted_without_complaint(name: str) -> None:
    shown, complaints = formatted(PAGES[name])
    assert complaints == ""
    assert "NAME" in shown
    assert f"{name.rpartition('.')[0]} - " in shown


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_has_a_page_with_all_its_options(name: str) -> None:
    command = COMMANDS[name]
    shown, _ = formatted(PAGES[f"{name.replace(' ', '-')}.1"])
    for switch in command.switches():
        assert f"       {switch.written}" in shown
        assert switch.help in shown
    for paragraph in command.description:
        assert " ".join(paragraph.split()) in " ".join(shown.split()) or command.words == ("gearhorn",)


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"gearhorn", "gearhorn keys"}))
def test_a_command_tells_what_its_exit_statuses_mean(name: str) -> None:
    assert [status for status, _ in COMMANDS[name].statuses if status in (0, 2)] == [0, 2]


def test_the_page_of_the_configuration_has_every_option_in_its_section() -> None:
    shown, _ = formatted(PAGES["gearhorn.conf.5"])
    sections = shown.partition("OPTIONS")[2]
    for group, options in GROUPS.items():
        _, head, sections = sections.partition(f"   [{group or 'DEFAULT'}]\n")
        assert head
        for option in options:
            assert f"       {option.name}" in sections
            assert " ".join(str(option.help).split()) in sections


@pytest.mark.parametrize(
    "text",
    [
        ".SH is no request here",
        "'br neither",
        r"C:\new \fBfolder\fP",
        "--wait -1 'quoted' \"twice\" `and` ^~",
        "a % and a # and … the rest",
    ],
)
def test_text_comes_out_as_it_went_in(text: str) -> None:
    shown, complaints = formatted(roff.page("try", 1, "0", roff.section("NAME", [roff.line(text)])))
    assert complaints == ""
    assert text.replace("…", "...") in shown


def test_a_minus_can_be_copied_whatever_a_distribution_makes_of_hyphens() -> None:
    assert roff.escaped("--wait") == r"\-\-wait"


def test_a_picture_keeps_its_lines() -> None:
    shown, _ = formatted(roff.page("try", 1, "0", roff.section("EXAMPLES", roff.paragraph("  one\n    two -x"))))
    assert "one\n" in shown
    assert "  two -x\n" in shown


def test_a_section_without_text_is_left_out() -> None:
    command = Command(("gearhorn", "try"), "try it", (), (), ("gearhorn try",), (), (), (), ())
    assert "OPTIONS" not in command_page(command, read_commands())


def test_the_pages_in_the_tree_are_those_of_the_program(tmp_path: Path) -> None:
    """Else run `make generated`."""
    written = {path.name: path.read_text() for path in write_man_pages(tmp_path)}
    shipped = {path.name: path.read_text() for path in (ROOT / "share" / "man").rglob("*.[15]")}
    assert shipped == written, "run: make generated"
