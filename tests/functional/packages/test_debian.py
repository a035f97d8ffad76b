"""The Debian package: installed, used, upgraded, removed and purged, on a copy of this machine."""

import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.functional.packages.page import commands
from tests.functional.packages.sandbox import Sandbox
from tests.functional.test_units import EXPOSURE_LIMIT
from tests.servers.process import free_port
from tests.unit.test_packaging import ROOT

pytestmark = pytest.mark.timeout(900)

UNITS = ("/lib/systemd/system/gearhorn.service", "/lib/systemd/system/gearhorn@.service")
WANTED = "/etc/systemd/system/multi-user.target.wants"


def follow_page(sandbox: Sandbox, step: str) -> None:
    """Types what the page says, as root, who needs no sudo; and yes where apt asks."""
    for command in commands(step):
        print(sandbox.ask(f"cd /tmp/shared; {command.removeprefix('sudo ').replace('apt-get ', 'apt-get --yes ')}"))


def put_down(sandbox: Sandbox, deb: Path) -> None:
    """Where the build leaves it."""
    folder = sandbox.shared / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / deb.name).hardlink_to(deb)


def make_newer(sandbox: Sandbox, deb: Path) -> Path:
    """The same package under the next version."""
    tree = sandbox.shared / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", deb, tree], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: (.*)$", r"Version: \1+next", control.read_text(), flags=re.MULTILINE))
    newer = sandbox.shared / deb.name.replace("_", "_next-", 1)
    build = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, newer]
    subprocess.run(build, check=True, capture_output=True)
    return newer


def pretend_systemd(sandbox: Sandbox) -> None:
    """Notes what it is asked for, and does none of it. In its own place: apt looks nowhere else."""
    sandbox.run(
        "mkdir -p /run/systemd/system; rm -f /usr/sbin/policy-rc.d /usr/bin/systemctl; : >/tmp/shared/asked; "
        "printf '#!/bin/sh\\necho \"$@\" >>/tmp/shared/asked\\n' >/usr/bin/systemctl; "
        "chmod +x /usr/bin/systemctl"
    )


def asked_of_systemd(sandbox: Sandbox) -> list[str]:
    """What has to do with units of ours; forgets it."""
    path = sandbox.shared / "asked"
    lines = path.read_text().splitlines()
    path.write_text("")
    return [re.sub(r"--\S+ ", "", line) for line in lines if "gearhorn" in line and "is-" not in line]


def test_the_version_is_that_of_the_program(deb: Path) -> None:
    told = subprocess.run(["dpkg-deb", "--field", deb, "Version"], capture_output=True, text=True, check=True).stdout
    (version,) = re.findall(r"^version = (.*)$", (ROOT / "setup.cfg").read_text(), flags=re.MULTILINE)
    assert told.strip() == version


def test_the_page_builds_it_as_the_tests_do() -> None:
    (command,) = commands("build")
    plan = subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "tools/build-deb dist/gearhorn-*.tar.gz dist" in plan


def test_it_brings_everything_that_an_operator_needs(deb: Path) -> None:
    listed = subprocess.run(["dpkg-deb", "--contents", deb], capture_output=True, text=True, check=True).stdout
    paths = {line.split()[5].removeprefix(".") for line in listed.splitlines()}
    shared = {f"/usr/{path.relative_to(ROOT)}" for path in (ROOT / "share").rglob("*") if path.is_file()}
    shared = {path.replace("/zsh/site-functions/", "/zsh/vendor-completions/") for path in shared}  # zsh's place here
    pages = {path for path in shared if "/man/" in path}
    expected = {
        *UNITS,
        "/usr/bin/gearhorn",
        "/etc/gearhorn/gearhorn.conf",
        "/usr/share/gearhorn/gearhorn.conf.sample",
        *(f"/usr/share/gearhorn/{path.relative_to(ROOT / 'contrib')}" for path in (ROOT / "contrib").rglob("*.*")),
        "/usr/share/doc/gearhorn/copyright",
        "/usr/share/doc/gearhorn/changelog.gz",
        "/usr/share/doc/gearhorn/README.Debian",
        *(f"{page}.gz" for page in pages),
        *(shared - pages),
    }
    assert expected - paths == set()
    own = [path for path in paths if "/gearhorn" not in path and not path.endswith("/") and path not in shared]
    assert [path for path in own if not path.endswith("/_gearhorn")] == []
    assert [path for path in paths if path.endswith(("/pip", "/direct_url.json"))] == []


def test_it_is_installed_used_upgraded_removed_and_purged(deb: Path, sandbox: Sandbox) -> None:
    pretend_systemd(sandbox)
    put_down(sandbox, deb)
    follow_page(sandbox, "install")
    # Nothing is started or enabled by itself.
    assert asked_of_systemd(sandbox) == []
    assert not sandbox.has(f"{WANTED}/gearhorn.service")
    check_commands(sandbox)
    check_service(sandbox)
    check_units(sandbox)
    follow_page(sandbox, "start")
    assert asked_of_systemd(sandbox) == ["enable gearhorn"]
    # What the service leaves, and the operator.
    sandbox.run(
        "mkdir -p /var/lib/private/gearhorn; ln -s private/gearhorn /var/lib/gearhorn; "
        "echo lists >/var/lib/gearhorn/db; echo '#mine' >>/etc/gearhorn/gearhorn.conf; "
        "echo '[gearman]' >/etc/gearhorn/east.conf; "
        f"mkdir -p {WANTED}; ln -s {UNITS[0]} {WANTED}/gearhorn.service; "
        f"ln -s {UNITS[1]} {WANTED}/gearhorn@east.service"
    )
    put_down(sandbox, make_newer(sandbox, deb))
    follow_page(sandbox, "upgrade")
    assert asked_of_systemd(sandbox) == ["try-restart gearhorn.service", "try-restart gearhorn@*.service"]
    assert "+next" in sandbox.ask("dpkg-query --show gearhorn")
    check_is_kept(sandbox)
    follow_page(sandbox, "remove")
    assert asked_of_systemd(sandbox) == ["stop gearhorn.service gearhorn@*.service"]
    assert [path for path in (*UNITS, "/usr/bin/gearhorn", "/usr/lib/gearhorn") if sandbox.has(path)] == []
    check_is_kept(sandbox)
    follow_page(sandbox, "purge")
    left = sandbox.ask("find /etc /lib/systemd /usr /var -xdev -name '*gearhorn*' 2>/dev/null || true").split()
    assert left == []


def check_commands(sandbox: Sandbox) -> None:
    """The variables and packages of whoever calls it do not get in."""
    sandbox.run("mkdir /tmp/other; echo 'raise SystemExit(9)' >/tmp/other/rich.py")
    (version,) = re.findall(r"^version = (.*)$", (ROOT / "setup.cfg").read_text(), flags=re.MULTILINE)
    assert sandbox.ask("PYTHONPATH=/tmp/other gearhorn --version") == f"gearhorn {version}\n"
    client = "import gearhorn.client, sys; print(gearhorn.client.__file__)"
    assert sandbox.ask(f"cd /; /usr/lib/gearhorn/bin/python -c '{client}'").startswith("/usr/lib/gearhorn/lib/")


def check_service(sandbox: Sandbox) -> None:
    """As a user without rights, who can write nowhere but to the state."""
    port = free_port()
    user = "setpriv --reuid=65534 --regid=65534 --clear-groups"
    sandbox.run("mkdir /tmp/data; chown 65534:65534 /tmp/data")
    process = sandbox.serve(f"exec {user} gearhorn standalone --port {port} --data-dir /tmp/data", " ready: ")
    try:
        commands = (
            f"subscribe news bob --gearman 127.0.0.1:{port}",
            "subscribers news --store sqlite:////tmp/data/gearhorn.db",
        )
        told = [sandbox.ask(f"gearhorn {command} --json") for command in commands]
        assert '"client_id": "bob"' in told[1]
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def check_units(sandbox: Sandbox) -> None:
    for unit in UNITS:
        instance = unit.replace("@.", "@east.")
        verify = f"systemd-analyze verify --man=no --recursive-errors=no {instance} 2>&1 | grep gearhorn || true"
        assert sandbox.ask(verify) == ""
        sandbox.run(f"systemd-analyze security --offline=yes --threshold={EXPOSURE_LIMIT} {unit}")


def check_is_kept(sandbox: Sandbox) -> None:
    """Lists and settings."""
    assert sandbox.ask("cat /var/lib/gearhorn/db; tail -n 1 /etc/gearhorn/gearhorn.conf") == "lists\n#mine\n"
    assert sandbox.has("/etc/gearhorn/east.conf")
