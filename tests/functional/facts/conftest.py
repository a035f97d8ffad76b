"""Fixtures of the facts: a fresh server, and raw connections that are closed afterwards."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.functional.facts.raw import Peer
from tests.servers.gearman import GearmanServer

FIXTURES = {"perl": "perl_server"}

Dial = Callable[..., Peer]


@pytest.fixture
def server(request: pytest.FixtureRequest) -> GearmanServer:
    """The server that `on(...)` of the test names."""
    return request.getfixturevalue(FIXTURES.get(request.param, request.param))


@pytest.fixture
def dial() -> Iterator[Dial]:
    """Makes a Peer of a server; further arguments are the Peer's."""
    peers: list[Peer] = []

    def connect(server: GearmanServer, **options: Any) -> Peer:
        peer = Peer(server, **options)
        peers.append(peer)
        # geard's backlog holds one connection: a second that comes before it was accepted waits for a second
        assert peer.ask() == []
        return peer

    yield connect
    for peer in peers:
        peer.close()
