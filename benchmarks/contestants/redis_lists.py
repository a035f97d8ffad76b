"""Redis with one list per subscriber, to which a publisher that knows all of them pushes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import programs, sites

from contestants import redis_pipeline, scripts

Push = Callable[[int, Path, int, int], float]  # of a port, a file of names, the payload, the sets: copies per second

_LESS = "Does less: knows the names beforehand, reads no JSON and no list; Redis wakes no receivers and tracks no jobs"

RAW_DIFFERENCE = f"`c/redis_push.c`, commands built before the clock starts. {_LESS}"
PIPELINE_DIFFERENCE = f"redis-py's pipeline, {redis_pipeline.CHUNK:,} commands at a time. {_LESS}"


@contextmanager
def open_redis(folder: Path) -> Iterator[int]:
    """The port of a fresh Redis that saves nothing to disk."""
    server, _ = sites.STORES["redis"](folder)
    assert server is not None
    server.start()
    try:
        yield server.port
    finally:
        server.stop()


def push_raw(port: int, names: Path, payload_bytes: int, set_count: int = 1) -> float:
    """Copies per second of raw pipelined commands. With `set_count` sets, the median of theirs."""
    return programs.copies_per_s("redis_push", "-p", port, "-n", names, "-s", payload_bytes, "-k", set_count)


def push_by_pipeline(port: int, names: Path, payload_bytes: int, set_count: int = 1) -> float:
    return scripts.copies_per_s("contestants.redis_pipeline", port, names, payload_bytes, set_count)
