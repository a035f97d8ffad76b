"""Source package and wheel: whole, and enough for an empty environment."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.servers.process import ServerProcess, free_port
from tests.servers.standalone import READY, clean_environment
from tests.unit.test_packaging import files

pytestmark = pytest.mark.timeout(900)

# Of use in a checkout only.
NOT_SHIPPED = {".gitignore"}


def test_the_source_package_has_every_file_of_the_tree(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        shipped = {name.partition("/")[2] for name in archive.getnames()}
    assert {name.as_posix() for name in files()} - shipped - NOT_SHIPPED == set()


def test_the_wheel_is_all_that_an_empty_environment_needs(pip_environment: Path, tmp_path: Path) -> None:
    command, environ = pip_environment / "bin" / "gearhorn", clean_environment(tmp_path)
    environ.pop("PYTHONPATH", None)
    done = subprocess.run([command, "--version"], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("gearhorn ")
    check = [sys.executable, "-m", "pip", "--python", str(pip_environment / "bin" / "python"), "check"]
    told = subprocess.run(check, env=environ, capture_output=True, text=True, check=False).stdout
    assert told == "No broken requirements found.\n"
    port = free_port()
    service = Service([str(command), "standalone", f"--port={port}", f"--data-dir={tmp_path}"], port, tmp_path, environ)
    try:
        service.start()
        subscribe = [command, "subscribe", "news", "bob", f"--gearman=127.0.0.1:{port}"]
        subprocess.run(subscribe, env=environ, capture_output=True, check=True, timeout=60)
    finally:
        service.stop()


class Service(ServerProcess):
    def is_ready(self) -> bool:
        return READY in self.log


def test_the_wheel_brings_units_settings_man_pages_and_completion(pip_environment: Path) -> None:
    share = pip_environment / "share"
    for name in ("gearhorn/gearhorn.conf.sample", "gearhorn/systemd/gearhorn.service", "man/man1/gearhorn.1"):
        assert (share / name).is_file()
    for name in ("bash-completion/completions/gearhorn", "zsh/site-functions/_gearhorn"):
        assert (share / name).is_file()
