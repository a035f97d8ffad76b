"""Programs that run a part of the service in a process of its own, where no measurement from outside can look.

Each prints one line of JSON. They use nothing of the service but what its own modules use of each other, and are not
for another build than the one that Python imports.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

RUN_LIMIT_S = 300.0


def run(name: str, *arguments: object) -> Any:
    """What the program of this package prints. Raises RuntimeError with its complaint if it fails."""
    command = [sys.executable, "-m", f"inside.{name}", *map(str, arguments)]
    folder = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return json.loads(done.stdout)
