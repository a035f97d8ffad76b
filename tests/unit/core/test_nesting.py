"""How deep JSON is nested, held against a plain count of what Python's own decoder makes of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.core.nesting import _PIECE_BYTES, is_deeper_than

texts = st.text(st.sampled_from('ab[]{}"\\,: \n'), max_size=6)
values = st.recursive(
    st.none() | st.integers() | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=30
)


def depth_of(value: Any) -> int:
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 0


@given(values, st.integers(0, 8))
def test_the_limit_is_exact(value: Any, limit: int) -> None:
    depth = depth_of(value)
    text = json.dumps(value).encode()
    assert is_deeper_than(limit, text) == (depth > limit)
    assert not is_deeper_than(depth, text)
    assert depth == 0 or is_deeper_than(depth - 1, text)


@pytest.mark.parametrize("depth", [1, 2, 511, 512, 513, 5000])
@pytest.mark.parametrize("around", [b"%s", b'[["",[[]],{"a":"]"}],%s]', b"[%s,1]"])
def test_deep_ones_are_counted_whatever_stands_beside(depth: int, around: bytes) -> None:
    text = around % (b"[" * depth + b"]" * depth)
    whole = depth + (around != b"%s")
    assert not is_deeper_than(max(whole, 4), text)
    assert is_deeper_than(whole - 1, text)


@pytest.mark.parametrize("shift", range(-3, 4))
def test_a_string_may_lie_across_two_pieces(shift: int) -> None:
    text = b"[" + b'"[",' * ((_PIECE_BYTES + shift) // 3) + b'"]"' + b",[[[[1]]]]]"
    assert not is_deeper_than(5, text)
    assert is_deeper_than(4, text)


def test_a_wide_value_costs_no_time() -> None:
    """Ten million objects: the time limit of the tests would end a look at each of them for each level."""
    assert not is_deeper_than(512, b"[" + b'{"a":[]},' * 3_000_000 + b"1]")
    assert is_deeper_than(512, b"[" + (b"[" * 512 + b"]" * 512 + b",") * 3000 + b"1]")
