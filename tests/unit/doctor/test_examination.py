"""A check that breaks or hangs stops no other."""

import asyncio

from gearhorn.doctor.examination import Check, examine
from gearhorn.doctor.findings import FAILED, PASSED, SKIPPED, Notes
from gearhorn.doctor.site import Site, Skip
from tests.unit.doctor.sites import site


async def passes(_: Site, __: Notes) -> None:
    pass


async def finds(_: Site, notes: Notes) -> None:
    notes.say("no-worker", "nobody is there")


async def breaks(_: Site, notes: Notes) -> None:
    notes.say("no-worker", "found before it broke")
    raise ValueError("a bug")


async def hangs(_: Site, notes: Notes) -> None:
    notes.say("no-worker", "found before it hung")
    await asyncio.Event().wait()


async def skips(_: Site, __: Notes) -> None:
    raise Skip("the store is away")


async def test_every_check_is_heard() -> None:
    checks = [Check(check.__name__, check) for check in (hangs, breaks, finds, passes, skips)]
    hung, broken, found, passed, skipped = await examine(site(), checks, limit_s=0.05)
    assert [finding.what for finding in hung.findings] == [
        "found before it hung",
        "the check hangs was not done within 0.05 s",
    ]
    assert [finding.what for finding in broken.findings] == [
        "found before it broke",
        "the check breaks broke: ValueError: a bug",
    ]
    assert (found.outcome, passed.outcome) == (FAILED, PASSED)
    assert (skipped.outcome, skipped.reason) == (SKIPPED, "the store is away")
