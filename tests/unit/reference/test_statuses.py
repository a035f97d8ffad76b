"""The table of exit statuses has all that the commands end with, and no other."""

from gearhorn.cmd import exits
from tools.reference.commands import read_commands
from tools.reference.statuses import general_statuses


def test_every_status_of_the_program_is_in_the_table() -> None:
    named = {value for name, value in vars(exits).items() if name.isupper()}
    assert {status for status, _ in general_statuses()} == named


def test_every_status_of_a_command_is_in_the_table() -> None:
    told = {status for command in read_commands().walk() for status, _ in command.statuses}
    assert told - dict(general_statuses()).keys() == set()
