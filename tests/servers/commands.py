"""Runs the command `gearhorn` to its end."""

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
