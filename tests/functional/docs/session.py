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
    steps = read_session(block.text)
    name = block.value("terminal") or ""
    if (not steps or steps[0].command is None) and not sandbox.has(name):
        raise NotTrue(f"{block.place}: this is no session: no line begins with {PROMPT!r}")
    Session(block, steps, sandbox, sandbox.terminal(name)).run()


def check_end(terminal: Terminal) -> None:
    """Whatever ended with another status than 0, and the page does not tell it."""
    if terminal.unexplained and terminal.status:
        lines = _text(terminal.lines)
        raise NotTrue(f"{terminal.unexplained}: ended with status {terminal.status}:\n{lines}")


class Session:
    """A block's steps in their terminal. In one with a name what runs last may go on."""

    def __init__(self, block: Block, steps: Sequence[Step], sandbox: Sandbox, terminal: Terminal) -> None:
        self._block = block
        self._steps = steps
        self._sandbox = sandbox
        self._terminal = terminal
        self._shows_nothing = not any(step.shown for step in steps)

    def run(self) -> None:
        for number, step in enumerate(self._steps):
            following = self._steps[number + 1 :]
            try:
                self._begin(step)
                if self._block.value("terminal") and not step.key and not any(later.command for later in following):
                    self._compare_beginning(step)
                else:
                    self._compare_all(step)
            except (TimeoutError, NotTrue) as error:
                raise NotTrue(f"{self._block.place}: {step.command or 'then'}\n{error}") from None
            if step.command or step.key:
                is_told = step.key or any(later.asks_status for later in following[:1])
                self._terminal.unexplained = "" if is_told else f"{self._block.place}: {step.command}"
            check_end(self._terminal)

    def _begin(self, step: Step) -> None:
        terminal = self._terminal
        if step.command is not None:
            terminal.wait_for(lambda: terminal.status is not None, "an end of what runs there already")
            terminal.type(self._sandbox.theirs(step.command))
        elif step.key:
            terminal.press(step.key)

    def _compare_beginning(self, step: Step) -> None:
        """It goes on, or has ended: what counts is that the screen shows it. What comes later may be shown later."""
        terminal, match = self._terminal, matcher(step.shown if step.command else ["…", *step.shown])
        terminal.wait_for(lambda: match(self._new_lines) is not None or terminal.status is not None, _text(step.shown))
        seen_count = match(self._new_lines)
        if seen_count is None:
            raise NotTrue(_difference(step, self._new_lines))
        terminal.seen_count += seen_count

    def _compare_all(self, step: Step) -> None:
        terminal = self._terminal
        terminal.wait_for(lambda: terminal.status is not None, "its end")
        lines = self._new_lines
        terminal.seen_count = len(terminal.lines)
        if self._shows_nothing or (step.key and not step.shown):
            return
        expected = step.shown if step.command else ["…", *step.shown]
        if not shows_all(expected, lines, in_any_order="any-order" in self._block.words):
            raise NotTrue(_difference(step, lines))

    @property
    def _new_lines(self) -> list[str]:
        return self._terminal.lines[self._terminal.seen_count :]


def _difference(step: Step, lines: Sequence[str]) -> str:
    return f"--- the page shows\n{_text(step.shown)}\n--- in truth there was\n{_text(lines)}"


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines)
