"""`python -m tests.fuzz [--bodies N] [--streams N] [--seed S]`: more than the tests try, and what it cost."""

import argparse
import asyncio
import logging
import tempfile
import time
from collections import Counter
from itertools import islice
from pathlib import Path

import psutil

from tests.fuzz.bodies import Bodies
from tests.fuzz.corpus import inputs
from tests.fuzz.handling import NOW_S, House
from tests.fuzz.parsing import try_body
from tests.fuzz.signing import SignedBodies, write_keys
from tests.fuzz.streams import Streams, try_stream

BLOCK = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--bodies", type=int, default=1_000_000)
    parser.add_argument("--streams", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    print(f"seed {arguments.seed}")
    _try_bodies(arguments.bodies, arguments.seed)
    _try_signed(arguments.bodies // 4, arguments.seed)
    _try_streams(arguments.streams, arguments.seed)


def _try_bodies(count: int, seed: int) -> None:
    rows = iter(Bodies(seed, list(inputs("bodies").values())))
    done = 0
    while done < count:
        begun_s = time.monotonic()
        block = list(islice(rows, min(BLOCK, count - done)))
        parsed: Counter[str] = Counter()
        for body in block:
            parsed[try_body(body)] += 1
        handled = asyncio.run(House(seed).try_all(block))
        done += len(block)
        print(f"{done} bodies: parsed {dict(parsed)}, handled {dict(handled)}, {_cost(begun_s)}", flush=True)


def _try_signed(count: int, seed: int) -> None:
    rows = iter(SignedBodies(seed, NOW_S))
    with tempfile.TemporaryDirectory() as folder:
        house = House(seed, write_keys(Path(folder)))
        for done in range(0, count, BLOCK):
            begun_s = time.monotonic()
            handled = asyncio.run(house.try_all(islice(rows, min(BLOCK, count - done))))
            print(f"{min(done + BLOCK, count)} signed bodies: {dict(handled)}, {_cost(begun_s)}", flush=True)


def _try_streams(count: int, seed: int) -> None:
    rows = iter(Streams(seed))
    done = 0
    while done < count:
        begun_s = time.monotonic()
        found: Counter[str] = Counter()
        for pieces in islice(rows, min(BLOCK // 5, count - done)):
            found += try_stream(pieces)
            done += 1
        print(f"{done} streams: {dict(found)}, {_cost(begun_s)}", flush=True)


def _cost(begun_s: float) -> str:
    return f"{time.monotonic() - begun_s:.1f} s, {psutil.Process().memory_info().rss >> 20} MiB"


if __name__ == "__main__":
    main()
