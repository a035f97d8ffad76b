import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.store.memcached_peers import AnswerLost, Peers, ServerClock


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def count_connections(server: socket.socket) -> int:
    count = 0
    while True:
        try:
            connection, _ = server.accept()
        except BlockingIOError:
            return count
        connection.close()
        count += 1


def test_a_server_that_does_not_answer_in_time_is_not_asked_again(silent: socket.socket) -> None:
    """The time is used up; and threads are few."""
    peers = Peers([silent.getsockname()], 0.05)
    with pytest.raises(StoreUnavailable, match=r"memcached at 127\.0\.0\.1:\d+: timed out"):
        peers.get_many(["key"])
    assert count_connections(silent) == 2  # one finds out at which of its addresses the server is
    peers.close()


def test_of_what_is_stored_only_if_nobody_was_faster_a_lost_answer_says_so(silent: socket.socket) -> None:
    peers = Peers([silent.getsockname()], 0.05)
    for store in (
        lambda: peers.add("key", b""),
        lambda: peers.cas("key", b"", b"1"),
        lambda: peers.cas_delete("key", b"1"),
    ):
        with pytest.raises(AnswerLost):
            store()
    peers.close()


def ask_for_time(server: socket.socket, answer: bytes) -> ServerClock:
    """What the server says that it is, if it answers like this."""

    def serve() -> None:
        server.setblocking(True)
        server.accept()[0].close()  # one finds out at which of its addresses the server is
        connection, _ = server.accept()
        with connection:
            assert connection.recv(100) == b"stats\r\n"
            connection.sendall(answer + b"\r\n")

    peers = Peers([server.getsockname()], 5)
    try:
        with ThreadPoolExecutor() as threads:
            serving = threads.submit(serve)
            clock = peers.read_clock("key")
            serving.result()
            return clock
    finally:
        peers.close()


@pytest.mark.parametrize("answer", [b"END", b"STAT pid 1\r\nSTAT uptime 2\r\nSTAT time never\r\nEND", b"ERROR"])
def test_who_does_not_say_what_time_it_is_will_not_do(silent: socket.socket, answer: bytes) -> None:
    """As a proxy does not that stands before several memcached."""
    with pytest.raises(Misconfigured):
        ask_for_time(silent, answer)


def test_a_clock_is_that_of_one_process_even_if_the_next_has_the_same_number(silent: socket.socket) -> None:
    """As in containers, where it is always 1."""
    clocks = [
        ask_for_time(silent, b"STAT pid 1\r\nSTAT uptime %d\r\nSTAT time %d\r\nEND" % times)
        for times in ((5, 1005), (6, 1006), (1, 1007))
    ]
    assert [clock.now_us for clock in clocks] == [1005_000_000, 1006_000_000, 1007_000_000]
    assert clocks[0].process == clocks[1].process != clocks[2].process


def test_a_key_is_on_the_same_server_whatever_the_order_of_their_names() -> None:
    addresses = [("one", 1), ("two", 2), ("::1", 3)]
    homes = {
        tuple(Peers(order, 1)._home(f"key-{number}") for number in range(300)) for order in permutations(addresses)
    }
    assert len(homes) == 1
    counts = [list(*homes).count(name) for name in ("one:1", "two:2", "::1:3")]
    assert min(counts) > 60


def test_a_server_that_is_added_takes_keys_from_all_and_moves_no_others() -> None:
    before, after = Peers([("one", 1), ("two", 2)], 1), Peers([("one", 1), ("two", 2), ("three", 3)], 1)
    keys = [f"key-{number}" for number in range(300)]
    moved = [(before._home(key), after._home(key)) for key in keys if before._home(key) != after._home(key)]
    assert {home for _, home in moved} == {"three:3"}
    assert {home for home, _ in moved} == {"one:1", "two:2"}
