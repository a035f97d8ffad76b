"""A page that is not true is found out: what would be wrong on a page, and what is not."""

from pathlib import Path

import pytest

from tests.functional.docs.pages import Page
from tests.functional.docs.session import NotTrue
from tests.functional.docs.walk import walk

NOTHING = "<!-- snippets: nothing runs -->\n\n"


def fenced(info: str, *lines: str) -> str:
    return "\n".join([f"```{info}", *lines, "```", ""])


def follow(text: str, folder: Path) -> None:
    walk(Page.of("page.md", text), folder / "machine")


TRUE = {
    "a command and what it shows": fenced("console", "$ echo one", "one"),
    "a command that shows nothing": fenced("console", "$ true", "$ echo one", "one"),
    "commands to paste": fenced("console", "$ echo one", "$ echo two"),
    "left out": fenced("console", "$ seq 5", "1", "…", "5"),
    "left out within a line": fenced("console", "$ echo one two three", "one … three"),
    "a folder that is kept from one block to the next": fenced("console", "$ cd /tmp")
    + fenced("console", "$ pwd", "/tmp"),
    "a status that is told": fenced("console", "$ false", "$ echo $?", "1"),
    "a command of two lines": fenced("console", "$ echo one \\", "    two", "one two"),
    "a text in quotes": fenced("console", "$ echo 'one", "> two'", "one", "two"),
    "a heredoc": fenced("console", "$ cat > file <<'END'", "one", "END", "$ cat file", "one"),
    "a program that is run": fenced("php", "<?php // hello.php", "echo 'hello', PHP_EOL;")
    + fenced("console", "$ php hello.php", "hello"),
    "a program without a name": fenced("python", "print('hello')"),
    "a script": fenced("sh", "for i in 1 2; do echo $i; done"),
    "an end by Ctrl-C": fenced("console terminal=two", "$ sleep 100", "^C"),
    "what goes on elsewhere": fenced("console terminal=two", "$ tail -f /dev/null --pid=$$")
    + fenced("console", "$ echo one", "one"),
    "what comes later elsewhere": fenced("console", "$ mkfifo pipe")
    + fenced("console terminal=two", "$ echo up && cat pipe", "up")
    + fenced("console", "$ echo one > pipe")
    + fenced("console terminal=two", "one"),
    "a progress bar that is gone": fenced("console", r"$ printf 'bar\r\033[2K\033[1Aone\n'", "one"),
    "the usual port": fenced("console", "$ echo localhost:4730", "localhost:4730"),
    "the usual folder": fenced("console", "$ touch /etc/gearhorn/x", "$ ls /etc/gearhorn/*", "/etc/gearhorn/x"),
    "a moment": fenced("console", "$ date +'%F %T'", "2026-11-22 06:00:00"),
    "options": fenced("ini", "[reaper]", "policy = report"),
    "a unit": fenced("systemd", "[Service]", "LoadCredential=redis:/etc/redis"),
    "what cannot be run": fenced("sh no-test: there is no systemd to start it", "systemctl start x"),
    "text": fenced("text", "anything"),
}

UNTRUE = {
    "another output": fenced("console", "$ echo one", "two"),
    "an output that is not there": fenced("console", "$ true", "one"),
    "more than is shown": fenced("console", "$ seq 2", "1"),
    "less than is shown": fenced("console", "$ seq 2", "1", "2", "3"),
    "an output that is not shown beside one that is": fenced("console", "$ echo one", "$ echo two", "two"),
    "a command that fails": fenced("console", "$ false"),
    "a command that is not there": fenced("console", "$ gearhron topics"),
    "another status": fenced("console", "$ false", "$ echo $?", "2"),
    "a command that fails elsewhere": fenced("console terminal=two", "$ false"),
    "a script that fails": fenced("sh", "false", "true"),
    "a session without commands": fenced("console", "one"),
    "a program that fails": fenced("python", "import gearhron"),
    "a program that nobody runs": fenced("php", "<?php // hello.php", "echo 'hello';"),
    "PHP that is none": fenced("php", "echo 'hello"),
    "Perl that is none": fenced("perl", "no_such_function('hello');"),
    "C that is none": fenced("c", "int main(void) { return nothing; }"),
    "JavaScript that is none": fenced("js", "noSuchFunction()"),
    "an option that is none": fenced("ini", "[reaper]", "polcy = report"),
    "a value that is none": fenced("ini", "[reaper]", "policy = rapport"),
    "a unit that is none": fenced("systemd", "[Servce]", "User=x"),
    "a unit with a line that is none": fenced("systemd", "[Service]", "User"),
    "JSON that is none": fenced("json", "{'topic': 1}"),
    "lines of JSON that are none": fenced("jsonl", "{}", "{"),
    "TOML that is none": fenced("toml", "a = b"),
    "YAML that is none": fenced("yaml", "a: b: c"),
    "commands as text": fenced("text", "$ gearhorn topics"),
    "a language without a rule": fenced("cobol", "STOP RUN."),
    "no language": fenced("", "gearhorn topics"),
    "a directive that hides code": fenced("{code-block} console", "$ false"),
    "an indented block": "Text:\n\n    gearhorn topics\n",
    "a change of the machine": fenced("console", "$ sudo true"),
    "a change of the machine in a script": fenced("sh", "true && systemctl --version"),
    "a file elsewhere": fenced("console", "$ echo one > /etc/nothing"),
    "a copy elsewhere": fenced("sh", "false && cp x /usr/local/bin/"),
    "a program elsewhere": fenced("python", "# /etc/nothing.py", "") + fenced("console", "$ python /etc/nothing.py"),
    "no reason": fenced("sh no-test:", "false"),
    "a test that is not there": fenced("sh tested-by=tests/functional/test_nothing.py", "false"),
    "a test that is about something else": fenced("sh tested-by=tests/functional/limits/test_jobs.py", "false"),
}


@pytest.mark.parametrize("text", TRUE.values(), ids=TRUE)
def test_a_page_is_true(text: str, tmp_path: Path) -> None:
    follow(NOTHING + text, tmp_path)


@pytest.mark.parametrize("text", UNTRUE.values(), ids=UNTRUE)
def test_a_page_is_not_true(text: str, tmp_path: Path) -> None:
    with pytest.raises(NotTrue, match=r"page\.md:\d"):
        follow(NOTHING + text, tmp_path)
