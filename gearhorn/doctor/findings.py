"""What the check-up has found, and how each is put into words."""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from gearhorn.doctor.catalogue import CATALOGUE, ERROR, NOTE, SEVERITIES, WARNING

WELL = "well"

# A thing that is wrong a thousand times is one thing that is wrong.
FINDINGS_PER_CODE = 20

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


class Finding(NamedTuple):
    """`code` is a key of the catalogue. `what` and `fix` are one line each."""

    code: str
    severity: str
    what: str
    fix: str


class CheckResult(NamedTuple):
    """`outcome` is PASSED where nothing was found. `reason` says why a check was SKIPPED."""

    name: str
    outcome: str
    findings: tuple[Finding, ...]
    took_s: float
    reason: str = ""


class Places(NamedTuple):
    """Options of the command line that say where the system is, which the commands of fixes need as well, quoted: all
    of them, and those for commands that know only the store or only the servers.
    """

    OPTIONS: str = ""
    STORE: str = ""
    SERVERS: str = ""


NO_PLACES = Places()


class Notes:
    """Takes the findings of one check. What was found stays when the check then breaks."""

    def __init__(self, places: Places = NO_PLACES) -> None:
        self._places = {name: f" {options}" if options else "" for name, options in places._asdict().items()}
        self._findings: list[Finding] = []
        self._left_out: dict[str, int] = {}

    def say(self, code: str, what: str, **values: object) -> None:
        """`values` are those of the fix, which are quoted for a shell; COMMAND is one already."""
        entry = CATALOGUE[code]
        if sum(finding.code == code for finding in self._findings) >= FINDINGS_PER_CODE:
            self._left_out[code] = self._left_out.get(code, 0) + 1
            return
        quoted = {name: str(value) if name == "COMMAND" else shlex.quote(str(value)) for name, value in values.items()}
        fix = entry.fix.format(**self._places, **quoted)
        self._findings.append(Finding(code, entry.severity, _one_line(what), _one_line(fix)))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The worst first; behind the last of a kind how many more there were."""
        rest = [
            Finding(
                code,
                CATALOGUE[code].severity,
                f"and {count} more like the others",
                f"gearhorn status{self._places['OPTIONS']}",
            )
            for code, count in self._left_out.items()
        ]
        return tuple(sorted([*self._findings, *rest], key=lambda finding: SEVERITIES.index(finding.severity)))


def worst_of(results: Sequence[CheckResult]) -> str:
    """Notes do not count: with them alone all is well."""
    found = {finding.severity for result in results for finding in result.findings} - {NOTE}
    return ERROR if ERROR in found else WARNING if WARNING in found else WELL


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
