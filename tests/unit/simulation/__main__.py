"""Runs histories of the simulation from the command line, for those who look for trouble or at it.

Tells the history of one seed, and what is wrong with it:

    python -m tests.unit.simulation 4711

Tries 100,000 seeds from the first on, with all processors (`make simulate SEEDS=100000 FIRST=5000` does the same):

    python -m tests.unit.simulation --seeds 100000 --first 5000

Both with one safeguard switched off:

    python -m tests.unit.simulation --without "allowing for clocks" 166

Ends with status 1 if anything was wrong.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial

from tests.unit.simulation.safeguards import SAFEGUARDS, SAFEGUARDS_AGAINST_LOSS, SAFEGUARDS_OF_OUR_OWN
from tests.unit.simulation.world import Verdict, describe, run

BLOCK_SEEDS = 500
BY_NAME = {safeguard.name: safeguard for safeguard in SAFEGUARDS + SAFEGUARDS_OF_OUR_OWN + SAFEGUARDS_AGAINST_LOSS}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.unit.simulation", description="histories of matchmaking")
    parser.add_argument("seed", type=int, nargs="?", help="tell this history")
    parser.add_argument("--seeds", type=int, default=5000, help="how many to try, without SEED")
    parser.add_argument("--first", type=int, default=0, help="the first of these")
    parser.add_argument("--without", choices=sorted(BY_NAME), help="switch one safeguard off")
    options = parser.parse_args()
    if options.seed is not None:
        return _tell(options.seed, options.without)
    return _try(range(options.first, options.first + options.seeds), options.without)


def _run(seed: int, without: str | None) -> Verdict:
    with ExitStack() as stack:
        if without is not None:
            stack.enter_context(BY_NAME[without].switched_off())
        return run(seed)


def _tell(seed: int, without: str | None) -> int:
    verdict = _run(seed, without)
    print(*verdict.history.trace(), verdict.weather, *verdict.wrongs, sep="\n")
    return 1 if verdict.wrongs else 0


def _try(seeds: range, without: str | None) -> int:
    blocks = [seeds[start : start + BLOCK_SEEDS] for start in range(0, len(seeds), BLOCK_SEEDS)]
    wrong_count = 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for number, found in enumerate(pool.map(partial(_try_block, without=without), blocks), 1):
            print(*found, sep="\n", end="\n" if found else "")
            wrong_count += len(found)
            print(f"{min(number * BLOCK_SEEDS, len(seeds))} histories, {wrong_count} wrong", file=sys.stderr)
    return 1 if wrong_count else 0


def _try_block(seeds: range, without: str | None) -> list[str]:
    return list(_describe_wrong_ones(seeds, without))


def _describe_wrong_ones(seeds: range, without: str | None) -> Iterator[str]:
    options = f" --without {without!r}" if without is not None else ""
    for seed in seeds:
        verdict = _run(seed, without)
        if verdict.wrongs:
            yield describe(verdict, options)


if __name__ == "__main__":
    sys.exit(main())
