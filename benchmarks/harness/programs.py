"""Compiles the C programs of `../c` into `../build` and runs them. Their clock is the only one that counts."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.process import find_program

SOURCES = Path(__file__).resolve().parents[1] / "c"
BUILD = SOURCES.parent / "build"
COMPILER_FLAGS = ("-O2", "-Wall", "-Wextra")
# What a program shares with others, besides link.c.
PARTS = dict.fromkeys(("gearman_receivers", "amqp_receivers", "text_receivers"), ("receivers",))
LIBRARIES = {"libgearman_batch": ("-lgearman",), "amqp_publish": ("-lrabbitmq",), "amqp_receivers": ("-lrabbitmq",)}
RUN_LIMIT_S = 300.0


def build(name: str) -> Path:
    """The path of an up-to-date program; raises RuntimeError with the compiler's words when it does not compile."""
    program = BUILD / name
    sources = [SOURCES / f"{part}.c" for part in (name, "link", *PARTS.get(name, ()))]
    if _is_stale(program, [*sources, *SOURCES.glob("*.h")]):
        BUILD.mkdir(exist_ok=True)
        unfinished = program.with_suffix(f".{os.getpid()}")
        _compile(sources, unfinished, LIBRARIES.get(name, ()))
        unfinished.replace(program)
    return program


def _is_stale(program: Path, sources: Sequence[Path]) -> bool:
    return not program.exists() or any(source.stat().st_mtime > program.stat().st_mtime for source in sources)


def _compile(sources: Sequence[Path], into: Path, libraries: Sequence[str]) -> None:
    command = [find_program("gcc"), *COMPILER_FLAGS, "-o", str(into), *map(str, sources), *libraries]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        hint = "libgearman_batch needs libgearman-dev, amqp_publish librabbitmq-dev"
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}\n({hint})")


@dataclass(frozen=True, slots=True)
class Published:
    """What `publish` says of its jobs. Latency runs from a job's submission (or its hour, if paced) to its answer."""

    count: int
    completed: int
    failed: int
    unexpected: int  # completed, with another answer than the one expected
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    complaint: str  # the first warning, error or unexpected answer that came

    @property
    def rate(self) -> float:
        return self.count / self.seconds

    def check(self) -> "Published":
        """Raises RuntimeError unless every job completed with the expected answer."""
        if self.completed != self.count or self.unexpected:
            raise RuntimeError(f"not every job was answered as expected: {self}")
        return self


class Running:
    """A C program that runs meanwhile. `result` waits for its end and reads the JSON line that it printed."""

    def __init__(self, name: str, *options: object) -> None:
        self.command = [str(build(name)), *map(str, options)]
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def result(self, limit_s: float = RUN_LIMIT_S) -> dict[str, Any]:
        try:
            output, complaint = self.process.communicate(timeout=limit_s)
        finally:
            self.kill()
        if self.process.returncode:
            raise RuntimeError(f"{' '.join(self.command)}: {complaint.strip()}")
        answer: dict[str, Any] = json.loads(output)
        return answer

    def published(self) -> Published:
        return Published(**self.result())

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def start_publishing(port: int, bodies: Path, *options: object) -> Running:
    return Running("publish", "-p", port, "-b", bodies, *options)


def publish(port: int, bodies: Path, *options: object) -> Published:
    return start_publishing(port, bodies, *options).published()


def blast(port: int, names: Path, payload_bytes: int, window: int = 0, set_count: int = 1) -> float:
    """Copies per second of the raw pipelined blast; `window` 0 leaves the unconfirmed ones unbounded.

    With a `set_count` the names are so many sets, sent one after the other; the median of their rates is told.
    """
    return copies_per_s("blast", "-p", port, "-n", names, "-s", payload_bytes, "-w", window, "-k", set_count)


def libgearman_batch(port: int, names: Path, payload_bytes: int, frees_tasks: bool) -> float:
    """Copies per second of libgearman's batch client."""
    return copies_per_s(
        "libgearman_batch", "-p", port, "-n", names, "-s", payload_bytes, *(["-f"] if frees_tasks else [])
    )


def copies_per_s(name: str, *options: object) -> float:
    """Of a program that tells its copies and seconds."""
    answer = Running(name, *options).result()
    return float(answer["copies"] / answer["seconds"])
