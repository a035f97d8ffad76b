"""Which names are topics and client ids, and which would forge something."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.errors import BadRequest
from gearhorn.names import OwnQueues, check_pair, check_topic, may_collide, possible_pairs, queue_name, queue_prefix

OWN = OwnQueues().all()
CONTROLS = [chr(number) for number in (*range(0x20), *range(0x7F, 0xA0))]


def refusal(topic: str, client_id: str = "bob") -> BadRequest | None:
    try:
        check_pair(topic, client_id, OWN)
    except BadRequest as error:
        return error
    return None


GOOD = ["officememos", "a", "a_b", "a__b", "_a", "with space", "dots.and-dashes", "büro", "日本語", "x" * 100, "👍🏽"]


@pytest.mark.parametrize("name", GOOD)
def test_a_name_is_any_text_that_forges_nothing(name: str) -> None:
    check_topic(name)
    assert refusal("news", name) is None
    assert refusal(name, "x") is None


def test_queue_names_are_topic_and_client_id() -> None:
    assert queue_name("officememos", "bob") == b"officememos_bob"
    assert queue_name("büro", "jürgen") == "büro_jürgen".encode()
    assert queue_prefix("officememos") + b"bob" == queue_name("officememos", "bob")


@pytest.mark.parametrize("key", ["topic", "client_id"])
@pytest.mark.parametrize("control", CONTROLS, ids=lambda character: f"U+{ord(character):04X}")
def test_control_characters_are_refused(key: str, control: str) -> None:
    for name in (control, f"a{control}", f"{control}a", f"a{control}b"):
        error = refusal(name) if key == "topic" else refusal("news", name)
        assert error is not None
        assert (error.key, error.reason) == (key, f"has the control character U+{ord(control):04X}")


def test_the_control_characters_are_those_of_unicode() -> None:
    assert [chr(number) for number in range(0x110000) if unicodedata.category(chr(number)) == "Cc"] == CONTROLS


@pytest.mark.parametrize("half", [0xD800, 0xDBFF, 0xDC00, 0xDFFF])
@pytest.mark.parametrize("key", ["topic", "client_id"])
def test_half_a_surrogate_pair_is_refused(key: str, half: int) -> None:
    name = f"a{chr(half)}"
    error = refusal(name) if key == "topic" else refusal("news", name)
    assert error is not None
    assert error.key == key
    assert "surrogate" in error.reason


@pytest.mark.parametrize(("topic", "client_id", "key"), [("", "bob", "topic"), ("news", "", "client_id")])
def test_an_empty_name_is_refused(topic: str, client_id: str, key: str) -> None:
    error = refusal(topic, client_id)
    assert error is not None
    assert str(error) == f"{key}: is empty"


@pytest.mark.parametrize("topic", ["_", "__matchmaking_", "__matchmakin", "__", "___", "__x"])
def test_reserved_topics_are_refused(topic: str) -> None:
    with pytest.raises(BadRequest, match=r"^topic: .*reserved"):
        check_topic(topic)
    assert refusal(topic) is not None


def test_the_topic_where_workers_meet_is_open_to_others() -> None:
    check_topic("__matchmaking")
    assert refusal("__matchmaking", "watcher") is None
    check_topic("__mm", "__mm")
    with pytest.raises(BadRequest, match=r"^topic: .*reserved"):
        check_topic("__matchmaking", "__mm")


@pytest.mark.parametrize("letter", ["a", "ü", "語", "👍"])
def test_a_queue_name_of_255_bytes_fits_and_one_of_256_does_not(letter: str) -> None:
    room = 255 - len("news_")
    client_id = letter * (room // len(letter.encode()))
    client_id += "x" * (room - len(client_id.encode()))
    assert len(queue_name("news", client_id)) == 255
    assert refusal("news", client_id) is None
    error = refusal("news", client_id + "x")
    assert error is not None
    assert error.key == "client_id"
    assert "256 bytes, more than 255" in error.reason


def test_a_topic_leaves_room_for_a_client_id() -> None:
    assert refusal("t" * 253, "x") is None
    check_topic("ü" * 126 + "x")
    for topic in ("t" * 254, "ü" * 127):
        with pytest.raises(BadRequest, match=r"^topic: has 254 bytes, more than 253$"):
            check_topic(topic)


@pytest.mark.parametrize(
    ("topic", "client_id"),
    [
        ("subscribe", "fanout"),
        ("unsubscribe", "fanout"),
        ("register", "fanout_subscriber"),
        ("register_fanout", "subscriber"),
        ("fanout.news", "bob"),
        ("fanout.", "x"),
        ("subscribe", "fanout.news"),
        ("register_fanout", "subscriber.x"),
    ],
)
def test_a_pair_that_takes_a_queue_of_the_service_is_refused(topic: str, client_id: str) -> None:
    error = refusal(topic, client_id)
    assert error is not None
    assert "belongs to the service" in error.reason


@pytest.mark.parametrize("client_id", ["matchmaking", "matchmaking_worker-1", "x", "_"])
def test_no_pair_takes_a_reserved_queue_by_way_of_a_short_topic(client_id: str) -> None:
    """Topic `_` and client `matchmaking_w` would share the queue of a worker."""
    assert queue_name("_", client_id).startswith(b"__")
    error = refusal("_", client_id)
    assert error is not None
    assert error.key == "topic"


@pytest.mark.parametrize(
    ("topic", "client_id"),
    [
        ("fanout", "x"),
        ("fanoutx", "y"),
        ("subscribe", "fanouts"),
        ("subscribe", "Fanout"),
        ("subscribe_fanout", "x"),
        ("a", "fanout"),
    ],
)
def test_a_pair_that_only_looks_like_one_is_not(topic: str, client_id: str) -> None:
    assert refusal(topic, client_id) is None


def test_queues_that_were_renamed_are_kept_free_under_their_new_names() -> None:
    own = OwnQueues(subscribe=("in_queue",), unsubscribe="out", fanout="all").all()
    for pair in [("in", "queue"), ("in", "queue.x"), ("all.news", "x")]:
        with pytest.raises(BadRequest, match="belongs to the service"):
            check_pair(*pair, own)
    check_pair("subscribe", "fanout", own)


names = st.text(st.sampled_from("a_"), min_size=1, max_size=5)


@given(names, names)
def test_a_pair_may_collide_exactly_when_its_queue_name_can_be_split_elsewhere(topic: str, client_id: str) -> None:
    queue = queue_name(topic, client_id).decode()
    splits = {
        (queue[:place], queue[place + 1 :])
        for place, character in enumerate(queue)
        if character == "_" and queue[:place] and queue[place + 1 :]
    }
    assert (topic, client_id) in splits
    assert may_collide(topic, client_id) == (len(splits) > 1)


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_pair_is_accepted_or_refused_with_the_key_that_is_wrong(topic: str, client_id: str) -> None:
    error = refusal(topic, client_id)
    if error is None:
        queue = queue_name(topic, client_id)
        assert b"\0" not in queue
        assert not queue.startswith(b"__")
    else:
        assert error.key in ("topic", "client_id")
        assert len(str(error).splitlines()) == 1
        assert str(error).encode().startswith(error.key.encode())


@pytest.mark.parametrize(
    ("queue", "pairs"),
    [
        (b"a_b", [("a", "b")]),
        (b"a_b_c", [("a", "b_c"), ("a_b", "c")]),
        (b"a__b", [("a", "_b"), ("a_", "b")]),
        ("größe_ü".encode(), [("größe", "ü")]),
        *((name, []) for name in (b"", b"_", b"a", b"a_", b"_a", b"\xff_a", b"__")),
    ],
)
def test_a_queue_may_be_that_of_several_pairs(queue: bytes, pairs: list[tuple[str, str]]) -> None:
    assert list(possible_pairs(queue)) == pairs
    assert all(queue_name(*pair) == queue for pair in pairs)
