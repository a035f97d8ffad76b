"""What is answered, and what never is: a queue of expected answers must know."""

from pathlib import Path

import pytest

from tests.functional.facts.conftest import Dial
from tests.functional.facts.raw import RES, Kind, Packet, packet, submit
from tests.functional.facts.servers import on, on_every
from tests.servers.gearman import Gearmand, GearmanServer

NOT_ON_GEARD = {
    "SUBMIT_JOB_EPOCH": packet(Kind.SUBMIT_JOB_EPOCH, b"f", b"", b"1", b""),
    "SUBMIT_JOB_SCHED": packet(Kind.SUBMIT_JOB_SCHED, b"f", b"", b"*", b"*", b"*", b"*", b"*", b""),
    "OPTION_REQ": packet(Kind.OPTION_REQ, b"exceptions"),
    "ECHO_REQ": packet(Kind.ECHO_REQ, b"echo"),
    "GET_STATUS_UNIQUE": packet(Kind.GET_STATUS_UNIQUE, b"u"),
    "GRAB_JOB": packet(Kind.GRAB_JOB),
    "GRAB_JOB_ALL": packet(Kind.GRAB_JOB_ALL),
    "ALL_YOURS": packet(Kind.ALL_YOURS),
    "an unknown type": packet(99),
}


@on("geard")
@pytest.mark.parametrize("name", NOT_ON_GEARD)
def test_geard_never_answers(server: GearmanServer, dial: Dial, name: str) -> None:
    """Point 9: what comes behind is served, so only a limit of time tells."""
    client = dial(server)
    created = client.ask_one(NOT_ON_GEARD[name], submit(b"f"))
    assert created.kind == Kind.JOB_CREATED
    assert client.counts_of(b"f") == [1, 0, 0]


GEARMAND_ANSWERS = {
    "SUBMIT_JOB_SCHED": Packet(Kind.ERROR, b"INVALID_COMMAND\0Command not expected"),
    "OPTION_REQ": Packet(Kind.OPTION_RES, b"exceptions"),
    "ECHO_REQ": Packet(Kind.ECHO_RES, b"echo"),
    "GET_STATUS_UNIQUE": Packet(Kind.STATUS_RES_UNIQUE, b"u\x000\x000\x000\x000\x000"),
    "GRAB_JOB": Packet(Kind.NO_JOB, b""),
    "GRAB_JOB_ALL": Packet(Kind.NO_JOB, b""),
    "ALL_YOURS": Packet(Kind.ERROR, b"INVALID_COMMAND\0Command not expected"),
}


@on("gearmand")
@pytest.mark.parametrize("name", GEARMAND_ANSWERS)
def test_gearmand_answers(server: GearmanServer, dial: Dial, name: str) -> None:
    """Point 9: where silence would be the server's failure."""
    assert dial(server).ask(NOT_ON_GEARD[name]) == [GEARMAND_ANSWERS[name]]


@on("gearmand")
def test_an_unknown_option_is_refused(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 9."""
    refusal = Packet(Kind.ERROR, b"UNKNOWN_OPTION\0Server does not recognize given option")
    assert dial(server).ask(packet(Kind.OPTION_REQ, b"no such")) == [refusal]


LOST_ON_GEARMAND = {
    "a schedule beyond 64 bits": packet(Kind.SUBMIT_JOB_EPOCH, b"f", b"", b"9" * 30, b""),
    "the status of a handle of 64 bytes": packet(Kind.GET_STATUS, b"H" * 64),
}


@on("gearmand")
@pytest.mark.parametrize("name", LOST_ON_GEARMAND)
def test_gearmand_leaves_without_an_answer(server: GearmanServer, dial: Dial, name: str) -> None:
    """Points 9 and 10: and with several threads it is a matter of luck whether it hangs up as well."""
    client = dial(server)
    try:
        assert client.ask(LOST_ON_GEARMAND[name]) == []
    except (EOFError, ConnectionResetError):
        assert dial(server).ask() == []


@pytest.mark.parametrize("name", LOST_ON_GEARMAND)
def test_gearmand_with_one_thread_hangs_up_where_it_has_no_answer(tmp_path: Path, dial: Dial, name: str) -> None:
    """Points 9 and 10."""
    with Gearmand(tmp_path / "gearmand", threads=0) as server:
        client = dial(server)
        client.send(LOST_ON_GEARMAND[name])
        assert client.read_until_end() == []


@on("perl")
@pytest.mark.parametrize("name", [n for n in NOT_ON_GEARD if n not in ("OPTION_REQ", "ECHO_REQ", "GRAB_JOB")])
def test_perls_server_refuses_what_it_does_not_know(server: GearmanServer, dial: Dial, name: str) -> None:
    """Point 9: with an ERROR in its place; the connection lives."""
    refusal = dial(server).ask_one(NOT_ON_GEARD[name])
    assert (refusal.kind, refusal.fields[0]) == (Kind.ERROR, b"server_error")


@on("gearmand")
def test_gearmand_hangs_up_on_a_type_that_it_does_not_know(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 9."""
    client = dial(server)
    client.send(packet(99))
    assert client.read_until_end() == []


NOTHING_KNOWN = {
    "gearmand": b"\x000\x000\x000\x000",
    "geard": b"\x000\x000\0\0",
    "perl": b"\x000\x000\0\0",
}


@on_every
def test_the_status_of_a_handle_that_does_not_exist_is_answered(server: GearmanServer, dial: Dial) -> None:
    """Point 10: the probe for life. Two servers leave the progress empty where gearmand says 0."""
    client = dial(server)
    client.send(packet(Kind.GET_STATUS, b"H:nobody"))
    assert client.read() == Packet(Kind.STATUS_RES, b"H:nobody" + NOTHING_KNOWN[server.kind])


@on_every
def test_the_status_of_a_running_job_is_told_to_anyone(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 10."""
    client, worker = dial(server), dial(server)
    handle = client.submit(b"f")
    assert client.status_of(handle)[:2] == [b"1", b"0"]
    worker.can_do(b"f")
    assert worker.grab() is not None
    assert worker.ask(packet(Kind.WORK_STATUS, handle, b"1", b"2")) == []
    assert client.status_of(handle) == [b"1", b"1", b"1", b"2"]


@on_every
def test_packets_may_come_in_any_pieces(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 10."""
    client = dial(server)
    for byte in submit(b"f"):
        client.send(bytes([byte]))
    assert client.read().kind == Kind.JOB_CREATED


@on_every
def test_a_server_speaks_with_the_magic_of_a_response(server: GearmanServer, dial: Dial) -> None:
    """Point 7: as a rule. Its exception is among the deliveries."""
    client = dial(server)
    client.submit(b"f")
    client.send(submit(b"f"), packet(Kind.GET_STATUS, b"H:nobody"))
    assert [each.magic for each in client.read_many(2)] == [RES, RES]


@on("gearmand")
def test_gearmand_refuses_a_request_with_the_magic_of_a_response(server: GearmanServer, dial: Dial) -> None:
    """Goes with point 7."""
    client = dial(server)
    refusal = Packet(Kind.ERROR, b"INVALID_MAGIC\0Request magic expected")
    assert client.ask(packet(Kind.GET_STATUS, b"H:nobody", magic=RES)) == [refusal]
