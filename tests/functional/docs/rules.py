"""What is done with a block of code, by its language. A language without a rule is a mistake on the page."""

import configparser
import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import yaml

from gearhorn.config import Config
from gearhorn.errors import GearhornError
from tests.functional.docs.pages import ROOT, Block
from tests.functional.docs.sandbox import Sandbox, place
from tests.functional.docs.session import PROMPT, NotTrue, run_session

LIMIT_S = 60.0
REASON_CHARACTERS = 12  # fewer say nothing

# A program with a comment such as `// listen.php` in its first lines is a file of that name, and a session runs it.
_NAMED = re.compile(r"\A(?:<\?php\s+|#!.*\n)?\s*(?://|#|/\*|;|--)\s*([\w./-]+\.\w+)\b")

# For those without a name: how they are run, and what they need around them.
_INTERPRETERS = {
    "python": (["python", "{file}"], ".py"),
    "php": (["php", "{file}"], ".php"),
    "perl": (["perl", "{file}"], ".pl"),
    "js": (["node", "{file}"], ".js"),
    "c": (["gcc", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "{file}"], ".c"),
    "sh": (["bash", "-euo", "pipefail", "{file}"], ".sh"),
}
ALIASES = {"bash": "sh", "javascript": "js", "yml": "yaml"}
SYSTEMD_SECTIONS = {"Unit", "Service", "Install", "Socket", "Timer"}


# What would change the machine that the tests run on, perhaps as root: programs, and files outside of the sandbox.
_SYSTEM = re.compile(
    r"(?:^|[|;&(]|\bexec|\bsudo)\s*(sudo|apt|apt-get|dpkg|systemctl|journalctl|service|useradd|groupadd|mount|umount)\b",
    re.MULTILINE,
)
_FAR_FILE = re.compile(
    r"(?:>|\b(?:cp|mv|ln|rm|install|mkdir|touch|tee|chmod|chown|mknod)\b[^\n]*\s)\s*(/(?!dev/null\b)[\w./-]*)"
)


def cover(block: Block) -> None:
    """Raises NotTrue for a block that no rule covers, whatever is in it."""
    if not block.is_fenced:
        raise NotTrue(f"{block.place}: an indented block: fence it, and say which language it is")
    if block.reason is not None:
        if len(block.reason) < REASON_CHARACTERS:
            raise NotTrue(f"{block.place}: no-test needs a reason")
        return
    if name := block.value("tested-by"):
        _check_test(block, name)
    elif language(block) not in RULES:
        raise NotTrue(f"{block.place}: no rule covers the language {block.language!r}")
    elif language(block) in ("console", "sh"):
        _refuse_to_change_the_machine(block)


def _refuse_to_change_the_machine(block: Block) -> None:
    commands = re.sub(rf"^{re.escape(PROMPT)}", "", block.text, flags=re.MULTILINE)
    found = _SYSTEM.search(commands) or _FAR_FILE.search(place(commands, lambda folder: f"SANDBOX{folder}"))
    if found:
        raise NotTrue(f"{block.place}: {found[1]}: not on the machine that runs the tests; mark the block as no-test")


def obey(block: Block, sandbox: Sandbox) -> None:
    """Runs, parses or keeps the block. Raises NotTrue when the page says something else than what happens."""
    if block.reason is None and not block.value("tested-by"):
        RULES[language(block)](block, sandbox)


def language(block: Block) -> str:
    return ALIASES.get(block.language, block.language)


def file_name(block: Block) -> str | None:
    found = _NAMED.match(block.text)
    return found[1] if found else None


def is_run(block: Block) -> bool:
    """Whether it takes a sandbox."""
    is_ours = block.reason is None and not block.value("tested-by")
    return is_ours and (language(block) in _INTERPRETERS or language(block) == "console")


def _check_test(block: Block, name: str) -> None:
    test = ROOT / name
    page = block.place.partition(":")[0]
    if not test.is_file():
        raise NotTrue(f"{block.place}: there is no test {name}")
    sources = "".join(path.read_text() for path in test.parent.glob("*.py"))
    if Path(page).name not in sources:
        raise NotTrue(f"{block.place}: {test.parent.name} does not read {page}")


def _run_program(block: Block, sandbox: Sandbox) -> None:
    command, suffix = _INTERPRETERS[language(block)]
    name = file_name(block) or f"block{block.place.rpartition(':')[2]}{suffix}"
    text = block.text
    if suffix == ".php" and "<?php" not in text:
        text = f"<?php\n{text}"
    file = _put(block.place, name, text, sandbox)
    if file_name(block):
        return  # for a session to run
    done = subprocess.run(
        [word.format(file=file) for word in command],
        cwd=sandbox.home,
        env=sandbox.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    if done.returncode:
        raise NotTrue(f"{block.place}: ended with status {done.returncode}: {done.stdout}{done.stderr}")


def _put(where: str, name: str, text: str, sandbox: Sandbox) -> Path:
    file = sandbox.home / sandbox.theirs(name)
    if not file.is_relative_to(sandbox.folder):
        raise NotTrue(f"{where}: {name} would be written on the machine that runs the tests")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(sandbox.theirs(text))
    file.chmod(0o700 if text.startswith("#!") else 0o600)
    return file


def _read_ini(block: Block, sandbox: Sandbox) -> None:
    if name := file_name(block):
        _put(block.place, name, block.text, sandbox)
    if "other" in block.words:  # a file of another program, which a session tries
        return
    file = sandbox.folder / "fragment.conf"
    file.write_text(block.text)
    try:
        Config([f"--config-file={file}"], environ={"HOME": str(sandbox.home)})
    except GearhornError as error:
        raise NotTrue(f"{block.place}: {error}") from None


def _read_unit(block: Block, _: Sandbox) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        unit.read_string(block.text)
    except configparser.Error as error:
        raise NotTrue(f"{block.place}: {error}") from None
    if not unit.sections() or set(unit.sections()) - SYSTEMD_SECTIONS:
        raise NotTrue(f"{block.place}: this is no unit of systemd: it has the sections {unit.sections()}")


def _read_with(read: Callable[[str], object]) -> Callable[[Block, Sandbox], None]:
    def rule(block: Block, sandbox: Sandbox) -> None:
        try:
            read(block.text)
        except (ValueError, yaml.YAMLError) as error:
            raise NotTrue(f"{block.place}: {error}") from None
        if name := file_name(block):
            _put(block.place, name, block.text, sandbox)

    return rule


def _read_lines(text: str) -> None:
    for line in text.splitlines():
        json.loads(line)


def _is_shown(block: Block, _: Sandbox) -> None:
    """Text, or a picture: nothing to be typed may hide in it."""
    if any(line.startswith(PROMPT) for line in block.text.splitlines()):
        raise NotTrue(f"{block.place}: has commands: its language is console")


RULES: dict[str, Callable[[Block, Sandbox], None]] = {
    "console": run_session,
    **dict.fromkeys(_INTERPRETERS, _run_program),
    "ini": _read_ini,
    "systemd": _read_unit,
    "json": _read_with(json.loads),
    "jsonl": _read_with(_read_lines),
    "toml": _read_with(tomllib.loads),
    "yaml": _read_with(yaml.safe_load),
    "text": _is_shown,
    "mermaid": _is_shown,
    "promql": _is_shown,
    "{eval-rst}": _is_shown,
    "{toctree}": _is_shown,
    "{generated}": _is_shown,  # its text is for who reads the file as it is
    "{include}": _is_shown,
    "{note}": _is_shown,
    "{image}": _is_shown,
    "{figure}": _is_shown,
}
