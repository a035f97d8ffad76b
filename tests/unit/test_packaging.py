"""What is shipped, and what is said of it: the wheel, the installed package, bindep.txt, the text of the files."""

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

import gearhorn

ROOT = Path(__file__).parents[2]
MADE_BY_TOOLS = re.compile(r"(^|/)(\.(?!ci)[^/]+|__pycache__|build|dist|[^/]+\.egg-info)/")

# The Debian package of each program that a test or a benchmark looks for.
PACKAGE_OF_PROGRAM = {
    "cc": "gcc",
    "dh": "debhelper",
    "dpkg-buildpackage": "dpkg-dev",
    "chromium": "chromium",
    "epmd": "erlang-base",
    "gcc": "gcc",
    "gearadmin": "gearman-tools",
    "gearman": "gearman-tools",
    "gearmand": "gearman-job-server",
    "groff": "groff-base",
    "memcached": "memcached",
    "nsenter": "util-linux",
    "nginx": "nginx-light",
    "nats-server": "nats-server",
    "openssl": "openssl",
    "perl": "libgearman-client-perl",
    "php": "php-cli",
    "promtool": "prometheus",
    "rabbitmq-server": "rabbitmq-server",
    "redis-sentinel": "redis-sentinel",
    "redis-server": "redis-server",
    "systemd-analyze": "systemd",
    "unshare": "util-linux",
    "zsh": "zsh",
}
# Asked for where it is installed, but not needed: the tests look for it by themselves or bring it along.
NOT_FROM_DEBIAN = {"geard"}


def files() -> list[Path]:
    """Every file of the tree that is not made by a tool."""
    names = [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file()]
    return sorted(name for name in names if not MADE_BY_TOOLS.search(name.as_posix()))


# What the build of a wheel reads.
PACKED = ("gearhorn", "etc", "share", "contrib", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from a copy, so that nothing is left in the tree and nothing stale comes from there."""
    copy, out = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    for name in files():
        if name.parts[0] in PACKED:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    build = f"import setuptools.build_meta as backend; backend.build_wheel({str(out)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=copy, capture_output=True, text=True, check=True)
    (path,) = out.iterdir()
    return zipfile.ZipFile(path)


def test_every_file_of_the_package_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    shipped = {name for name in wheel.namelist() if name.startswith("gearhorn/")}
    assert shipped == {name.as_posix() for name in files() if name.parts[0] == "gearhorn"}


def test_what_belongs_beside_the_package_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    """Units, settings, rules and dashboards for other programs, man pages, completion."""
    shipped = {Path(name).name for name in wheel.namelist() if ".data/data/share/" in name}
    assert shipped == {name.name for name in files() if name.parts[0] in ("etc", "contrib", "share")}


def test_tests_import_the_package_that_is_installed() -> None:
    # the sources have metadata too once something was built of them: only what pip installed has a RECORD
    (installed,) = [found for found in metadata.distributions(name="gearhorn") if found.read_text("RECORD")]
    listed = [name for name in installed.files or [] if name.as_posix() == "gearhorn/__init__.py"]
    expected = Path(str(listed[0].locate())) if listed else ROOT / "gearhorn" / "__init__.py"  # editable: the sources
    assert Path(gearhorn.__file__).resolve() == expected.resolve()


@pytest.mark.parametrize("group", ["console_scripts", "oslo.config.opts"])
def test_what_the_entry_points_name_is_there(group: str) -> None:
    entries = [entry for entry in metadata.entry_points(group=group) if entry.value.startswith("gearhorn.")]
    assert [callable(entry.load()) for entry in entries] == [True]


def programs_sought(source: str) -> Iterator[str]:
    """The programs that a test file asks find_program for, by name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "find_program":
            yield from (word.value for word in node.args if isinstance(word, ast.Constant))


def packages_of(bindep: str, profile: str = "") -> list[str]:
    """Those of all lines, or of those that name the profile in their brackets."""
    lines = [line.split() for line in bindep.splitlines() if line.strip() and not line.startswith("#")]
    return [name for name, *profiles in lines if not profile or profile in " ".join(profiles).strip("[]").split()]


@pytest.mark.parametrize(("folder", "profile"), [("tests", "test"), ("benchmarks", "bench")])
def test_every_program_that_is_looked_for_is_of_a_package_in_bindep(folder: str, profile: str) -> None:
    sources = [name for name in files() if name.parts[0] == folder and name.suffix == ".py"]
    sought = {program for name in sources for program in programs_sought((ROOT / name).read_text())} - NOT_FROM_DEBIAN
    assert "redis-server" in sought
    assert sought - PACKAGE_OF_PROGRAM.keys() == set(), "add these to the table of this test"
    packages = packages_of((ROOT / "bindep.txt").read_text(), profile)
    assert {PACKAGE_OF_PROGRAM[program] for program in sought} <= set(packages)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [([], ["both", "one"]), (["--profile", "bench"], ["both", "other"]), (["this", "that"], ["this", "that"])],
)
def test_packages_are_installed_by_profile(tmp_path: Path, arguments: list[str], expected: list[str]) -> None:
    """The tool is given a list of its own, and a dpkg-query that notes what it is asked for."""
    for folder in ("tools", "bin"):
        (tmp_path / folder).mkdir()
    shutil.copy(ROOT / "tools" / "install-debian-packages", tmp_path / "tools")
    (tmp_path / "bindep.txt").write_text("# none [test]\nboth [test bench]\none [test]  # [bench]\n\nother [bench]\n")
    for program, script in (("dpkg-query", f'echo "$4" >>{tmp_path}/asked; printf installed'), ("apt-get", "true")):
        (tmp_path / "bin" / program).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / program).chmod(0o755)
    command = [str(tmp_path / "tools" / "install-debian-packages"), *arguments]
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    subprocess.run(command, env={"PATH": path}, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert (tmp_path / "asked").read_text().split() == expected


def test_bindep_names_no_package_twice() -> None:
    packages = packages_of((ROOT / "bindep.txt").read_text())
    assert len(packages) == len(set(packages))


def machine_paths_in(text: str) -> list[str]:
    """What only means something on the machine where it was written."""
    places = {str(ROOT), str(Path.home()), sys.prefix, sys.base_prefix} - {"/", "/usr", "/usr/local"}
    anywhere = "|".join(re.escape(place) for place in places)
    return re.findall(rf"(?<![\w.-])(?:{anywhere}|/root|/home/\w+|/Users/\w+)(?=[/\"'\s]|$)", text)


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    texts = {name: (ROOT / name).read_text(errors="replace") for name in files()}
    found = {str(name): places for name, text in texts.items() if (places := machine_paths_in(text))}
    assert found == {}


@pytest.mark.parametrize("place", [f"{ROOT}/setup.cfg", f"{'/home'}/jo/gearhorn", f"{sys.prefix}/bin/python"])
def test_a_place_on_somebodys_machine_is_noticed(place: str) -> None:
    assert machine_paths_in(f"see {place} there") != []
