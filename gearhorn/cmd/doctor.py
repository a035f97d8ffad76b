"""`gearhorn doctor`: a check-up that tries everything, and says of each finding what mends it."""

import argparse
import asyncio
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from gearhorn.cmd import exits
from gearhorn.cmd.observing import observing
from gearhorn.cmd.options import Parents
from gearhorn.cmd.output import DescribedParser, paragraphs, status_table
from gearhorn.cmd.settings import read_config, read_signer
from gearhorn.config import Config
from gearhorn.doctor.catalogue import ERROR, WARNING
from gearhorn.doctor.examination import examine
from gearhorn.doctor.findings import FAILED, PASSED, CheckResult, Finding, Places, worst_of
from gearhorn.doctor.site import SecretFile, Site
from gearhorn.signing.signer import Signer

_DESCRIPTION = paragraphs(
    """Checks everything that the service needs, and says of each finding what to do about it: the store, whether it
    takes changes and keeps them; each Gearman server, who serves it, and whether a message to a probe topic comes back
    through it; the workers, their leases, versions, connections and clocks; subscribers and queues, names that collide,
    queues that nobody owns; certificates, and files that hold secrets.""",
    """It changes nothing: the probe's subscription is taken back, and would end by itself after a minute. --no-probe
    publishes nothing at all. A check that breaks, or is not done in time, stops no other.""",
    """Each finding is an "error" (something does not work), a "warning" (it will not work for ever) or a "note", and
    has a fix: a command to paste. A pipe or file gets a line for each finding, with tabs between severity, code, what
    was found, and fix. With --json it is one object with the keys state ("well", "warning" or "error") and checks: a
    list of objects with name, outcome ("passed", "failed" or "skipped"), reason (why it was skipped), took_s and
    findings, which have code, severity, what and fix.""",
)
_STATUSES = status_table(
    {
        exits.OK: "all is well, or there are only notes",
        exits.ERROR: "an error of the command itself",
        exits.USAGE: "wrong usage",
        exits.UNREACHABLE: "neither the store nor any Gearman server can be reached",
        exits.TROUBLE: "there are errors",
        exits.WARNING: "there are warnings, and no errors",
        exits.MISCONFIGURED: "the configuration is wrong",
    }
)

_STATUS_BY_STATE = {ERROR: exits.TROUBLE, WARNING: exits.WARNING}
_COLOURS = {ERROR: "bold red", WARNING: "bold yellow"}
_MARKS = {PASSED: ("ok", "green"), FAILED: ("!!", "red")}

# Options of the command line by which the system is found: what a fix calls needs them as well.
_FILES = ("config_file", "config_dir")
_SERVERS = ("gearman", "ssl_ca", "ssl_cert", "ssl_key")


def add_parser(subparsers: Any, parents: Parents) -> None:
    parser = subparsers.add_parser(
        "doctor",
        parents=[parents.common, parents.store, parents.gearman, parents.signing],
        help="check everything that the service needs, and say how to mend what is wrong",
        description=_DESCRIPTION,
        epilog=_STATUSES,
        formatter_class=DescribedParser,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    parser.add_argument("--no-probe", action="store_true", help="publish nothing")
    parser.set_defaults(run=run_doctor)


def run_doctor(arguments: argparse.Namespace) -> int:
    config = read_config(arguments, default_log_level="error")  # what is warned of elsewhere is a finding here
    results, is_anything_reachable = asyncio.run(examine_system(config, arguments, read_signer(arguments, config)))
    if arguments.json:
        print(json.dumps(_as_json(results), ensure_ascii=False))
    elif sys.stdout.isatty():
        _show(results)
    else:
        for finding in _findings_of(results):
            print(finding.severity, finding.code, finding.what, finding.fix, sep="\t")
    if not is_anything_reachable:
        return exits.UNREACHABLE
    return _STATUS_BY_STATE.get(worst_of(results), exits.OK)


async def examine_system(
    config: Config, arguments: argparse.Namespace, signer: Signer | None
) -> tuple[list[CheckResult], bool]:
    from gearhorn.doctor.checks import CHECKS, ROUND_TRIP  # with the libraries of all stores: no other command waits

    async with observing(config) as observer:
        survey = await observer.survey()
        daemon = config.daemon_settings()
        site = Site(
            observer,
            survey,
            observer.picture(survey),
            config.store_settings(),
            config.tls_settings() if observer.settings.link.tls else None,
            tuple(SecretFile(option, path) for option, path in config.secret_files()),
            daemon.resuming.is_persistent,
            daemon.reaper.dead_letter_queue,
            signer,
            places_of(arguments),
        )
        checks = [check for check in CHECKS if check is not ROUND_TRIP or not arguments.no_probe]
        return await examine(site, checks), site.overview.is_anything_reachable


def places_of(arguments: argparse.Namespace) -> Places:
    return Places(
        _written(arguments, *_FILES, "store", *_SERVERS),
        _written(arguments, *_FILES, "store"),
        _written(arguments, *_FILES, *_SERVERS),
    )


def _written(arguments: argparse.Namespace, *names: str) -> str:
    words: list[str] = []
    for name in names:
        given = getattr(arguments, name) or []
        for value in given if isinstance(given, list) else [given]:
            words += [f"--{name.replace('_', '-')}", value]
    return shlex.join(words)


def _as_json(results: Sequence[CheckResult]) -> dict[str, Any]:
    return {
        "state": worst_of(results),
        "checks": [
            {
                "name": result.name,
                "outcome": result.outcome,
                "reason": result.reason or None,
                "took_s": round(result.took_s, 3),
                "findings": [finding._asdict() for finding in result.findings],
            }
            for result in results
        ],
    }


def _findings_of(results: Sequence[CheckResult]) -> Iterator[Finding]:
    for result in results:
        yield from result.findings


def _show(results: Sequence[CheckResult]) -> None:
    """Text without markup, and soft-wrapped, so that a fix can be copied whole."""
    console = Console(highlight=False, soft_wrap=True)
    for result in results:
        mark, colour = _MARKS.get(result.outcome, ("--", "dim"))
        reason = f": {result.reason}" if result.reason else ""
        console.print(Text.assemble((mark, colour), f" {result.name}{reason}"))
        for finding in result.findings:
            severity = Text.assemble("   ", (finding.severity, _COLOURS.get(finding.severity, "bold")))
            console.print(Text.assemble(severity, f" {finding.code}: {finding.what}"))
            console.print(Text.assemble(("   fix: ", "dim"), finding.fix))
    console.print(Text(_sum_up(results)))


def _sum_up(results: Sequence[CheckResult]) -> str:
    found = list(_findings_of(results))
    if not found:
        return "\nall is well"
    counts = {severity: sum(one.severity == severity for one in found) for severity in (ERROR, WARNING, "note")}
    parts = [f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in counts.items() if count]
    return f"\n{', '.join(parts)}"
