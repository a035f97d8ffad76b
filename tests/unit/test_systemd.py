"""systemd is told what it wants to know, and a socket that cannot be written to is no reason to fail."""

import logging
import socket
from pathlib import Path

import pytest

from gearhorn import systemd


def test_trouble_is_said_once_and_so_is_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    for _ in range(3):
        systemd.notify("WATCHDOG=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        for _ in range(2):
            systemd.notify("READY=1")
        assert listener.recv(100) == b"READY=1"
    assert [record.getMessage() for record in caplog.records] == [
        "systemd could not be told WATCHDOG=1: No such file or directory",
        "systemd can be told again",
    ]


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd.notify("READY=1")
    assert caplog.records == []
