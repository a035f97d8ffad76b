"""Copies in bulk are the packets that one-by-one building gives."""

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.wire.copies import CopyEncoder, KeyedCopyEncoder
from gearhorn.wire.packets import SUBMIT_KINDS, pack
from tests.unit.wire.streams import packets_in

names_in_rows = st.integers(0, 20).flatmap(
    lambda length: st.lists(
        st.binary(min_size=length, max_size=length).filter(lambda name: b"\n" not in name), min_size=1, max_size=20
    )
)


def packed(names: list[bytes]) -> bytes:
    return b"".join(name + b"\n" for name in names)


@given(
    st.sampled_from(sorted(SUBMIT_KINDS.values())),
    st.binary(max_size=9),
    st.binary(max_size=9),
    st.binary(),
    names_in_rows,
)
def test_a_row_is_encoded_like_its_copies_one_by_one(
    kind: int, prefix: bytes, unique: bytes, payload: bytes, names: list[bytes]
) -> None:
    encoder = CopyEncoder(kind, prefix, unique, payload)
    encoded = b"".join(encoder.encode(packed(names), len(names[0])))
    assert encoded == b"".join(pack(kind, prefix + name, unique, payload) for name in names)
    assert b"".join(encoder.encode_one_by_one(packed(names), len(names[0]))) == encoded
    assert len(encoded) == len(names) * encoder.size_bytes(len(names[0]))


def test_a_copy_has_the_bytes_of_the_protocol_text() -> None:
    encoder = CopyEncoder(18, b"news_", b"u", b"a\0b")
    assert b"".join(encoder.encode(b"ann\nbob\n", 3)) == (
        b"\0REQ\0\0\0\x12\0\0\0\x0enews_ann\0u\0a\0b\0REQ\0\0\0\x12\0\0\0\x0enews_bob\0u\0a\0b"
    )


@pytest.mark.parametrize("payload", [b"", b"\0", b"\0REQ\0\0\0\x12\0\0\0\0", "Grüße".encode()])
def test_a_payload_is_not_looked_at(payload: bytes) -> None:
    encoded = CopyEncoder(18, b"t_", b"", payload).encode(b"x\ny\nz\n", 1)
    assert packets_in(b"".join(encoded)) == [(18, b"t_%b\0\0%b" % (name, payload)) for name in (b"x", b"y", b"z")]


def test_one_encoder_serves_rows_of_different_lengths() -> None:
    encoder = CopyEncoder(18, b"t_", b"", b"p")
    assert packets_in(b"".join(encoder.encode(b"a\n", 1) + encoder.encode(b"bb\ncc\n", 2))) == [
        (18, b"t_a\0\0p"),
        (18, b"t_bb\0\0p"),
        (18, b"t_cc\0\0p"),
    ]


def test_pieces_share_the_payload() -> None:
    pieces = CopyEncoder(18, b"t_", b"", b"p" * 100_000).encode_one_by_one(b"a\nb\n", 1)
    assert [len(piece) for piece in pieces] == [15, 100_002] * 2
    assert pieces[1] is pieces[3]


@given(names_in_rows)
def test_with_a_key_each_copy_has_a_unique_key_of_its_own(names: list[bytes]) -> None:
    """The same for a queue whenever its copy is sent again, and of a length that gearmand takes."""
    encoder = KeyedCopyEncoder(18, b"news_", b"0123456789abcdef01234567", b"a\0b")
    encoded = b"".join(encoder.encode(packed(names), len(names[0])))
    uniques = [b"0123456789abcdef01234567-%08x" % crc32(name) for name in names]
    assert max(map(len, uniques)) <= 63
    assert encoded == b"".join(
        pack(18, b"news_" + name, unique, b"a\0b") for name, unique in zip(names, uniques, strict=True)
    )
    assert b"".join(encoder.encode_one_by_one(packed(names), len(names[0]))) == encoded
    assert len(encoded) == len(names) * encoder.size_bytes(len(names[0]))
