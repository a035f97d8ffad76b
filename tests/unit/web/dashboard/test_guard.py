"""By which names the dashboard may be asked for."""

import socket

import pytest

from gearhorn.web.dashboard.guard import Guard, host_of

GUARD = Guard(["gearhorn.example.net", ""])


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:9474",
        "localhost.:9474",
        "dash.localhost",
        "127.0.0.1:9474",
        "10.1.2.3",
        "[::1]:9474",
        "[fe80::1]",
        "gearhorn.example.net",
        "Gearhorn.Example.Net:443",
        socket.gethostname(),
    ],
)
def test_addresses_and_its_own_names_are_good(host: str) -> None:
    assert GUARD.knows(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "gearhorn.example.net.evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        ":80",
    ],
)
def test_names_of_others_are_refused(host: str) -> None:
    """A name of an attacker that was made to resolve to this machine."""
    assert not GUARD.knows(host)


def test_port_brackets_and_capitals_are_no_part_of_a_name() -> None:
    assert [host_of(text) for text in ("[::1]:80", "A.B.:80", " x ")] == ["::1", "a.b", "x"]
