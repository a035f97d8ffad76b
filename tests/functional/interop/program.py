"""Runs the programs of one language."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.servers.gearman import GearmanServer
from tests.servers.process import find_program

FOLDER = Path(__file__).parent / "programs"
LIMIT_S = 60.0

# Interpreter and file.
LANGUAGES = {
    "tool": ("sh", "with_tool.sh"),
    "php": ("php", "with_php.php"),
    "perl": ("perl", "with_perl.pl"),
    "gear": (sys.executable, "with_gear.py"),
}


class Program:
    """A language's program against one server."""

    def __init__(self, language: str, server: GearmanServer) -> None:
        interpreter, file = LANGUAGES[language]
        self.language = language
        self._argv = [find_program(interpreter), str(FOLDER / file)]
        self._place = ["127.0.0.1", str(server.port)]
        self._running: list[subprocess.Popen[str]] = []

    def request(self, queue: str, body: dict[str, Any]) -> str:
        """The answer to a job."""
        return finish(self.start("request", queue, body))

    def submit(self, queue: str, body: dict[str, Any]) -> None:
        """Leaves a job in the background."""
        assert finish(self.start("submit", queue, body)) == ""

    def start(self, command: str, queue: str, body: dict[str, Any] | None = None) -> "subprocess.Popen[str]":
        text = [] if body is None else [json.dumps(body, ensure_ascii=False)]
        process = subprocess.Popen(
            [*self._argv, command, *self._place, queue, *text],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        return process

    def close(self) -> None:
        for process in self._running:
            process.kill()
            process.communicate()


def finish(process: "subprocess.Popen[str]") -> str:
    """What it printed, when it has ended well."""
    output, errors = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, errors) == (0, "")
    return output


def fail(process: "subprocess.Popen[str]") -> str:
    """What it complained of, when it has ended badly."""
    output, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode != 0
    assert output == ""
    return errors
