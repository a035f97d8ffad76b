"""How one process tells, of another on the same machine, whether it has ended. Linux only; elsewhere nobody knows."""

import os
from collections.abc import Mapping
from pathlib import Path

# Of the fields of /proc/PID/stat, counted behind the command's closing parenthesis; see proc(5), state and starttime.
_STATE_FIELD = 0
_START_TIME_FIELD = 19
_ENDED = "ZX"  # a zombie is only waited for by its parent


def mark_of(pid: int) -> dict[str, str]:
    """What names a process among all of all machines and boots; nothing where that cannot be told."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        if fields[_STATE_FIELD] in _ENDED:
            return {}
        return {
            "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            "pids": str(Path("/proc/self/ns/pid").readlink()),  # processes of another container are not seen from here
            "pid": str(pid),
            "started": fields[_START_TIME_FIELD],
        }
    except (OSError, IndexError):
        return {}


def own_mark() -> dict[str, str]:
    return mark_of(os.getpid())


def is_alive(mark: Mapping[str, str]) -> bool | None:
    """None: it cannot be told from here."""
    ours = own_mark()
    if not ours or not mark or any(mark.get(key) != ours[key] for key in ("boot", "pids")):
        return None
    return mark_of(int(mark["pid"])) == dict(mark) if mark.get("pid", "").isdigit() else None
