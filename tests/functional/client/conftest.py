"""A publisher and a subscriber of the helpers on gear, connected to the Gearman server of the test."""

from collections.abc import Iterator

import pytest

from gearhorn.client import GearhornClient, GearhornSubscriber
from tests.functional.client.stand_in import StandIn, stand_in
from tests.servers.gearman import GearmanServer


@pytest.fixture
def service(gearman_server: GearmanServer) -> Iterator[StandIn]:
    with stand_in(gearman_server) as service:
        yield service


@pytest.fixture
def publisher(gearman_server: GearmanServer) -> Iterator[GearhornClient]:
    publisher = GearhornClient("a publisher")
    publisher.addServer("127.0.0.1", gearman_server.port)
    publisher.waitForServer(20)
    yield publisher
    publisher.shutdown()


@pytest.fixture
def subscriber(gearman_server: GearmanServer) -> Iterator[GearhornSubscriber]:
    subscriber = GearhornSubscriber("bob")
    subscriber.addServer("127.0.0.1", gearman_server.port)
    subscriber.waitForServer(20)
    yield subscriber
    subscriber.shutdown()
