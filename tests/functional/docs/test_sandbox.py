"""Nothing that a page has started outlasts it."""

from pathlib import Path

import psutil
import pytest

from tests.functional.docs.sandbox import Sandbox

# Redis writes its title where its environment was.
REDIS = "redis-server --daemonize yes --pidfile ~/pid"
LEFT = "setsid sh -c 'echo $$ > ~/pid; cd /; exec tail -f /dev/null' &"


@pytest.mark.parametrize("command", [REDIS, LEFT], ids=["redis", "in another folder"])
def test_what_has_left_its_terminal_is_ended(command: str, tmp_path: Path) -> None:
    with Sandbox(tmp_path / "machine", "nothing runs") as sandbox:
        file = sandbox.home / "pid"
        terminal = sandbox.terminal()
        terminal.type(command)
        terminal.wait_for(lambda: file.exists() and file.read_text().strip(), command)
        pid = int(file.read_text())
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
