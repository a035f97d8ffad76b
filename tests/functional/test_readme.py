"""The README's examples, run as they stand there."""

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gearhorn.cmd import exits
from gearhorn.options import GROUPS
from tests.servers.standalone import Standalone

README = Path(__file__).parents[2] / "README.md"
LIMIT_S = 100.0
MESSAGE = "Hello, everybody"


def blocks(language: str) -> list[str]:
    """The code in this language, as somebody would copy it."""
    return re.findall(rf"^```{language}\b[^\n]*\n(.*?)^```$", README.read_text(), flags=re.MULTILINE | re.DOTALL)


def block_with(language: str, words: str) -> str:
    (found,) = [block for block in blocks(language) if words in block]
    return found


class Terminal:
    """A second terminal, in the folder where `make run` has made .venv, on a machine that runs nothing else.

    The Gearman server is on another port than usual, and so GEARMAN_SERVERS names it.
    """

    def __init__(self, standalone: Standalone) -> None:
        assert standalone.env is not None
        self.folder = standalone.folder / "gearhorn"
        (self.folder / ".venv/bin").mkdir(parents=True)
        (self.folder / ".venv/bin/gearhorn").symlink_to(Path(sys.executable).with_name("gearhorn"))
        self.environ = {**standalone.env, "GEARMAN_SERVERS": standalone.address, "TERM": "dumb", "PS1": "$ "}

    def run(self, script: str) -> str:
        """What a shell prints that stops at the first failure."""
        with self._start(["-euo", "pipefail", "-c", script], subprocess.DEVNULL, subprocess.PIPE) as shell:
            shown, _ = shell.communicate(timeout=LIMIT_S)
        assert shell.returncode == 0, shown
        return shown.decode()

    def paste(self, script: str) -> str:
        """What the screen shows when all lines are typed at once into an interactive shell."""
        near, far = pty.openpty()
        with self._start(["--norc", "--noprofile", "-i"], far, far):
            os.close(far)
            os.write(near, f"{script}exit\n".encode())
            shown = b"".join(iter(lambda: read(near), b""))
        os.close(near)
        return shown.decode().replace("\r\n", "\n")

    @contextlib.contextmanager
    def _start(self, options: list[str], given: int, shown: int) -> Iterator[subprocess.Popen[bytes]]:
        """A shell, of which nothing is left in the end, however it ends."""
        command = ["bash", *options]
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environ,
            stdin=given,
            stdout=shown,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as shell:
            try:
                yield shell
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(shell.pid, signal.SIGKILL)


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux's way of saying that the other end was closed
        return b""


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    standalone = Standalone(tmp_path)
    # as `make run` starts it: the store is where the other commands look for it
    standalone.argv = [word for word in standalone.argv if not word.startswith("--data-dir")]
    with standalone:
        yield Terminal(standalone)
    print(standalone.log)


def lines_of(shown: str) -> list[str]:
    return [line for line in shown.splitlines() if line == MESSAGE]


def test_the_block_to_try_it_shows_both_copies(terminal: Terminal) -> None:
    assert lines_of(terminal.run(block_with("sh", "gearhorn subscribe news alice"))) == [MESSAGE, MESSAGE]


def test_the_block_to_try_it_works_when_it_is_pasted(terminal: Terminal) -> None:
    assert lines_of(terminal.paste(block_with("sh", "gearhorn subscribe news alice"))) == [MESSAGE, MESSAGE]


def test_the_block_to_try_it_works_twice(terminal: Terminal) -> None:
    block = block_with("sh", "gearhorn subscribe news alice")
    assert lines_of(terminal.run(block) + terminal.run(block)) == [MESSAGE] * 4


def test_the_tool_of_gearmand_is_enough(terminal: Terminal) -> None:
    """With the port as the only change, since the tool reads no variable."""
    port = terminal.environ["GEARMAN_SERVERS"].partition(":")[2]
    block = block_with("sh", "gearman -f subscribe_fanout").replace("gearman -", f"gearman -p {port} -")
    received = terminal.folder / "received"
    script = block.replace("cat &", f"tee {received} >/dev/null & worker=$!")
    shown = terminal.run(f"trap 'kill $worker' EXIT\n{script}until [ -s {received} ]; do sleep 0.01; done\n")
    assert received.read_text() == "Hello, Carol"
    assert shown == "1"


@pytest.mark.parametrize("words", ["import asyncio", "import gear\n"])
def test_the_python_examples_run(terminal: Terminal, words: str) -> None:
    code = block_with("python", words)
    port = terminal.environ["GEARMAN_SERVERS"].partition(":")[2]
    assert "4730" in code
    (terminal.folder / "example.py").write_text(code.replace("4730", port))
    shown = terminal.run(f"{sys.executable} -W ignore example.py")
    assert "Hello" in shown
    assert "Traceback" not in shown


def test_the_make_targets_that_are_named_are_there() -> None:
    makefile = (README.parent / "Makefile").read_text()
    named = re.findall(r"^make (\w+)", "".join(blocks("sh")), flags=re.MULTILINE)
    assert named == ["run", "test"]
    for target in named:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


def test_the_table_of_exit_statuses_is_complete() -> None:
    """But for those by which shells report signals."""
    told = [int(row) for row in re.findall(r"^\| (\d+) \| ", README.read_text(), flags=re.MULTILINE)]
    ours = {value for name, value in vars(exits).items() if name.isupper() and not name.startswith("BY_")}
    assert told == sorted(ours)


@pytest.mark.parametrize("group", [group for group in GROUPS if group])
def test_the_options_that_are_named_are_there(group: str) -> None:
    (item,) = re.findall(rf"^\* `\[{group}\]`: (.*?)^(?:\*|$)", README.read_text(), flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`(\w+)`", item))
    assert named
    assert named <= {option.name for option in GROUPS[group]}
