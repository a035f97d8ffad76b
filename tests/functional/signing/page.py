"""What doc/signing.md shows: its programs, made to run, and its test vectors."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers.process import find_program

PAGE = (Path(__file__).parents[3] / "doc" / "signing.md").read_text()
SECRET = bytes(range(32)).hex()
LIMIT_S = 60.0


class Vector(NamedTuple):
    signed: str
    hmac: str

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.signed)


def blocks(language: str) -> list[str]:
    """The page's pieces of code in one language, in order."""
    return re.findall(rf"^```{language}\b[^\n]*\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def vectors() -> list[Vector]:
    return [Vector(**each) for each in json.loads(blocks("json")[-1])]


def run(argv: Sequence[str], text: str = "") -> str:
    done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_php(code: str, folder: Path, *arguments: str) -> str:
    (folder / "program.php").write_text("<?php\n" + code)
    return run([find_program("php"), str(folder / "program.php"), *arguments])


def run_perl(code: str, folder: Path, *arguments: str) -> str:
    (folder / "program.pl").write_text("use strict;\nuse warnings;\n" + code)
    return run([find_program("perl"), str(folder / "program.pl"), *arguments])


def run_python(code: str, folder: Path, *arguments: str) -> str:
    (folder / "program.py").write_text(code)
    return run([sys.executable, str(folder / "program.py"), *arguments])


def run_c(code: str, folder: Path, *arguments: str) -> str:
    (folder / "program.c").write_text(code)
    program = str(folder / "program")
    # HMAC() is said to be of an older time since OpenSSL 3.0, and goes on being there
    warnings = ["-Wall", "-Wextra", "-Werror", "-Wno-deprecated-declarations"]
    run([find_program("gcc"), *warnings, "-o", program, str(folder / "program.c"), "-lcrypto"])
    return run([program, *arguments])
