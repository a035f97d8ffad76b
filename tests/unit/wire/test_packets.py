"""Numbers and bytes of single packets, against the protocol text and against gear."""

import pytest
from gear import constants

from gearhorn.wire import packets

NAMES = [name for name in vars(packets) if name.isupper() and isinstance(getattr(packets, name), int)]
KINDS = [name for name in NAMES if name != "HEADER_BYTES"]


@pytest.mark.parametrize("name", KINDS)
def test_a_packet_type_has_the_number_that_gear_gives_it(name: str) -> None:
    assert getattr(packets, name) == getattr(constants, name)


def test_the_types_that_a_role_lives_on_are_among_those_compared() -> None:
    assert {"JOB_CREATED", "NO_JOB", "NOOP", "JOB_ASSIGN_UNIQ", "WORK_EXCEPTION", "ERROR"} <= set(KINDS)


def test_the_magics_are_those_of_gear() -> None:
    assert (packets.REQ, packets.RES) == (constants.REQ, constants.RES)


@pytest.mark.parametrize(
    ("kind", "arguments", "expected"),
    [
        (packets.CAN_DO, (b"reverse",), b"\0REQ\0\0\0\1\0\0\0\7reverse"),
        (packets.GRAB_JOB, (), b"\0REQ\0\0\0\x09\0\0\0\0"),
        (packets.GRAB_JOB_UNIQ, (), b"\0REQ\0\0\0\x1e\0\0\0\0"),
        (packets.PRE_SLEEP, (), b"\0REQ\0\0\0\4\0\0\0\0"),
        (packets.SUBMIT_JOB, (b"reverse", b"", b"test"), b"\0REQ\0\0\0\7\0\0\0\x0dreverse\0\0test"),
        (packets.WORK_COMPLETE, (b"H:lap:1", b"tset"), b"\0REQ\0\0\0\x0d\0\0\0\x0cH:lap:1\0tset"),
        (packets.WORK_COMPLETE, (b"H:lap:1", b""), b"\0REQ\0\0\0\x0d\0\0\0\x08H:lap:1\0"),
        (packets.WORK_FAIL, (b"H:lap:1",), b"\0REQ\0\0\0\x0e\0\0\0\7H:lap:1"),
        (packets.WORK_STATUS, (b"H:lap:1", b"1", b"2"), b"\0REQ\0\0\0\x0c\0\0\0\x0bH:lap:1\0001\0002"),
        (packets.WORK_DATA, (b"H", b"a\0b"), b"\0REQ\0\0\0\x1c\0\0\0\x05H\0a\0b"),
        (packets.OPTION_REQ, (b"exceptions",), b"\0REQ\0\0\0\x1a\0\0\0\x0aexceptions"),
    ],
)
def test_a_packet_has_the_bytes_of_the_protocol_text(kind: int, arguments: tuple[bytes, ...], expected: bytes) -> None:
    assert packets.pack(kind, *arguments) == expected


def test_the_length_is_big_endian_over_four_bytes() -> None:
    assert packets.pack(packets.WORK_DATA, b"x" * 0x010203)[8:12] == b"\x00\x01\x02\x03"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (("normal", False), "SUBMIT_JOB"),
        (("normal", True), "SUBMIT_JOB_BG"),
        (("high", False), "SUBMIT_JOB_HIGH"),
        (("high", True), "SUBMIT_JOB_HIGH_BG"),
        (("low", False), "SUBMIT_JOB_LOW"),
        (("low", True), "SUBMIT_JOB_LOW_BG"),
    ],
)
def test_priority_and_background_choose_the_packet_that_submits(kind: tuple[str, bool], name: str) -> None:
    assert packets.SUBMIT_KINDS[kind] == getattr(constants, name)


@pytest.mark.parametrize(
    ("body", "code", "text", "line"),
    [
        (b"QUEUE_ERROR\0Job queue is full", "QUEUE_ERROR", "Job queue is full", "QUEUE_ERROR Job queue is full"),
        (b"0\0Permission denied by ACL\0", "0", "Permission denied by ACL", "0 Permission denied by ACL"),
        (b"unknown_option\0", "unknown_option", "", "unknown_option"),
        (b"a\0b\0c", "a", "b\0c", "a b\0c"),
        (b"", "", "", ""),
        (b"\xff\0\xfe", "\ufffd", "\ufffd", "\ufffd \ufffd"),
    ],
)
def test_an_error_has_a_code_and_a_text_in_the_words_of_every_server(
    body: bytes, code: str, text: str, line: str
) -> None:
    complaint = packets.parse_error(body)
    assert complaint == (code, text)
    assert str(complaint) == line
