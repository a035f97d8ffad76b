"""What is printed and written beside the figures: machine, versions, tables, and whether the aims were reached."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness import PROJECT
from harness.rounds import Spread
from tests.servers.process import find_program

PACKAGES = ("gearhorn", "gear", "redis", "hiredis", "pymemcache", "uvloop", "msgspec")


def machine() -> dict[str, Any]:
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_before": [round(load, 2) for load in os.getloadavg()],
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def versions() -> dict[str, str]:
    """Of the servers and of this interpreter, which runs the worker too unless --worker says otherwise."""
    return {
        "gearmand": _first_line("gearmand", "--version").split(" - ")[0].removeprefix("gearmand "),
        "redis-server": _word(_first_line("redis-server", "--version"), "v="),
        "python": platform.python_version(),
        **{package: _package_version(package) for package in PACKAGES},
        "commit": _commit(),
    }


def _first_line(program: str, *arguments: str) -> str:
    try:
        answer = subprocess.run([find_program(program), *arguments], capture_output=True, text=True, check=False)
    except RuntimeError:
        return "not installed"
    return (answer.stdout or answer.stderr).strip().partition("\n")[0]


def _word(line: str, mark: str) -> str:
    return next((word.removeprefix(mark) for word in line.split() if word.startswith(mark)), line)


def _package_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    command = ["git", "-C", str(PROJECT), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


class Report:
    """Collects one run's figures, prints them as they come, and writes them to a file at the end if asked."""

    def __init__(self, benchmark: str, settings: dict[str, Any]) -> None:
        self.content: dict[str, Any] = {
            "benchmark": benchmark,
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "command": sys.argv,
            "settings": settings,
            "machine": machine(),
            "versions": versions(),
            "figures": {},
            "aims": [],
        }
        for title in ("machine", "versions", "settings"):
            print(f"{title}: " + ", ".join(f"{name} {value}" for name, value in self.content[title].items()))
        print()

    def note(self, name: str, value: Any) -> None:
        """Keeps raw figures for the file."""
        self.content["figures"][name] = value

    def say_aim(self, what: str, reached: bool) -> None:
        self.content["aims"].append({"aim": what, "reached": reached})
        print(f"{'REACHED' if reached else 'NOT REACHED'}: {what}")

    def write(self, path: Path | None) -> None:
        if path is not None:
            path.write_text(json.dumps(self.content, indent=2) + "\n")


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A Markdown table with columns as wide as they must be."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
    print()


def compare(spread: Spread, aim: float) -> str:
    return f"{spread.text('.2f')}, at least {aim:g} wanted"
