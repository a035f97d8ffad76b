"""How one process tells, of another on the same machine, whether it has ended. Linux only; elsewhere nobody knows."""

import os
from collections.abc import Mapping
from pathlib import Path

# Of the fields of /proc/PID/stat, counted behind the command's closing parenthesis; see proc(5), state and starttime.
_STATE_FIELD = 0
_START_TIME_FIELD = 19
_ENDED = "ZX"  # a zombie is only waited for by its parent

_PID_LIMIT_DIGITS = 9


def mark_of(pid: int) -> dict[str, str]:
    """What names a process among all of all machines and boots; nothing where that cannot be told."""
    try:
        return {
            "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            "pids": str(Path("/proc/self/ns/pid").readlink()),  # processes of another container are not seen from here
            "pid": str(pid),
            "started": _stat(pid)[_START_TIME_FIELD],
        }
    except (OSError, IndexError):
        return {}


def own_mark() -> dict[str, str]:
    return mark_of(os.getpid())


def is_alive(mark: Mapping[str, str]) -> bool | None:
    """None: it cannot be told from here. False is said only of a process that has surely ended."""
    ours = own_mark()
    pid = mark.get("pid", "")
    if not ours or any(mark.get(key) != ours[key] for key in ("boot", "pids")) or "started" not in mark:
        return None
    if not (pid.isdecimal() and len(pid) <= _PID_LIMIT_DIGITS):
        return None
    return _still_runs(int(pid), mark["started"])


def _still_runs(pid: int, started: str) -> bool | None:
    if not _exists(pid):
        return False
    try:
        fields = _stat(pid)
        return fields[_STATE_FIELD] not in _ENDED and fields[_START_TIME_FIELD] == started
    except (OSError, IndexError):  # the processes of other users may be hidden from us
        return None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
