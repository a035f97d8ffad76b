"""Names and uniques that servers take, cut, or die of."""

import pytest

from tests.functional.facts.conftest import Dial
from tests.functional.facts.raw import Kind, Packet, Peer, grab, job_of, packet, submit
from tests.functional.facts.servers import on, on_every
from tests.servers.gearman import GearmanServer

NOT_UTF8 = b"\xff\xfe"


@on("geard")
def test_geard_hangs_up_on_who_gives_up_an_unknown_function(server: GearmanServer, dial: Dial) -> None:
    """Point 17."""
    worker = dial(server)
    worker.can_do(b"known")
    assert worker.ask(packet(Kind.CANT_DO, b"known")) == []
    worker.send(packet(Kind.CANT_DO, b"unknown"))
    assert worker.read_until_end() == []


@on("gearmand", "perl")
def test_elsewhere_giving_up_an_unknown_function_does_nothing(server: GearmanServer, dial: Dial) -> None:
    """Point 17."""
    assert dial(server).ask(packet(Kind.CANT_DO, b"unknown")) == []


@on("gearmand")
def test_gearmand_counts_a_function_twice_that_was_said_twice_and_takes_both_back(
    server: GearmanServer, dial: Dial
) -> None:
    """Goes with point 17: so say each function once on a connection."""
    worker = dial(server)
    worker.can_do(b"f", b"f")
    assert worker.counts_of(b"f") == [0, 0, 2]
    assert worker.ask(packet(Kind.CANT_DO, b"f")) == []
    assert worker.counts_of(b"f") == [0, 0, 0]


@on("gearmand")
@pytest.mark.parametrize("length", [1, 63])
def test_a_unique_of_up_to_63_bytes_arrives(server: GearmanServer, dial: Dial, length: int) -> None:
    """Point 18."""
    client, worker = dial(server), dial(server)
    client.submit(b"f", b"u" * length)
    worker.can_do(b"f")
    job = worker.grab()
    assert job is not None
    assert job.unique == b"u" * length


@on("gearmand")
def test_a_unique_of_64_bytes_is_compared_whole_and_shown_cut(server: GearmanServer, dial: Dial) -> None:
    """Point 18."""
    client, worker = dial(server), dial(server)
    first, second = b"u" * 63 + b"1", b"u" * 63 + b"2"
    assert client.submit(b"f", first) != client.submit(b"f", second)
    worker.can_do(b"f")
    assert [job_of(each).unique for each in worker.ask(*[grab(server)] * 2)] == [b"u" * 63] * 2


@on("gearmand")
def test_a_unique_beyond_64_bytes_is_refused(server: GearmanServer, dial: Dial) -> None:
    """Point 18."""
    refusal = Packet(Kind.ERROR, b"ARGUMENT_TOO_LARGE\0Unique value too large")
    assert dial(server).ask(submit(b"f", b"u" * 65)) == [refusal]


@on("gearmand")
@pytest.mark.parametrize("bad", [submit(b"f" * 9000), submit(b"f", b"u" * 70_000)], ids=["function", "unique"])
def test_gearmand_hangs_up_on_names_that_its_buffer_cannot_hold(server: GearmanServer, dial: Dial, bad: bytes) -> None:
    """Point 18: without an ERROR."""
    client = dial(server)
    client.send(bad)
    assert client.read_until_end() == []


@on("gearmand")
def test_a_function_of_8190_bytes_kills_the_connection_of_whoever_grabs_it(server: GearmanServer, dial: Dial) -> None:
    """Point 18: it is confirmed, and then ends one worker after the other."""
    poison = b"f" * 8190
    client = dial(server)
    client.submit(poison)
    for _ in range(2):
        worker = dial(server)
        worker.can_do(poison)
        worker.send(grab(server))
        assert worker.read_until_end() == []


@on_every
@pytest.mark.parametrize("length", [1, 255, 512, 2000])
def test_a_function_of_up_to_2000_bytes_is_served(server: GearmanServer, dial: Dial, length: int) -> None:
    """Point 18."""
    function = b"f" * length
    client, worker = dial(server), dial(server)
    client.submit(function)
    worker.can_do(function)
    job = worker.grab()
    assert job is not None
    assert job.function == function


@on_every
@pytest.mark.parametrize("function", [b"with space", "für alle 📣".encode(), b"with\ttab"])
def test_any_text_on_one_line_is_served_as_a_name(server: GearmanServer, dial: Dial, function: bytes) -> None:
    """Point 18: the packets do not care."""
    client, worker = dial(server), dial(server)
    client.submit(function)
    worker.can_do(function)
    job = worker.grab()
    assert job is not None
    assert job.function == function


@on("gearmand", "geard")
def test_a_name_with_a_newline_forges_lines_of_the_status(server: GearmanServer, dial: Dial) -> None:
    """Point 18."""
    client = dial(server)
    client.submit(b"a\n.\nb")
    client.can_do(b"a\n.\nb")
    assert client.table(b"status") == [[b"a"]]


@on("perl")
@pytest.mark.parametrize("function", [b"", b"a\nb"])
def test_perls_server_refuses_names_that_are_empty_or_have_a_newline(
    server: GearmanServer, dial: Dial, function: bytes
) -> None:
    """Point 18."""
    refusal = dial(server).ask_one(submit(function))
    assert (refusal.kind, refusal.fields[0]) == (Kind.ERROR, b"invalid_args")


@on("gearmand", "geard")
def test_elsewhere_an_empty_name_is_a_name(server: GearmanServer, dial: Dial) -> None:
    """Point 18."""
    client, worker = dial(server), dial(server)
    client.submit(b"")
    worker.can_do(b"")
    job = worker.grab()
    assert job is not None
    assert job.function == b""


@on("geard")
@pytest.mark.parametrize("command", [b"status", b"workers"])
def test_a_name_that_is_not_utf8_ends_every_look_at_geard(server: GearmanServer, dial: Dial, command: bytes) -> None:
    """Points 18 and 23: for everybody, as long as it is known."""
    worker, admin = dial(server), dial(server)
    worker.can_do(NOT_UTF8)
    with pytest.raises((EOFError, ConnectionResetError)):
        admin.table(command)


@on("gearmand", "perl")
def test_elsewhere_a_name_that_is_not_utf8_is_listed_as_it_is(server: GearmanServer, dial: Dial) -> None:
    """Point 18."""
    worker = dial(server)
    worker.can_do(NOT_UTF8)
    assert worker.counts_of(NOT_UTF8) == [0, 0, 1]


def client_ids(worker: Peer) -> list[bytes]:
    """Of every connection; one that was just closed may still be among them."""
    return [row[0].split()[2] for row in worker.table(b"workers")]


@on_every
@pytest.mark.parametrize("length", [1, 127])
def test_a_client_id_of_up_to_127_bytes_is_listed(server: GearmanServer, dial: Dial, length: int) -> None:
    """Point 18."""
    worker = dial(server)
    assert worker.ask(packet(Kind.SET_CLIENT_ID, b"c" * length)) == []
    assert b"c" * length in client_ids(worker)


@on("gearmand")
def test_gearmand_cuts_a_client_id_at_127_bytes(server: GearmanServer, dial: Dial) -> None:
    """Point 18."""
    worker = dial(server)
    assert worker.ask(packet(Kind.SET_CLIENT_ID, b"c" * 128)) == []
    ids = client_ids(worker)
    assert b"c" * 127 in ids
    assert b"c" * 128 not in ids


@on("gearmand", "geard")
def test_a_space_in_a_client_id_shifts_the_columns(server: GearmanServer, dial: Dial) -> None:
    """Point 18."""
    worker = dial(server)
    assert worker.ask(packet(Kind.SET_CLIENT_ID, b"two words")) == []
    assert [row[0].split()[2:4] for row in worker.table(b"workers")] == [[b"two", b"words"]]
