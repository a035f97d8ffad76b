"""Contestants that are written in Python: each measurement in a process of its own, which has its own clock."""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
RUN_LIMIT_S = 300.0

Send = Callable[[Sequence[str], bytes], None]


def copies_per_s(module: str, port: int, names: Path, payload_bytes: int, set_count: int = 1) -> float:
    """Runs `module`, which calls `main`. The names are so many sets; the median of their rates is told."""
    command = [sys.executable, "-m", module, str(port), str(names), str(payload_bytes), str(set_count)]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"{module}: {done.stderr.strip()}")
    answer = json.loads(done.stdout)
    return float(answer["copies"] / answer["seconds"])


def main(connect: Callable[[int], Send]) -> None:
    """`connect` takes a port and returns what sends a payload to all names; it returns when all are confirmed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("names", type=Path)
    parser.add_argument("payload_bytes", type=int)
    parser.add_argument("set_count", type=int)
    chosen = parser.parse_args()
    names = chosen.names.read_text().splitlines()
    size = len(names) // chosen.set_count
    send, payload = connect(chosen.port), b"x" * chosen.payload_bytes
    seconds = [_time(send, names[start : start + size], payload) for start in range(0, len(names), size)]
    print(json.dumps({"copies": size, "seconds": statistics.median(seconds)}))


def _time(send: Send, names: Sequence[str], payload: bytes) -> float:
    start_s = time.perf_counter()
    send(names, payload)
    return time.perf_counter() - start_s
