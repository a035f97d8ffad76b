"""When certificates end, read by hand, held against a library that knows them."""

import contextlib
import datetime

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.doctor.x509 import read_validity

AUTHORITY = trustme.CA()


def _der(year: int) -> tuple[bytes, x509.Certificate]:
    end = datetime.datetime(year, 3, 4, 5, 6, 7, tzinfo=datetime.UTC)
    start = datetime.datetime(1999, 1, 1, tzinfo=datetime.UTC)
    leaf = AUTHORITY.issue_cert("host.test", not_before=start, not_after=end)
    certificate = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes())
    return certificate.public_bytes(Encoding.DER), certificate


# Up to 2049 a year has two digits, and four from then on.
@pytest.mark.parametrize("year", [2001, 2030, 2049, 2050, 2100])
def test_both_ways_to_write_a_time_are_read(year: int) -> None:
    der, certificate = _der(year)
    found = read_validity(der)
    assert found.not_before_s == certificate.not_valid_before_utc.timestamp()
    assert found.not_after_s == certificate.not_valid_after_utc.timestamp()


def test_an_authoritys_own_certificate_is_read() -> None:
    certificate = x509.load_pem_x509_certificate(AUTHORITY.cert_pem.bytes())
    found = read_validity(certificate.public_bytes(Encoding.DER))
    assert found.not_after_s == certificate.not_valid_after_utc.timestamp()


@given(st.binary(max_size=200))
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_validity(data)


def test_a_certificate_without_its_last_byte_is_refused() -> None:
    with pytest.raises(ValueError, match="ends too early"):
        read_validity(_KNOWN[:-1])


@given(st.data())
def test_a_certificate_that_is_cut_or_bent_is_refused_or_read(data: st.DataObject) -> None:
    der = bytearray(_KNOWN)
    der[data.draw(st.integers(0, len(der) - 1))] ^= data.draw(st.integers(1, 255))
    cut = bytes(der[: data.draw(st.integers(0, len(der)))])
    with contextlib.suppress(ValueError):
        read_validity(cut)


_KNOWN = _der(2030)[0]
