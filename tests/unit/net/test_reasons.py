"""Why a server cannot be reached, in words for people."""

import asyncio
import errno
import os
import socket
import ssl

import pytest

from gearhorn.errors import ServerUnavailable
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings, connect

REFUSED = os.strerror(errno.ECONNREFUSED)
NO_ROUTE = os.strerror(errno.EHOSTUNREACH)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)"), REFUSED),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 1, 0, 0), [Errno 111] more"), REFUSED),
        (OSError("Multiple exceptions: [Errno 111] one, [Errno 113] other"), f"{REFUSED}, {NO_ROUTE}"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "wrong version number"),
        (ConnectionResetError("reset by somebody"), "reset by somebody"),
        (ConnectionResetError(), "ConnectionResetError"),
        (UnicodeError("label empty or too long"), "label empty or too long"),
    ],
)
async def test_a_server_that_cannot_be_reached_is_told_in_the_systems_words(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", fail)
    with pytest.raises(ServerUnavailable) as caught:
        await connect(Address("host", 1), LinkSettings(), lambda: None)  # type: ignore[arg-type, return-value]
    assert words in str(caught.value)
    assert "Errno" not in str(caught.value)
    assert "Connect call" not in str(caught.value)
