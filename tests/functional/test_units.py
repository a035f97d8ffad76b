"""The systemd units: accepted by systemd, closed tight, and saying what the daemon does."""

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gearhorn.cmd import exits
from gearhorn.daemon.settings import DaemonSettings
from gearhorn.store.opening import StoreSettings
from tests.servers.gearman import Gearmand
from tests.servers.process import find_program, wait_until

FOLDER = Path(__file__).parents[2] / "etc" / "systemd"
SINGLE = FOLDER / "gearhorn.service"
TEMPLATE = FOLDER / "gearhorn@.service"
# What makes an instance one. Everything else is the same in both units.
OF_AN_INSTANCE = {"Description", "ExecStart", "Environment", "SyslogIdentifier"}
# The exposure that systemd-analyze may find at most, times ten. It is what systemd 252 finds in what we cannot do
# without: the network, the host's folders, Unix sockets of a store, state that the group may read.
EXPOSURE_LIMIT = 11

both_units = pytest.mark.parametrize("unit", [SINGLE, TEMPLATE], ids=lambda unit: unit.name)


def settings_of(unit: Path) -> list[tuple[str, str]]:
    """Keys and values in the order of the file. A key may come several times."""
    text = unit.read_text().replace("\\\n", " ")
    return re.findall(r"^(\w+)=(.*)$", text, flags=re.MULTILINE)


def setting(unit: Path, key: str) -> str:
    (value,) = [value for found, value in settings_of(unit) if found == key]
    return value


def installed(unit: Path, folder: Path, old: str = "", new: str = "") -> Path:
    """A copy of the unit, a template as instance `east`, that finds the command; with one change if asked to."""
    command = folder / "gearhorn"
    command.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    command.chmod(0o755)
    text = unit.read_text().replace("=gearhorn worker", f"={command} worker")
    assert old in text
    copy = folder / unit.name.replace("@.", "@east.")
    copy.write_text(text.replace(old, new) if old else text)
    return copy


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find_program("systemd-analyze"), "--no-pager", *arguments], capture_output=True, text=True, check=False
    )


def complaints_about(unit: Path) -> list[str]:
    """What systemd says about this unit. What is wrong with others of the machine does not count."""
    done = analyze("verify", "--man=no", "--recursive-errors=no", unit)
    return [line for line in (done.stdout + done.stderr).splitlines() if unit.parent.name in line or unit.name in line]


@both_units
def test_systemd_accepts_the_unit_without_a_word(unit: Path, tmp_path: Path) -> None:
    assert complaints_about(installed(unit, tmp_path)) == []


@both_units
def test_the_lines_that_are_off_are_right_as_well(unit: Path, tmp_path: Path) -> None:
    copy = installed(unit, tmp_path)
    text, count = re.subn(r"^#(?=\w+=)", "", copy.read_text(), flags=re.MULTILINE)
    copy.write_text(text)
    assert count == 5
    assert complaints_about(copy) == []


@both_units
@pytest.mark.parametrize(
    ("old", "new"),
    [("TimeoutStopSec=", "TimeoutStop="), ("Type=notify", "Type=notified"), ("[Install]", "[Instal]")],
    ids=["unknown key", "unknown value", "unknown section"],
)
def test_systemd_complains_about_a_unit_with_a_slip(unit: Path, old: str, new: str, tmp_path: Path) -> None:
    assert complaints_about(installed(unit, tmp_path, old, new)) != []


def test_systemd_complains_about_a_command_that_is_not_there(tmp_path: Path) -> None:
    copy = installed(SINGLE, tmp_path)
    (tmp_path / "gearhorn").unlink()
    assert complaints_about(copy) != []


@both_units
def test_a_reload_is_the_signal_that_the_service_heeds_on_every_systemd(unit: Path) -> None:
    """systemd 252 has no Type=notify-reload, which would send it by itself: see doc/reload.md."""
    assert setting(unit, "Type") == "notify"
    assert setting(unit, "ExecReload") == "/bin/kill -HUP $MAINPID"
    page = (FOLDER.parents[1] / "doc/reload.md").read_text()
    assert setting(unit, "ExecReload") in page


@both_units
def test_the_unit_gives_the_service_no_more_rights_than_it_needs(unit: Path, tmp_path: Path) -> None:
    copy = installed(unit, tmp_path)
    done = analyze("security", "--offline=yes", f"--threshold={EXPOSURE_LIMIT}", copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "line",
    ["CapabilityBoundingSet=", "SystemCallFilter=@system-service", "RestrictNamespaces=yes", "PrivateMounts=yes"],
)
def test_a_protection_taken_out_is_noticed(line: str, tmp_path: Path) -> None:
    copy = installed(SINGLE, tmp_path, f"{line}\n", "")
    done = analyze("security", "--offline=yes", f"--threshold={EXPOSURE_LIMIT}", copy)
    assert done.returncode != 0, done.stdout


def test_an_instance_differs_from_the_single_service_by_its_name_and_settings_only() -> None:
    def common(unit: Path) -> list[tuple[str, str]]:
        return [pair for pair in settings_of(unit) if pair[0] not in OF_AN_INSTANCE]

    assert common(TEMPLATE) == common(SINGLE)


@both_units
def test_systemd_waits_longer_for_the_end_than_the_drain_takes(unit: Path) -> None:
    assert int(setting(unit, "TimeoutStopSec")) > DaemonSettings().drain_timeout_s


@both_units
def test_systemd_never_gives_up_on_a_service_that_waits_for_its_servers(unit: Path) -> None:
    assert (setting(unit, "Type"), setting(unit, "TimeoutStartSec")) == ("notify", "infinity")


@both_units
def test_what_only_the_operator_can_mend_is_not_started_again(unit: Path) -> None:
    assert setting(unit, "Restart") == "on-failure"
    statuses = {int(status) for status in setting(unit, "RestartPreventExitStatus").split()}
    assert statuses == {exits.USAGE, exits.MISCONFIGURED}


@both_units
def test_the_lists_are_kept_where_the_settings_say(unit: Path) -> None:
    assert StoreSettings().url.startswith(f"sqlite:////var/lib/{setting(unit, 'StateDirectory')}/")


def start_line_of_instance(settings_folder: Path) -> list[str]:
    """The template's start line as systemd would run it, with the settings in another folder."""
    return shlex.split(setting(TEMPLATE, "ExecStart").replace("/etc/gearhorn", str(settings_folder)).replace("$$", "$"))


def arguments_of_instance(folder: Path, instance: str) -> list[str]:
    """What an instance passes to the command, with the settings in `folder`."""
    installed(TEMPLATE, folder)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "GEARHORN_INSTANCE": instance}
    line = start_line_of_instance(folder)
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("instance", ["east", "west"])
def test_an_instance_reads_the_common_settings_and_then_its_own(instance: str, tmp_path: Path) -> None:
    for name in ("east", "gearhorn", "west"):
        (tmp_path / f"{name}.conf").touch()
    common, own = str(tmp_path / "gearhorn.conf"), str(tmp_path / f"{instance}.conf")
    assert arguments_of_instance(tmp_path, instance) == ["worker", "--config-file", common, "--config-file", own]


def test_an_instance_without_settings_of_its_own_reads_the_common_ones(tmp_path: Path) -> None:
    common = tmp_path / "gearhorn.conf"
    common.touch()
    assert arguments_of_instance(tmp_path, "east") == ["worker", "--config-file", str(common)]


def test_an_instance_needs_no_settings_at_all(tmp_path: Path) -> None:
    assert arguments_of_instance(tmp_path, "east") == ["worker"]


def test_an_instance_is_told_its_name() -> None:
    assert setting(TEMPLATE, "Environment") == "GEARHORN_INSTANCE=%i"


@contextlib.contextmanager
def started_as_by_systemd(folder: Path, instance: str) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    """An instance under its start line, and the socket that it tells its state."""
    (folder / "state").mkdir()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GEARHORN_INSTANCE": instance,
        "NOTIFY_SOCKET": str(folder / "notify"),
        "STATE_DIRECTORY": str(folder / "state"),
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(environment["NOTIFY_SOCKET"])
        told.setblocking(False)
        log = (folder / "log").open("wb")
        process = subprocess.Popen(start_line_of_instance(folder), env=environment, stderr=log)
        try:
            yield process, told
        finally:
            process.kill()
            process.wait()
            log.close()


def has_said_ready(told: socket.socket) -> bool:
    with contextlib.suppress(BlockingIOError):
        return b"READY=1" in told.recv(1000)
    return False


def test_an_instance_says_when_it_serves_and_stops_when_told_to(tmp_path: Path, gearmand: Gearmand) -> None:
    (tmp_path / "gearhorn.conf").write_text("[gearman]\nservers = nowhere.invalid:1\n")
    (tmp_path / "east.conf").write_text(f"[gearman]\nservers = {gearmand.address}\n")
    with started_as_by_systemd(tmp_path, "east") as (process, told):
        wait_until(lambda: has_said_ready(told) or process.poll() is not None, "READY=1", limit_s=60)
        assert process.poll() is None, (tmp_path / "log").read_text()
        assert (tmp_path / "state" / "gearhorn.db").exists()
        process.send_signal(getattr(signal, setting(TEMPLATE, "KillSignal")))
        assert process.wait(30) == exits.OK


def test_an_instance_with_wrong_settings_ends_with_a_status_that_prevents_a_restart(tmp_path: Path) -> None:
    (tmp_path / "east.conf").write_text("[worker]\ndrain_timeout = soon\n")
    with started_as_by_systemd(tmp_path, "east") as (process, _):
        assert str(process.wait(30)) in setting(TEMPLATE, "RestartPreventExitStatus").split()
    assert "drain_timeout" in (tmp_path / "log").read_text()
