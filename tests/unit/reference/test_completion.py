"""What shells offer when somebody presses Tab."""

import subprocess
from pathlib import Path

import pytest

from tests.servers.process import find_program
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


def test_zsh_can_read_what_is_meant_for_it(scripts: Path) -> None:
    subprocess.run([find_program("zsh"), "-n", scripts / PLACES["zsh"]], check=True, timeout=60)


def test_zsh_shows_the_line_that_the_list_of_commands_has() -> None:
    assert "publish:'send a message to every subscriber of a topic'" in completion("zsh")


@pytest.mark.parametrize("shell", PLACES)
def test_what_is_in_the_tree_is_the_program_s(shell: str) -> None:
    """Else run `make generated`."""
    assert (ROOT / "share" / PLACES[shell]).read_text() == completion(shell), "run: make generated"
