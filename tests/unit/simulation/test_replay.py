"""A seed stands for one history, whatever was run before it, and in whichever process."""

import os
import subprocess
import sys
from pathlib import Path

from tests.unit.simulation.world import run

ROOT = Path(__file__).parents[3]
SEEDS = (2, 3, 5)


def test_a_seed_gives_the_same_history_each_time() -> None:
    first = [run(seed).history.trace() for seed in SEEDS]
    again = [run(seed).history.trace() for seed in reversed(SEEDS)]
    assert first == again[::-1]
    assert len({len(trace) for trace in first}) > 1


def test_a_seed_gives_the_same_history_however_strings_are_hashed() -> None:
    """Sets of strings have another order in each process, unless they are told."""
    assert tell(SEEDS[0], "1") == tell(SEEDS[0], "2")


def test_a_history_is_told_on_the_command_line() -> None:
    told = tell(SEEDS[0], "random")
    assert told.splitlines()[: len(told.splitlines()) - 1] == run(SEEDS[0]).history.trace()


def tell(seed: int, hash_seed: str) -> str:
    """What the command prints that replays a history."""
    command = [sys.executable, "-m", "tests.unit.simulation", str(seed)]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout
