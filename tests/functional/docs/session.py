"""A `console` block: commands behind `$ `, each with what it shows, typed into a terminal one after the other."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.functional.docs.pages import Block
from tests.functional.docs.sandbox import Sandbox
from tests.functional.docs.screen import matcher, shows_all
from tests.functional.docs.terminal import Terminal

PROMPT = "$ "
KEYS = {"^C": b"\x03", "^D": b"\x04", "^Z": b"\x1a"}

_HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?")
_ASKS_STATUS = re.compile(r"echo .*\$\?")


class NotTrue(AssertionError):
    """The page says something else than what happens."""


@dataclass(slots=True)
class Step:
    """What is typed, and what is then on the screen. No command: more of what the one before shows."""

    command: str | None = None
    key: bytes = b""
    shown: list[str] = field(default_factory=list)

    @property
    def asks_status(self) -> bool:
        return self.command is not None and bool(_ASKS_STATUS.search(self.command))


def read_session(text: str) -> list[Step]:
    steps = [Step()]
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(PROMPT):
            steps.append(Step("\n".join(_whole_command(line.removeprefix(PROMPT), lines))))
        elif line in KEYS:
            steps.append(Step(key=KEYS[line]))
        else:
            steps[-1].shown.append(line)
    return steps if steps[0].shown else steps[1:]


def _whole_command(line: str, rest: Iterator[str]) -> list[str]:
    """With the lines that belong to it: those behind a backslash, in quotes, or up to the end of a heredoc."""
    command = [line]
    while not _is_whole("\n".join(command)):
        command.append(next(rest).removeprefix("> "))
    return command


def _is_whole(command: str) -> bool:
    if end := _HEREDOC.search(command):
        return f"\n{end[1]}\n" in f"{command}\n"
    try:
        shlex.split(command)
    except ValueError:
        return False
    return not command.endswith("\\")


def run_session(block: Block, sandbox: Sandbox) -> None:
    name = block.value("terminal") or ""
    steps = read_session(block.text)
    shows_nothing = not any(step.shown for step in steps)
    if (not steps or steps[0].command is None) and not sandbox.has(name):
        raise NotTrue(f"{block.place}: this is no session: no line begins with {PROMPT!r}")
    terminal = sandbox.terminal(name)
    for number, step in enumerate(steps):
        may_go_on = bool(name) and not any(later.command for later in steps[number + 1 :])
        try:
            _take(step, terminal, sandbox, may_go_on=may_go_on, shows_nothing=shows_nothing)
        except TimeoutError as error:
            raise NotTrue(f"{block.place}: {step.command or 'here'}: {error}") from None
        except NotTrue as error:
            raise NotTrue(f"{block.place}: {error}") from None
        following = steps[number + 1] if number + 1 < len(steps) else Step()
        terminal.unexplained = "" if step.key or following.asks_status else f"{block.place}: {step.command}"
        check_end(terminal)


def check_end(terminal: Terminal) -> None:
    """Whatever ended with another status than 0, and the page does not tell it."""
    if terminal.unexplained and terminal.status:
        lines = _text(terminal.lines)
        raise NotTrue(f"{terminal.unexplained}: ended with status {terminal.status}:\n{lines}")


def _take(step: Step, terminal: Terminal, sandbox: Sandbox, *, may_go_on: bool, shows_nothing: bool) -> None:
    if step.command is not None:
        terminal.wait_for(lambda: terminal.status is not None, f"an end of what runs there before {step.command!r}")
        terminal.type(sandbox.theirs(step.command))
    elif step.key:
        terminal.press(step.key)
    match = matcher(step.shown if step.command is not None else ["…", *step.shown])
    if may_go_on and not step.key:
        # it goes on, or has ended: what counts is that the screen shows it
        terminal.wait_for(
            lambda: match(terminal.lines[terminal.seen :]) is not None or terminal.status is not None, _text(step.shown)
        )
        seen = match(terminal.lines[terminal.seen :])
        if seen is None:
            raise NotTrue(_difference(step, terminal.lines[terminal.seen :]))
        terminal.seen += seen
        return
    terminal.wait_for(lambda: terminal.status is not None, step.command or "the end")
    lines = terminal.lines[terminal.seen :]
    terminal.seen = len(terminal.lines)
    if step.key and not step.shown:
        return
    if not shows_nothing and not shows_all(["…", *step.shown] if step.command is None else step.shown, lines):
        raise NotTrue(_difference(step, lines))


def _difference(step: Step, lines: Sequence[str]) -> str:
    return f"{step.command or 'then'}\n--- the page shows\n{_text(step.shown)}\n--- in truth there was\n{_text(lines)}"


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines)
