"""Whatever bodies come in, each job ends once, in an answer or a line that says what is wrong; and nothing is hoarded.

FUZZ_BODIES=1000000 tries as many; `python -m tests.fuzz` does so outside of the tests, and tells how it goes.
"""

import logging
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import psutil
import pytest

from tests.fuzz.bodies import Bodies
from tests.fuzz.corpus import inputs
from tests.fuzz.handling import NOW_S, House
from tests.fuzz.parsing import try_body
from tests.fuzz.signing import SignedBodies, write_keys

SEED = 20261122
COUNT = int(os.environ.get("FUZZ_BODIES", "40000"))
GROWTH_LIMIT_BYTES = 30 << 20

CORPUS = inputs("bodies")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A line for each refusal would be all that there is to see."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", CORPUS)
def test_a_body_of_the_corpus_is_taken_or_refused(name: str) -> None:
    try_body(CORPUS[name])


async def test_the_corpus_and_changes_of_it_are_answered() -> None:
    known = list(CORPUS.values())
    counts = await House(SEED).try_all(known * 6)
    assert counts.total() == 6 * len(known)
    assert set(counts) == {"complete", "failures", "refused"}


@pytest.mark.timeout(3600)
def test_any_body_is_taken_or_refused() -> None:
    found = {try_body(body) for body in islice(Bodies(SEED, list(CORPUS.values())), COUNT)}
    assert found >= {"fanout", "subscription", "fanout and subscription", "refused"}


@pytest.mark.timeout(3600)
async def test_any_job_is_answered_once_and_leaves_nothing_behind() -> None:
    rows = iter(Bodies(SEED, list(CORPUS.values())))
    house = House(SEED)
    counts = await house.try_all(islice(rows, COUNT // 4))
    before = psutil.Process().memory_info().rss
    counts += await house.try_all(islice(rows, COUNT - COUNT // 4))
    assert counts.total() == COUNT
    assert min(counts["complete"] + counts["failures"], counts["refused"]) > COUNT // 20
    assert psutil.Process().memory_info().rss - before < GROWTH_LIMIT_BYTES


@pytest.mark.timeout(3600)
async def test_any_signed_job_is_answered_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    rows = iter(SignedBodies(SEED, NOW_S))
    house = House(SEED, write_keys(tmp_path))
    counts = await house.try_all(islice(rows, COUNT // 16))
    before = psutil.Process().memory_info().rss
    counts += await house.try_all(islice(rows, COUNT // 4))
    assert counts.total() == COUNT // 16 + COUNT // 4
    assert min(counts["complete"] + counts["failures"], counts["refused"]) > COUNT // 100
    assert psutil.Process().memory_info().rss - before < GROWTH_LIMIT_BYTES
