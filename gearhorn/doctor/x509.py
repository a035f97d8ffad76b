"""From when to when a certificate is valid: read from its DER by hand.

The ssl module tells this only of certificates that a peer has shown and that were found good, and no other library
here knows certificates; one more, with its own build in Rust, would be much for two dates. RFC 5280, section 4.1.
"""

from datetime import UTC, datetime
from typing import NamedTuple

_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
# Of a two-digit year: 50 and later are of the century before (RFC 5280, 4.1.2.5.1).
_PIVOT_YEAR = 50


class Validity(NamedTuple):
    """In Unix time."""

    not_before_s: float
    not_after_s: float


class _Element(NamedTuple):
    tag: int
    content: bytes
    rest: bytes


def read_validity(der: bytes) -> Validity:
    """Raises ValueError for what is no certificate."""
    certificate = _take(der, _SEQUENCE)
    rest = _take(certificate.content, _SEQUENCE).content  # what is signed: version, number, algorithm, issuer, validity
    first = _take(rest)
    rest = first.rest if first.tag == _VERSION else rest
    for _ in range(3):
        rest = _take(rest).rest
    validity = _take(rest, _SEQUENCE).content
    not_before = _take(validity)
    return Validity(_read_time(not_before), _read_time(_take(not_before.rest)))


def _take(data: bytes, tag: int | None = None) -> _Element:
    """The first element of `data`, which must have that tag."""
    if len(data) < 2 or (tag is not None and data[0] != tag):
        raise ValueError("this is no certificate")
    length, start = data[1], 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(data[2 : 2 + count], "big"), 2 + count
    if len(data) < start + length:
        raise ValueError("the certificate ends too early")
    return _Element(data[0], data[start : start + length], data[start + length :])


def _read_time(element: _Element) -> float:
    text = element.content.decode("ascii")
    if element.tag == _UTC_TIME:
        text = ("19" if int(text[:2]) >= _PIVOT_YEAR else "20") + text
    elif element.tag != _GENERALIZED_TIME:
        raise ValueError("the certificate has no time where it should")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
