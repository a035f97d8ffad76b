import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.names import QUEUE_NAME_LIMIT_BYTES, may_collide, queue_name
from gearhorn.store.memcached_layout import (
    KEY_LIMIT_BYTES,
    NOBODY,
    PERMANENT,
    Chunk,
    Claim,
    Keys,
    Root,
    decode_entries,
    decode_root,
    encode_entries,
    encode_root,
    first_end_us,
    next_end_us,
)

# What names.py lets through: no control characters, no halves of surrogate pairs.
characters = st.characters(exclude_categories=["Cc", "Cs"])
names = st.text(characters, min_size=1, max_size=60)
client_ids = names.map(str.encode)
times_us = st.integers(0, 10**16)
entries = st.dictionaries(client_ids, times_us, max_size=8)
chunks = st.builds(Chunk, client_ids, st.text("0123456789abcdef", min_size=32, max_size=32), times_us, times_us)
claims = st.none() | times_us
roots = st.one_of(
    st.builds(Root, times_us, entries, st.just(()), claims),
    st.builds(Root, times_us, st.just({}), st.lists(chunks, min_size=1, max_size=4).map(tuple), claims),
)


@given(entries)
def test_entries_come_back_as_they_were_written(written: dict[bytes, int]) -> None:
    assert decode_entries(encode_entries(written.items())) == written


@given(roots)
def test_a_root_comes_back_as_it_was_written(written: Root) -> None:
    assert decode_root(encode_root(written)) == written


@given(names, times_us)
def test_a_claim_comes_back_as_it_was_written(topic: str, made_at_us: int) -> None:
    assert Claim.decode(Claim(topic, made_at_us).encode()) == Claim(topic, made_at_us)


@pytest.mark.parametrize("kind", [b"list", b"chunks"])
def test_words_that_a_later_release_may_add_to_a_root_are_passed_over(kind: bytes) -> None:
    body = b"bob" if kind == b"list" else b"bob\ttoken\t1\t0"
    for words, claimed_at_us in ((b"settled=6 more", None), (b"unsettled=5 more", 5), (b"x unsettled=0 x=", NOBODY)):
        root = decode_root(b"gearhorn %s 7 %s\n%s" % (kind, words, body))
        assert (root.version, root.claimed_at_us) == (7, claimed_at_us)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"\x80\x04\x95",
        b"gearhorn list",
        b"gearhorn list x\n",
        b"gearhorn list 1 unsettled=x\n",
        b"gearhorn list 1 unsettled=\n",
        b"gearhorn list 1\nbob\tx",
        b"gearhorn set 1\n",
        b"other list 1\n",
        b"gearhorn chunks 1\n",
        b"gearhorn chunks 1\nbob\ttoken\t1",
        b"gearhorn chunks 1\na\tb\tc\td",
    ],
)
def test_what_is_no_root_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode_root(data)


@given(st.binary(max_size=40))
def test_no_bytes_do_worse_to_a_reader_than_a_refusal(data: bytes) -> None:
    for decode in (decode_root, decode_entries, Claim.decode):
        with contextlib.suppress(ValueError):
            decode(data)


def test_the_next_end_is_the_first_of_those_that_end() -> None:
    assert next_end_us({b"a": 0, b"b": 7, b"c": 5}) == 5
    assert next_end_us({b"a": 0}) == 0
    assert next_end_us({}) == 0


def test_the_first_end_of_a_list_is_that_of_its_entries_or_of_all_its_chunks() -> None:
    assert first_end_us(Root(1, {b"a": 0, b"b": 7, b"c": 5})) == 5
    ends_us = (0, 9, 4, 0)
    root = Root(1, {}, tuple(Chunk(b"%d" % number, "token", 1, end_us) for number, end_us in enumerate(ends_us)))
    assert first_end_us(root) == 4
    assert first_end_us(Root(1, {b"a": PERMANENT})) == first_end_us(Root(1, {}, root.chunks[:1])) == PERMANENT


long_names = st.text(characters, min_size=1, max_size=80).filter(lambda name: len(name.encode()) <= 253)


@given(long_names, long_names)
def test_different_names_have_different_keys_and_memcached_takes_them(one: str, two: str) -> None:
    keys = Keys("p" * 64)
    for key in (keys.topic(one), keys.topic(two), keys.bucket_of(one), keys.agenda(63), keys.leases()):
        assert len(key) <= KEY_LIMIT_BYTES
        assert key.isascii()
        assert key.isprintable()
        assert " " not in key
    assert (keys.topic(one) == keys.topic(two)) == (one == two)


def test_names_that_look_like_other_names_encoded_are_kept_apart() -> None:
    keys = Keys("p")
    long = "x" * 300
    alike = ["a b", "a%20b", "a+b", "a%2520b", "A b", long, long + "x", keys.topic(long).removeprefix("p:topic:")]
    assert len({keys.topic(name) for name in alike}) == len(alike)


def test_short_names_can_be_read_in_a_key() -> None:
    keys = Keys("gearhorn")
    assert keys.topic("news") == "gearhorn:topic:news"
    assert keys.queue("a_b", b"c") == "gearhorn:queue:a_b_c"
    assert keys.chunk("f00") == "gearhorn:chunk:f00"


def test_a_topic_is_always_in_the_same_one_of_the_buckets() -> None:
    keys = Keys("p")
    buckets = [keys.bucket_of(f"topic-{number}") for number in range(1000)]
    assert set(buckets) == set(keys.buckets())
    assert buckets == [keys.bucket_of(f"topic-{number}") for number in range(1000)]


pairs = st.tuples(st.text("ab_", min_size=1, max_size=5), st.text("ab_", min_size=1, max_size=5))


@given(pairs)
def test_a_pair_may_collide_exactly_if_its_queue_name_can_be_split_in_another_place(pair: tuple[str, str]) -> None:
    queue = queue_name(*pair).decode()
    assert len(queue) < QUEUE_NAME_LIMIT_BYTES
    splits = {(queue[:at], queue[at + 1 :]) for at, character in enumerate(queue) if character == "_"}
    others = {split for split in splits if all(split)} - {pair}
    assert may_collide(*pair) == bool(others)
