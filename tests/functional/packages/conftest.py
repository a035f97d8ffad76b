"""What is shipped, built once for all tests: source package, wheel and Debian package."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.functional.packages.page import commands
from tests.functional.packages.sandbox import Sandbox
from tests.servers.process import find_program
from tests.unit.test_packaging import ROOT, files

# Packages are downloaded, on a machine that may have other things to do.
BUILD_LIMIT_S = 600.0

BuildOnce = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def build_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> BuildOnce:
    """Gives the folder of that name, which is filled at the first time: also if tests run in several processes."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent

    def build(name: str, fill: Callable[[Path], None]) -> Path:
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (shared / f"{name}.done").exists():
                shutil.rmtree(shared / name, ignore_errors=True)  # of a try that failed
                (shared / name).mkdir()
                fill(shared / name)
                (shared / f"{name}.done").touch()
        return shared / name

    return build


def run(*command: str | Path, folder: Path | None = None) -> None:
    """A failure shows what it said."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    # What takes time and makes no difference here.
    environ |= {"GEARHORN_DEB_COMPRESSION": "-Zgzip -z1", "PIP_COMPILE": "0"}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=BUILD_LIMIT_S, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@pytest.fixture(scope="session")
def sdist(build_once: BuildOnce) -> Path:
    """Of the files of the tree, whatever else lies around."""

    def fill(folder: Path) -> None:
        copy = folder / "sources"
        for name in files():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
        backend = f"import setuptools.build_meta as backend; backend.build_sdist({str(folder)!r})"
        run(sys.executable, "-c", backend, folder=copy)
        shutil.rmtree(copy)

    return next(build_once("sdist", fill).glob("gearhorn-*.tar.gz"))


@pytest.fixture(scope="session")
def pip_environment(sdist: Path, build_once: BuildOnce) -> Path:
    """A new virtual environment with what the page says, out of the source package; pip makes the wheel."""

    def fill(folder: Path) -> None:
        shutil.unpack_archive(sdist, folder / "sources", filter="data")
        (sources,) = (folder / "sources").iterdir()
        for command in commands("pip"):
            here = command.replace("python3", sys.executable).replace("/opt/gearhorn", str(folder / "environment"))
            run("sh", "-c", here, folder=sources)
        shutil.rmtree(folder / "sources")

    return build_once("pip", fill) / "environment"


@pytest.fixture(scope="session")
def deb(sdist: Path, build_once: BuildOnce) -> Path:
    find_program("dpkg-buildpackage")
    find_program("dh")

    def fill(folder: Path) -> None:
        run(ROOT / "tools" / "build-deb", sdist, folder)

    return next(build_once("deb", fill).glob("gearhorn_*.deb"))


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "sandbox") as sandbox:
        yield sandbox
