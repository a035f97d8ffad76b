"""Unpacks Perl's Gearman::Server from its Debian packages, into a cache folder.

The package cannot be installed beside gearman-job-server: both own /usr/sbin/gearmand. So it is downloaded with apt,
which checks it, and unpacked once for all test runs of a user. Needs `apt-get update` to have run before.
"""

import os
import subprocess
import tempfile
from pathlib import Path

PACKAGES = ("gearman-server", "libgearman-client-perl", "libdanga-socket-perl", "libsys-syscall-perl")


def unpacked_server() -> Path:
    """The folder that the packages are unpacked in. The first call of all downloads some 150 kB."""
    root = _cache_folder() / "perl-gearman-server"
    if not root.exists():
        _unpack_into(root)
    return root


def library_path(root: Path) -> str:
    """The value of PERL5LIB with which the unpacked server finds its modules."""
    return ":".join(str(path) for path in (root / "usr/share/perl5", *root.glob("usr/lib/*/perl5")))


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    folder = Path(base) / "gearhorn-tests" if base else Path(tempfile.gettempdir()) / f"gearhorn-tests-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise RuntimeError(f"{folder} belongs to somebody else: its programs will not be run")
    return folder


def _unpack_into(root: Path) -> None:
    # Several test processes may come here at once: each unpacks for itself, the first rename wins.
    with tempfile.TemporaryDirectory(dir=root.parent, ignore_cleanup_errors=True) as scratch:
        _run("apt-get", "download", *PACKAGES, folder=scratch)
        for archive in sorted(Path(scratch).glob("*.deb")):
            _run("dpkg-deb", "-x", str(archive), "root", folder=scratch)
        try:
            (Path(scratch) / "root").rename(root)
        except OSError:
            if not root.exists():
                raise


def _run(*argv: str, folder: str) -> None:
    done = subprocess.run(argv, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr[-2000:]}")
