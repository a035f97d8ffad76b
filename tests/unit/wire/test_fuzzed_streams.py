"""Whatever bytes come in, in whatever pieces: events, perhaps a violation, never another error, and little memory.

FUZZ_STREAMS=100000 tries as many; `python -m tests.fuzz` does so outside of the tests.
"""

import os
from collections import Counter
from itertools import islice

import pytest

from tests.fuzz.corpus import inputs
from tests.fuzz.streams import Streams, try_stream

SEED = 20261122
COUNT = int(os.environ.get("FUZZ_STREAMS", "10000"))

CORPUS = inputs("streams")


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("name", CORPUS)
def test_a_stream_of_the_corpus_is_survived(name: str, size: int) -> None:
    stream = CORPUS[name]
    try_stream([stream[at : at + size] for at in range(0, len(stream), size)])


@pytest.mark.timeout(3600)
def test_any_stream_is_survived() -> None:
    found: Counter[str] = Counter()
    for pieces in islice(Streams(SEED), COUNT):
        found += try_stream(pieces)
    assert found["violations"] > COUNT // 10
    assert found["events"] > COUNT
