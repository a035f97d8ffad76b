"""The proxy must do what it says: tests of links would otherwise blame the link for the proxy's faults."""

import select
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.servers.ports import PortReservation
from tests.servers.process import wait_until
from tests.servers.proxy import Proxy

LIMIT_S = 10.0


class Route:
    """A listening socket, a proxy to it, and what connects through it."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(LIMIT_S)
        self.proxy = Proxy(self.listener.getsockname()[1])
        self.sockets = [self.listener]

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.proxy.port), timeout=LIMIT_S)
        self.sockets.append(client)
        return client

    def pair(self) -> tuple[socket.socket, socket.socket]:
        """The two far ends of a new connection: the client's and the server's."""
        client = self.connect()
        server, _ = self.listener.accept()
        server.settimeout(LIMIT_S)
        self.sockets.append(server)
        return client, server


@pytest.fixture
def route() -> Iterator[Route]:
    route = Route()
    with route.proxy:
        yield route
    for each in route.sockets:
        each.close()


def read_all(end: socket.socket) -> bytes:
    """Everything up to FIN."""
    received = b""
    while chunk := end.recv(65536):
        received += chunk
    return received


def receive(end: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        received += end.recv(count - len(received))
    return received


def is_full(end: socket.socket) -> bool:
    return not select.select([], [end], [], 0)[1]


def nothing_has_come(end: socket.socket) -> bool:
    end.setblocking(False)
    try:
        return not end.recv(1)
    except BlockingIOError:
        return True
    finally:
        end.settimeout(LIMIT_S)


def test_bytes_pass_both_ways_unchanged(route: Route) -> None:
    client, server = route.pair()
    client.sendall(b"\0REQ to the server")
    assert receive(server, 18) == b"\0REQ to the server"
    server.sendall(b"\0RES to the client")
    assert receive(client, 18) == b"\0RES to the client"
    assert route.proxy.bytes_to_server_count == 18


def test_a_hangup_of_either_end_reaches_the_other_behind_its_last_bytes(route: Route) -> None:
    for near, far in (route.pair(), route.pair()[::-1]):
        near.sendall(b"last words")
        near.close()
        assert read_all(far) == b"last words"
        far.close()
    wait_until(lambda: route.proxy.connection_count == 0, "the proxy to forget both connections")


def test_more_than_the_buffers_hold_passes_when_the_reader_is_slow(route: Route) -> None:
    client, server = route.pair()
    payload = bytes(range(256)) * 40_000
    sender = threading.Thread(target=client.sendall, args=(payload,))
    sender.start()
    wait_until(lambda: is_full(client), "all buffers on the way to be full")
    assert receive(server, len(payload)) == payload
    sender.join()


def test_a_cut_resets_both_ends_and_new_connections_pass(route: Route) -> None:
    client, server = route.pair()
    route.proxy.cut()
    assert route.proxy.connection_count == 0
    for end in (client, server):
        with pytest.raises(ConnectionResetError):
            end.recv(1)
    client, server = route.pair()
    client.sendall(b"again")
    assert receive(server, 5) == b"again"


def test_a_gentle_cut_ends_both_with_fin(route: Route) -> None:
    client, server = route.pair()
    route.proxy.cut(reset=False)
    assert (client.recv(1), server.recv(1)) == (b"", b"")


def test_a_stalled_proxy_passes_nothing_and_a_resumed_one_everything(route: Route) -> None:
    client, server = route.pair()
    bystander, _ = route.pair()
    route.proxy.stall()
    client.sendall(b"question")
    server.sendall(b"answer")
    newcomer = route.connect()
    newcomer.sendall(b"hello")
    assert [route.proxy.bytes_to_server_count for turn_of_its_loop in range(5)] == [0] * 5
    assert nothing_has_come(client)
    assert nothing_has_come(server)
    assert nothing_has_come(bystander)
    route.proxy.resume()
    assert receive(server, 8) == b"question"
    assert receive(client, 6) == b"answer"
    latest, _ = route.listener.accept()
    with latest:
        assert receive(latest, 5) == b"hello"


def test_a_cut_after_n_bytes_gives_the_server_exactly_these_and_the_client_no_answer(route: Route) -> None:
    client, server = route.pair()
    client.sendall(b"before")
    assert receive(server, 6) == b"before"
    route.proxy.cut_after(4)
    client.sendall(b"12345678")
    assert read_all(server) == b"1234"
    server.close()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    client, server = route.pair()
    client.sendall(b"not cut again")
    assert receive(server, 13) == b"not cut again"


def test_a_cut_counts_the_bytes_of_all_connections(route: Route) -> None:
    first, first_server = route.pair()
    second, second_server = route.pair()
    route.proxy.cut_after(6)
    first.sendall(b"abcd")
    assert receive(first_server, 4) == b"abcd"
    second.sendall(b"efgh")
    assert read_all(second_server) == b"ef"
    assert read_all(first_server) == b""
    for client in (first, second):
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_cut_after_no_bytes_is_refused(route: Route) -> None:
    with pytest.raises(ValueError, match="there is cut"):
        route.proxy.cut_after(0)


def test_a_proxy_that_refuses_keeps_what_it_has_and_listens_again_on_its_port(route: Route) -> None:
    client, server = route.pair()
    route.proxy.refuse()
    route.proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        route.connect()
    client.sendall(b"still here")
    assert receive(server, 10) == b"still here"
    route.proxy.listen()
    client, server = route.pair()
    client.sendall(b"new")
    assert receive(server, 3) == b"new"


def test_a_client_is_reset_while_the_target_refuses() -> None:
    nobody = PortReservation()
    with Proxy(nobody.port) as proxy, pytest.raises(ConnectionResetError):
        connect_and_read(proxy.port)  # which of the two fails is a matter of luck
    nobody.release()


def connect_and_read(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as client:
        client.recv(1)
