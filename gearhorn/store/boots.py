"""Which start of this machine it is: the clock that leases go by counts from there."""

from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # https://man7.org/linux/man-pages/man4/random.4.html


def boot_id() -> str:
    """Another one after each start of the machine. Always the same where the kernel does not tell: not on Linux."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else "unknown"
