"""The launchers: each server is ours, on a port of its own, and gone afterwards."""

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import gearman
from tests.servers.certificates import Certificates
from tests.servers.gearman import Geard, Gearmand, GearmanServer, PerlGearmand
from tests.servers.ports import PortReservation, holds_any, listeners
from tests.servers.process import wait_until

Launcher = Callable[[Path], GearmanServer]


def geard_with_tls(folder: Path) -> Geard:
    return Geard(folder, tls=Certificates(folder / "pki"))


every_launcher = pytest.mark.parametrize("launch", [Gearmand, Geard, PerlGearmand, geard_with_tls])


def pid_of(server: GearmanServer) -> int:
    assert server.process is not None
    return server.process.pid


@every_launcher
def test_a_started_server_is_the_process_that_listens(launch: Launcher, tmp_path: Path) -> None:
    with launch(tmp_path) as server:
        assert holds_any(pid_of(server), listeners(server.port))
        assert server.is_ready()
    assert not listeners(server.port)


@every_launcher
def test_a_port_that_got_taken_is_left_for_another(
    launch: Launcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]
        reservations = [TakenPort(port), PortReservation()]
        monkeypatch.setattr(gearman, "PortReservation", lambda: reservations.pop(0))
        with launch(tmp_path) as server:
            assert server.port != port
            assert holds_any(pid_of(server), listeners(server.port))


class TakenPort:
    """What a reservation would be if somebody had been quicker."""

    def __init__(self, port: int) -> None:
        self.port = port

    def release(self) -> None:
        pass


@every_launcher
def test_a_restart_keeps_the_port(launch: Launcher, tmp_path: Path) -> None:
    with launch(tmp_path) as server:
        port = server.port
        server.kill()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        server.start()
        assert server.port == port
        assert server.is_ready()


def test_a_restart_on_a_port_that_got_taken_fails_instead_of_moving(tmp_path: Path) -> None:
    with Geard(tmp_path) as server:
        server.stop()
        with socket.socket() as squatter:
            squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            squatter.bind(("127.0.0.1", server.port))
            squatter.listen()
            with pytest.raises(RuntimeError):
                server.start()
    assert server.process is None


def test_a_server_that_ends_at_once_says_why_and_leaves_no_process(tmp_path: Path) -> None:
    server = Gearmand(tmp_path, extra=["--no-such-option"])
    with pytest.raises(RuntimeError, match="ended with"):
        server.start()
    assert server.process is None


def test_nobody_else_is_given_a_reserved_port() -> None:
    reserved = PortReservation()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", reserved.port))
    reserved.release()
    with socket.socket() as other:
        other.bind(("127.0.0.1", reserved.port))


def test_a_process_that_has_ended_holds_no_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sockets = listeners(listener.getsockname()[1])
        assert len(sockets) == 1
        with subprocess.Popen(["true"]) as process:
            wait_until(lambda: process.poll() is not None, "`true` to end")
        assert not holds_any(process.pid, sockets)
