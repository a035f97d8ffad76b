"""Packet numbers of the Gearman protocol, and the building of single packets.

Source: the protocol text of gearmand (doc/PROTOCOL). A packet is a magic of four bytes, the type and the length of
the body as big-endian 32-bit numbers, and the body: arguments separated by NUL, of which only the last may hold NULs.
"""

from struct import Struct
from typing import NamedTuple

REQ = b"\0REQ"
RES = b"\0RES"

CAN_DO = 1
CANT_DO = 2
PRE_SLEEP = 4
NOOP = 6
SUBMIT_JOB = 7
JOB_CREATED = 8
GRAB_JOB = 9
NO_JOB = 10
JOB_ASSIGN = 11
WORK_STATUS = 12
WORK_COMPLETE = 13
WORK_FAIL = 14
GET_STATUS = 15
SUBMIT_JOB_BG = 18
ERROR = 19
STATUS_RES = 20
SUBMIT_JOB_HIGH = 21
SET_CLIENT_ID = 22
WORK_EXCEPTION = 25
OPTION_REQ = 26
OPTION_RES = 27
WORK_DATA = 28
WORK_WARNING = 29
GRAB_JOB_UNIQ = 30
JOB_ASSIGN_UNIQ = 31
SUBMIT_JOB_HIGH_BG = 32
SUBMIT_JOB_LOW = 33
SUBMIT_JOB_LOW_BG = 34

HEADER = Struct(">4sII")
HEADER_BYTES = HEADER.size

# (priority, background) → the packet type that submits such a job.
SUBMIT_KINDS = {
    ("high", False): SUBMIT_JOB_HIGH,
    ("high", True): SUBMIT_JOB_HIGH_BG,
    ("normal", False): SUBMIT_JOB,
    ("normal", True): SUBMIT_JOB_BG,
    ("low", False): SUBMIT_JOB_LOW,
    ("low", True): SUBMIT_JOB_LOW_BG,
}


def pack(kind: int, *arguments: bytes) -> bytes:
    """One request packet."""
    body = b"\0".join(arguments)
    return HEADER.pack(REQ, kind, len(body)) + body


# All three servers answer it, as they do no ECHO_REQ. The handle is nobody's, and short: gearmand does not answer, or
# closes the connection, when one has 64 bytes or more.
PROBE = pack(GET_STATUS, b"H:gearhorn-probe")


class Complaint(NamedTuple):
    """The server sent ERROR. The connection lives on."""

    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()


def parse_error(body: bytes) -> Complaint:
    """The body of an ERROR packet. geard writes a number for the code and ends its text with a NUL."""
    code, _, text = body.partition(b"\0")
    return Complaint(code.decode("utf-8", "replace"), text.rstrip(b"\0").decode("utf-8", "replace"))
