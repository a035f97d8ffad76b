"""The keys file on disk: who may read it, and when it is read again."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from gearhorn.clock import steady_s
from gearhorn.errors import Misconfigured
from gearhorn.logs.event import log_for
from gearhorn.logs.events.signing import KEYS_READ, KEYS_UNREAD
from gearhorn.signing.keys import Keys, parse_keys

log = log_for(__name__)

# What is read once is not looked at again sooner.
LOOK_INTERVAL_S = 1.0

# Others may not read the secrets, and neither they nor the group may put keys in. The group may read: files of root
# for a service's group, and the credentials of systemd, are like that.
_TOO_OPEN = stat.S_IWGRP | stat.S_IRWXO

# By these a file that was changed, or put into another's place, differs from what it was.
_Mark = tuple[int, int, int]


class KeyFile:
    """The keys of the file at `path`. Read when this is made: raises Misconfigured then, and later only in the log.

    `credentials` is the folder where systemd puts a unit's credentials, where names without a slash are looked for
    first.
    """

    def __init__(self, path: str, credentials: str = "", now_s: Callable[[], float] = steady_s) -> None:
        self._path = _found(path, Path(), credentials)
        self._credentials = credentials
        self._now_s = now_s
        self._looked_s = now_s()
        self._marks: dict[Path, _Mark | None] = {}
        self._keys = self._read()

    def keys(self) -> Keys:
        """As the file has them now, or had within the last second; or had last, if it cannot be read now."""
        if self._now_s() - self._looked_s >= LOOK_INTERVAL_S:
            self._looked_s = self._now_s()
            if any(_mark(path) != mark for path, mark in self._marks.items()):
                self._read_again()
        return self._keys

    def _read_again(self) -> None:
        try:
            self._keys = self._read()
        except Misconfigured as error:
            log.say(KEYS_UNREAD, error=error)
        else:
            log.say(KEYS_READ, key_ids=", ".join(sorted(self._keys)) or "none")

    def _read(self) -> Keys:
        self._marks = {self._path: _mark(self._path)}  # before it is read: what changes meanwhile is seen next time
        try:
            return parse_keys(_read_closed(self._path), self._read_secret)
        except Misconfigured as error:
            raise Misconfigured(f"the keys file {self._path}: {error}") from None

    def _read_secret(self, name: str) -> str:
        path = _found(name, self._path.parent, self._credentials)
        self._marks[path] = _mark(path)
        return _read_closed(path)


def _found(name: str, folder: Path, credentials: str) -> Path:
    if credentials and "/" not in name and (Path(credentials) / name).exists():
        return Path(credentials) / name
    return folder / name


def _read_closed(path: Path) -> str:
    """The text of a file that only its owner and group can read. Raises Misconfigured."""
    try:
        with path.open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & _TOO_OPEN:
                raise Misconfigured(f"{path} can be read by others, or written by its group: chmod 600 {path}")
            return file.read()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Misconfigured(f"{path} is not text in UTF-8") from None


def _mark(path: Path) -> _Mark | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
