"""Runs the command `gearhorn` to its end, by itself or at a terminal."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.servers.standalone import clean_environment

LIMIT_S = 60.0


def run_gearhorn(
    home: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """As somebody without a configuration; standard output and error are no terminal."""
    return subprocess.run(
        [sys.executable, "-m", "gearhorn", *arguments],
        env={**clean_environment(home), **(environ or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def run_on_terminal(home: Path, *arguments: str, **environ: str) -> str:
    """What a terminal of 80 columns shows, unless `environ` has others."""
    near, far = pty.openpty()
    command = [sys.executable, "-m", "gearhorn", *arguments]
    env = {**clean_environment(home), "TERM": "xterm", "COLUMNS": "80", **environ}
    with subprocess.Popen(command, env=env, stdin=far, stdout=far, stderr=far):
        os.close(far)
        shown = b""
        while chunk := _read(near):
            shown += chunk
    os.close(near)
    return shown.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux's way of saying that the other end was closed
        return b""
