"""What shells offer when somebody presses Tab."""

import contextlib
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.servers.process import find_program, wait_until
from tools.reference.completion import PLACES, completion, log_levels, write_completions

ROOT = Path(__file__).parents[3]

# What readline does with the words of a line, the last of which is to be completed.
ASK_BASH = """
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
function_name=$(complete -p gearhorn | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
"$function_name"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("share")
    write_completions(folder)
    return folder


def offered(script: Path, *words: str) -> set[str]:
    command = ["bash", "--norc", "-c", ASK_BASH, "bash", str(script), "gearhorn", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["pub"], {"publish"}),
        (["publish", "--prio"], {"--priority"}),
        (["publish", "--priority", ""], {"high", "normal", "low"}),
        (["publish", "--priority", "h"], {"high"}),
        (["workers", "rem"], {"remove"}),
        (["worker", "--log-level", ""], set(log_levels())),
    ],
)
def test_bash_offers(scripts: Path, words: list[str], expected: set[str]) -> None:
    assert offered(scripts / PLACES["bash"], *words) == expected


@pytest.mark.parametrize("option", ["--config-file", "--ssl-ca", "--sign-keys-file"])
def test_bash_offers_files_where_a_file_is_asked_for(scripts: Path, tmp_path: Path, option: str) -> None:
    (tmp_path / "settings.conf").touch()
    assert offered(scripts / PLACES["bash"], "worker", option, f"{tmp_path}/set") == {f"{tmp_path}/settings.conf"}


class Zsh:
    """A shell on a terminal, whose keys we press."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where it finds what to offer."""
        self._screen, far = pty.openpty()
        environ = {"PATH": os.environ["PATH"], "TERM": "dumb", "ZDOTDIR": str(folder)}
        command = [find_program("zsh"), "-f", "-i"]
        self._shell = subprocess.Popen(command, stdin=far, stdout=far, stderr=far, env=environ, start_new_session=True)
        os.close(far)
        os.set_blocking(self._screen, False)
        self.press(f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D; print rea''dy\n")
        self.wait_for("ready\r\n")

    def press(self, keys: str) -> None:
        self.shown = ""
        os.write(self._screen, keys.encode())

    def wait_for(self, words: str) -> None:
        def is_shown() -> bool:
            with contextlib.suppress(BlockingIOError):
                self.shown += os.read(self._screen, 65536).decode(errors="replace")
            return words in self.shown

        wait_until(is_shown, f"{words!r} on the screen of zsh")

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait()
        os.close(self._screen)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("gearhorn pub", "gearhorn publish "),
        ("gearhorn publish --priority hi", "--priority high "),
        ("gearhorn workers rem", "gearhorn workers remove "),
    ],
)
def test_zsh_completes(scripts: Path, typed: str, expected: str) -> None:
    with contextlib.closing(Zsh((scripts / PLACES["zsh"]).parent)) as shell:
        shell.press(f"{typed}\t")
        shell.wait_for(expected)


def test_zsh_shows_the_line_that_the_list_of_commands_has() -> None:
    assert "publish:'send a message to every subscriber of a topic'" in completion("zsh")


@pytest.mark.parametrize("shell", PLACES)
def test_what_is_in_the_tree_is_the_program_s(shell: str) -> None:
    """Else run `make generated`."""
    assert (ROOT / "share" / PLACES[shell]).read_text() == completion(shell), "run: make generated"
