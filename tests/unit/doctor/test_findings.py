"""How findings are put into words, and what they come to."""

import re
import shlex

import pytest

from gearhorn.cmd.main import build_parser
from gearhorn.doctor.catalogue import CATALOGUE
from gearhorn.doctor.findings import FAILED, FINDINGS_PER_CODE, CheckResult, Notes, Places, worst_of


def test_a_fix_is_a_command_that_can_be_pasted() -> None:
    notes = Notes(Places("--store redis://x"))
    notes.say("worker-ran-out", "gone", WORKER="a worker; rm -rf /")
    [finding] = notes.findings
    assert finding.fix == "gearhorn workers remove --store redis://x 'a worker; rm -rf /'"
    assert finding.severity == "warning"


def test_what_was_found_is_one_line_whatever_a_peer_said() -> None:
    notes = Notes()
    notes.say("server-unreachable", "it said\n\x1b[31mno\tway", COMMAND="systemctl restart x")
    assert notes.findings[0].what == "it said [31mno way"


def test_the_worst_comes_first() -> None:
    notes = Notes()
    for code in ("topics-overlap", "worker-revoked", "no-worker"):
        notes.say(code, code, TOPIC="a")
    assert [finding.severity for finding in notes.findings] == ["error", "warning", "note"]


def test_what_is_wrong_a_thousand_times_is_counted() -> None:
    notes = Notes()
    for number in range(1000):
        notes.say("worker-revoked", str(number))
    assert len(notes.findings) == FINDINGS_PER_CODE + 1
    assert notes.findings[-1].what == f"and {1000 - FINDINGS_PER_CODE} more like the others"


@pytest.mark.parametrize(
    ("codes", "state"),
    [
        ([], "well"),
        (["memcached-volatile"], "well"),
        (["memcached-volatile", "worker-revoked"], "warning"),
        (["worker-revoked", "no-worker"], "error"),
    ],
)
def test_notes_alone_are_well(codes: list[str], state: str) -> None:
    notes = Notes()
    for code in codes:
        notes.say(code, code)
    assert worst_of([CheckResult("x", FAILED, notes.findings, 0.0)]) == state


NAMES = ("COMMAND", "BYTES", "MEGABYTES", "HOST", "PORT", "SERVER", "QUEUE", "PID", "LIMIT", "WORKER", "TOPIC")
VALUES = dict.fromkeys((*NAMES, "CLIENT", "COUNT", "FILE"), "1")
PLACES = Places("--store redis://x --gearman y --ssl-ca z --config-file f", "--store redis://x", "--gearman y")


def fix_of(code: str) -> str:
    notes = Notes(PLACES)
    notes.say(code, "it is so", **VALUES)
    return notes.findings[0].fix


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_fix_can_be_filled_in(code: str) -> None:
    assert "{" not in fix_of(code)


@pytest.mark.parametrize("code", [code for code, entry in CATALOGUE.items() if entry.fix.startswith("gearhorn ")])
def test_the_command_line_takes_what_a_fix_tells_it(code: str) -> None:
    for command in re.split(r"; | \|\| | && ", fix_of(code)):
        words = shlex.split(command, comments=True)
        if words[0] == "gearhorn":
            build_parser().parse_args(words[1:])
