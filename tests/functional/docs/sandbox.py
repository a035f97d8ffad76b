"""A machine of its own for each page: a home, a folder to be in, programs, and what runs when the page begins.

What runs is told by the page, `<!-- snippets: gearmand redis worker -->`:

    standalone    `gearhorn standalone`; this is what runs when a page says nothing
    gearmand, redis, worker    each of them as a server of its own; the worker takes what there is of the others
    nothing runs  the page begins with an idle machine

The usual ports are replaced by free ones, and folders such as /etc/gearhorn by ones in the sandbox, in what is typed
and in files; in what is shown they are put back.
"""

import contextlib
import os
import re
import shlex
import socket
import stat
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import psutil

from tests.functional.docs.terminal import Terminal
from tests.servers.ports import PortReservation
from tests.servers.process import accepts_connections, find_program
from tests.servers.standalone import clean_environment

# Gearman servers, Redis and its sentinels, memcached, the worker's metrics and other pages.
PORTS = (4730, 4731, 4732, 6379, 6380, 6381, 26379, 26380, 26381, 11211, 9473, 9474, 9475, 8073)
FOLDERS = ("/etc/gearhorn", "/etc/myapp", "/var/lib/gearhorn", "/var/lib/redis", "/var/cache/myapp", "/srv/myapp")

_PORT = re.compile(rf"(?<![\d.])({'|'.join(map(str, PORTS))})(?!\d|\.\d)")
_FOLDER = re.compile(rf"(?<![\w.])({'|'.join(FOLDERS)})(?!\w)")
_MARK = "GEARHORN_SANDBOX"

# What programs are told that on a usual machine they need not be told.
_WRAPPED = {
    "gearhorn": """
        case "$1" in
            standalone) shift; exec {python} -m gearhorn standalone --port {4730} "$@" ;;
            *) exec {python} -m gearhorn "$@" ;;
        esac""",
    "gearmand": """
        case "$*" in
            *--port*) exec {gearmand} --listen=127.0.0.1 {user} "$@" ;;
            *) exec {gearmand} --listen=127.0.0.1 --port={4730} --log-file=stderr {user} "$@" ;;
        esac""",
    "gearman": 'exec {gearman} -p {4730} "$@"',
    "gearadmin": 'exec {gearadmin} --port={4730} "$@"',
    "redis-server": """
        case "$1" in
            -*|'') exec {redis-server} --bind 127.0.0.1 --port {6379} --save '' --repl-diskless-sync-delay 0 "$@" ;;
            *) exec {redis-server} "$@" ;;
        esac""",
    "redis-cli": 'exec {redis-cli} -p {6379} "$@"',
}

_STARTS = {
    "standalone": ("gearhorn standalone", " ready: "),
    "gearmand": ("gearmand", ""),
    "redis": ("redis-server", "Ready to accept connections"),
    "worker": ("gearhorn worker", " ready: "),
}


def place(text: str, own: Callable[[str], str]) -> str:
    """With folders of the system replaced by those that `own` has for them."""
    return _FOLDER.sub(lambda found: own(found[1]), text)


class Sandbox:
    """Ends everything that was started in it, however it was put aside."""

    def __init__(self, folder: Path, runs: str = "") -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self._ports = {usual: PortReservation() for usual in PORTS}
        self._runs = [] if runs == "nothing runs" else (runs or "standalone").split()
        self._terminals: dict[str, Terminal] = {}
        self._write_programs()
        self._write_settings()
        for name in FOLDERS:
            (folder / name[1:]).mkdir(parents=True)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self.close)
            for name in self._runs:
                self._start(name)
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._end_programs()
        for terminal in self._terminals.values():
            terminal.close()
        for port in self._ports.values():
            port.release()

    @property
    def environ(self) -> Mapping[str, str]:
        path = [str(self.folder / "bin"), str(Path(sys.executable).parent), clean_environment(self.home)["PATH"]]
        return {
            **clean_environment(self.home),
            "PATH": ":".join([*path, "/usr/sbin"]),
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "GEARMAN_SERVERS": f"localhost:{self._ports[4730].port}",
            "OS_METRICS__LISTEN": f"127.0.0.1:{self._ports[9473].port}",
            "OS_MATCHMAKING__LEASE_TTL": "3",  # what comes after a loss comes sooner
            "TERM": "xterm",
            "NO_COLOR": "1",
            "COLUMNS": "100",
            "LINES": "50",
            "HOSTNAME": "myhost",
            _MARK: str(self.folder),
        }

    def theirs(self, text: str) -> str:
        """What a page says, as it has to be said here."""
        text = _PORT.sub(lambda found: str(self._ports[int(found[1])].port), text)
        return place(text, lambda folder: f"{self.folder}{folder}")

    def ours(self, text: str) -> str:
        """What is shown here, as a page would say it."""
        usual = {str(port.port): str(number) for number, port in self._ports.items()}
        text = re.sub(rf"(?<!\d)({'|'.join(usual)})(?!\d)", lambda found: usual[found[1]], text)
        text = text.replace(str(self.home), "~").replace(str(self.folder), "")
        text = re.sub(rf"(?<![\w.-]){re.escape(socket.gethostname())}(?![\w.-])", "myhost", text)
        # where another port is not the usual one, or the program has no name of its own, it says so
        text = re.sub(r"(?<=\w) --gearman 127\.0\.0\.1:4730", "", text)
        return re.sub(r"\S*/gearhorn/__main__\.py", "gearhorn", text)

    def terminal(self, name: str = "") -> Terminal:
        if name not in self._terminals:
            self._terminals[name] = Terminal(self.home, self.environ, self.ours)
        return self._terminals[name]

    @property
    def terminals(self) -> Collection[Terminal]:
        return self._terminals.values()

    def has(self, terminal: str) -> bool:
        return terminal in self._terminals

    def _start(self, name: str) -> None:
        command, sign = _STARTS[name]
        terminal = self.terminal(f"[{name}]")
        terminal.type(command)
        if name == "gearmand":  # which says nothing
            terminal.wait_for(lambda: accepts_connections(self._ports[4730].port), command)
        else:
            terminal.wait_for(lambda: any(sign in line for line in terminal.lines) or terminal.status, command)
        assert terminal.status is None, terminal.lines

    def _write_settings(self) -> None:
        store = f"redis://localhost:{self._ports[6379].port}" if "redis" in self._runs else ""
        (self.home / ".gearhorn").mkdir()
        (self.home / ".gearhorn/gearhorn.conf").write_text(f"[store]\nurl = {store}\n" if store else "")

    def _write_programs(self) -> None:
        (self.folder / "bin").mkdir()
        words = {str(usual): str(port.port) for usual, port in self._ports.items()}
        words |= {"python": shlex.quote(sys.executable), "user": "--user=root" if os.geteuid() == 0 else ""}
        for name, script in _WRAPPED.items():
            for word in re.findall(r"\{([\w-]+)\}", script):
                script = script.replace(f"{{{word}}}", words.get(word) or ("" if word in words else find_program(word)))
            program = self.folder / "bin" / name
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def _end_programs(self) -> None:
        """Not by name: others run the same ones."""
        while found := [process for process in psutil.process_iter() if self._is_ours(process)]:
            for process in found:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            psutil.wait_procs(found, timeout=1)

    def _is_ours(self, process: psutil.Process) -> bool:
        """Redis writes its title over its environment. What it keeps is where it is."""
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return process.environ().get(_MARK) == str(self.folder) or Path(process.cwd()).is_relative_to(self.folder)
        return False
