"""This machine as it is, for commands that change it: nothing of what they do is left.

A mount namespace of its own, in which an overlay on tmpfs stands before the root file system. For anybody but root in a
user namespace as well.
"""

import os
import subprocess
from pathlib import Path
from typing import Self

from tests.servers.process import find_program, wait_until

LIMIT_S = 120.0

# Mounts are not part of an overlay: it has what the commands need, and an empty /run, so that nobody asks systemd. Of
# /dev there are single devices: one that is mounted cannot be removed, here or there.
_SET_UP = """
set -e
base=$1 shared=$2
mount -t tmpfs tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$base/root"
mount -t tmpfs tmpfs "$base/root/dev"
for name in full null random tty urandom zero; do
    : >"$base/root/dev/$name"
    mount --bind "/dev/$name" "$base/root/dev/$name"
done
ln -s /proc/self/fd "$base/root/dev/fd"
mount --rbind /proc "$base/root/proc"
mount -t tmpfs tmpfs "$base/root/run"
mount -t tmpfs tmpfs "$base/root/tmp"
mkdir "$base/root/tmp/shared"
mount --bind "$shared" "$base/root/tmp/shared"
touch "$base/root/tmp/is-sandbox"
echo up
exec sleep infinity
"""


class Sandbox:
    """`shared` is the same folder here and, as /tmp/shared, in there."""

    def __init__(self, folder: Path) -> None:
        self._base, self.shared = folder / "base", folder / "shared"
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        for folder in (self._base, self.shared):
            folder.mkdir(parents=True)
        own_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        command = [find_program("unshare"), *own_user, "--mount", "--propagation", "private"]
        self._process = subprocess.Popen(
            [*command, "sh", "-c", _SET_UP, "sh", str(self._base), str(self.shared)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "up\n":
            assert self._process.stderr is not None
            raise RuntimeError(f"no sandbox can be had here: {self._process.stderr.read()}")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.communicate()

    def run(self, script: str, *, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """A shell script, in there as root."""
        done = subprocess.run(
            self._inside(script), capture_output=True, text=True, timeout=LIMIT_S, env=_ENVIRON, check=False
        )
        assert not check or done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done

    def ask(self, script: str) -> str:
        return self.run(script).stdout

    def has(self, path: str) -> bool:
        return self.run(f"test -e {path} -o -L {path}", check=False).returncode == 0

    def serve(self, script: str, sign: str) -> "subprocess.Popen[str]":
        """Starts what goes on; returns when its log, /tmp/shared/log, has the sign."""
        log = self.shared / "log"
        process = subprocess.Popen(self._inside(f"exec >/tmp/shared/log 2>&1; {script}"), env=_ENVIRON, text=True)
        wait_until(
            lambda: (log.exists() and sign in log.read_text()) or process.poll() is not None, f"{sign!r} in the log"
        )
        assert process.poll() is None, log.read_text()
        return process

    def _inside(self, script: str) -> list[str]:
        """Refuses to run anywhere else."""
        assert self._process is not None
        own_user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        enter = [find_program("nsenter"), "--target", str(self._process.pid), "--mount", *own_user]
        chroot = ["chroot", str(self._base / "root"), "sh", "-e", "-c"]
        return [*enter, *chroot, f"test -e /tmp/is-sandbox\n{script}"]


# Not our own: whoever installs a package has no virtual environment.
_ENVIRON = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/tmp",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
}
