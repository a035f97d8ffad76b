"""How deep JSON is nested, told without reading it: a decoder's own limit depends on the Python that it runs in."""

from array import array
from collections.abc import Iterator
from itertools import accumulate

_BRACKETS = b"[]{}"
_NO_MARKS = bytes(set(range(256)) - set(_BRACKETS + b'"'))
# Many short strings are many objects: not all of them at once.
_PIECE_BYTES = 256 << 10
_AS_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_AS_STEPS = bytes.maketrans(b"[]", b"\1\xff")  # +1 and -1 as signed bytes


def is_deeper_than(limit: int, text: bytes) -> bool:
    """Whether more than `limit` objects and lists are in each other. `text` must be JSON.

    Costs nothing worth speaking of where there are no more brackets than that, and up to 30 ns a byte where there are.
    """
    if text.count(b"[") + text.count(b"{") <= limit:
        return False
    brackets = _brackets_of(text)
    while brackets:
        rest = brackets.replace(b"[]", b"")  # the innermost pairs
        limit -= 1
        if limit < 0:
            return True
        if len(rest) * 2 > len(brackets):  # deep rather than broad: one look at each bracket is cheaper
            return max(accumulate(array("b", rest.translate(_AS_STEPS))), default=0) > limit
        brackets = rest
    return False


def _brackets_of(text: bytes) -> bytes:
    """The brackets outside of strings, all of them square."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = text.translate(None, _NO_MARKS).replace(b'""', b"")  # which joins strings, and puts none inside out
    if b'"' in marks:
        marks = b"".join(_outside_of_strings(marks))
    return marks.translate(_AS_ONE_KIND)


def _outside_of_strings(marks: bytes) -> Iterator[bytes]:
    is_inside = False
    for start in range(0, len(marks), _PIECE_BYTES):
        parts = marks[start : start + _PIECE_BYTES].split(b'"')
        yield b"".join(parts[is_inside::2])
        is_inside ^= len(parts) % 2 == 0
