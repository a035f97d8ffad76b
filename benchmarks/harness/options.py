"""The command-line options that all benchmarks share."""

import argparse
from pathlib import Path
from typing import Any

from harness.sites import STORES, Setup


def parser(description: str | None, round_count: int) -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter, allow_abbrev=False
    )
    options.add_argument("--rounds", type=positive, default=round_count, help="measurements per contestant, in turns")
    options.add_argument("--store", choices=list(STORES), default="redis", help="the worker's store, started afresh")
    options.add_argument("--threads", type=int, default=4, help="gearmand's I/O threads; 4 is its own default")
    options.add_argument("--worker", default="gearhorn worker", metavar="COMMAND", help="the worker to measure")
    options.add_argument("--worker-option", action="append", default=[], help="one more option for it; repeatable")
    options.add_argument("--payload-bytes", type=positive, default=100)
    options.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return options


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return number


def setup(chosen: argparse.Namespace) -> Setup:
    return Setup(chosen.store, chosen.threads, chosen.worker, tuple(chosen.worker_option))


def settings(chosen: argparse.Namespace) -> dict[str, Any]:
    """What was chosen, for the report."""
    return {name: value for name, value in vars(chosen).items() if name != "json"}
