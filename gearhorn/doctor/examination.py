"""Runs the checks. One that breaks or hangs stops no other: what it has found until then counts, and that it did."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from gearhorn.clock import steady_s
from gearhorn.doctor.findings import FAILED, PASSED, SKIPPED, CheckResult, Notes
from gearhorn.doctor.site import Site, Skip

CHECK_LIMIT_S = 20.0


class Check(NamedTuple):
    """`run` notes what it finds. It may raise Skip."""

    name: str
    run: Callable[[Site, Notes], Awaitable[None]]


async def examine(site: Site, checks: Sequence[Check], limit_s: float = CHECK_LIMIT_S) -> list[CheckResult]:
    """All at once: most of them wait for somebody else."""
    return list(await asyncio.gather(*(_examine_one(site, check, limit_s) for check in checks)))


async def _examine_one(site: Site, check: Check, limit_s: float) -> CheckResult:
    notes, began_s = Notes(site.places), steady_s()
    try:
        async with asyncio.timeout(limit_s):
            await check.run(site, notes)
    except Skip as reason:
        return CheckResult(check.name, SKIPPED, notes.findings, steady_s() - began_s, str(reason))
    except TimeoutError:
        notes.say("check-failed", f"the check {check.name} was not done within {limit_s:g} s")
    except Exception as error:  # noqa: BLE001  # whatever it is, it must not hide what the others find
        notes.say("check-failed", f"the check {check.name} broke: {type(error).__name__}: {error}")
    outcome = FAILED if notes.findings else PASSED
    return CheckResult(check.name, outcome, notes.findings, steady_s() - began_s)
