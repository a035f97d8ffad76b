"""Where a figure was measured: the machine, how busy it was before, and the versions of all that took part."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness import PROJECT

PACKAGES = ("gearhorn", "gear", "redis", "hiredis", "pymemcache", "uvloop", "msgspec")


def machine() -> dict[str, Any]:
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": _system(),
        "kernel": platform.release(),
    }


def load() -> float:
    """The load average of the last minute: what others did with the machine, if it is read before a measurement."""
    return round(os.getloadavg()[0], 2)


def versions() -> dict[str, str]:
    """Of the servers and of this interpreter, which runs the worker too unless --worker says otherwise."""
    return {
        "gearmand": _first_line("gearmand", "--version").split(" - ")[0].removeprefix("gearmand "),
        "redis-server": _word(_first_line("redis-server", "--version"), "v="),
        "memcached": _first_line("memcached", "--version").removeprefix("memcached "),
        # Its own tools answer root only, and take a second.
        "rabbitmq-server": _first_line("dpkg-query", "--show", "--showformat", "${Version}", "rabbitmq-server"),
        "nats-server": _first_line("nats-server", "--version").removeprefix("nats-server: v"),
        "python": platform.python_version(),
        **{package: _package_version(package) for package in PACKAGES},
    }


def commit() -> str:
    return _first_line("git", "-C", str(PROJECT), "describe", "--always", "--dirty", "--exclude=*")


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _first_line(program: str, *arguments: str) -> str:
    """What the program says of itself; a contestant that is absent is a word in the report, and no reason to end."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if path is None:
        return "not installed"
    answer = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    lines = (answer.stdout or answer.stderr).strip().splitlines()
    return lines[0] if lines and answer.returncode == 0 else "unknown"


def _word(line: str, mark: str) -> str:
    return next((word.removeprefix(mark) for word in line.split() if word.startswith(mark)), line)


def _package_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
