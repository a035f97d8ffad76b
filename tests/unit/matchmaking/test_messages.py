"""What workers tell each other arrives as it was meant, and anything else is a wish to read lists anew."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.core.news import UNKNOWN, News
from gearhorn.matchmaking.messages import (
    IDS_LIMIT_BYTES,
    Flush,
    Told,
    describe,
    parse_message,
    parse_news,
    render_for_observers,
    render_message,
)

TOPIC, SENDER = "__matchmaking", "host9"
STEP = News("news", 7, 6, {b"ann": True, b"bob": False})
WHOLE = {"topic": "news", "version": 7, "old_version": 6, "added": ["ann"], "removed": ["bob"]}

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
differences = st.dictionaries(names.map(str.encode), st.booleans(), max_size=8)
versions = st.integers(0, 2**63)
steps = st.builds(News, names, versions) | st.builds(News, names, versions, versions, differences)


def meaning(news: News) -> tuple[object, ...]:
    return news.topic, news.version, news.old_version, news.difference


# Between workers


@given(names, st.lists(steps, max_size=6))
def test_news_arrive_as_they_were_sent(token: str, news: list[News]) -> None:
    told = parse_message(render_message(TOPIC, SENDER, token, news))
    assert isinstance(told, Told)
    assert told.token == token
    assert [meaning(one) for one in told.news] == [meaning(one) for one in news]


def test_a_message_is_the_object_that_is_described() -> None:
    assert json.loads(render_message(TOPIC, SENDER, "1f", [STEP, News("memos", 3)])) == {
        "topic": TOPIC,
        "lease": "1f",
        "from": SENDER,
        "changes": [WHOLE, {"topic": "memos", "version": 3}],
    }


def test_keys_that_later_releases_may_add_are_passed_over() -> None:
    change = {**WHOLE, "reason": {"deep": [1]}}
    body = {"topic": TOPIC, "lease": "1f", "changes": [change], "more": [[[]]]}
    assert parse_message(json.dumps(body).encode()) == Told("1f", [STEP])


def test_a_message_without_changes_is_for_the_lease_all_the_same() -> None:
    assert parse_message(b'{"topic": "__matchmaking", "lease": "1f", "changes": []}') == Told("1f", [])


# Bounds


def ids(count: int, length: int) -> dict[bytes, bool]:
    return {b"%0*d" % (length, number): number % 2 == 0 for number in range(count)}


def test_as_many_ids_as_a_message_may_have_are_told() -> None:
    full = News("news", 7, 6, ids(IDS_LIMIT_BYTES // 64, 64))
    told = parse_message(render_message(TOPIC, SENDER, "1f", [full]))
    assert isinstance(told, Told)
    assert [meaning(one) for one in told.news] == [meaning(full)]


def test_with_more_ids_it_is_only_told_that_lists_have_changed() -> None:
    half = News("news", 7, 6, ids(IDS_LIMIT_BYTES // 128, 64))
    more = News("memos", 3, 2, {**ids(IDS_LIMIT_BYTES // 128, 64), b"x": True})
    body = render_message(TOPIC, SENDER, "1f", [half, more, STEP, News("others", 1)])
    told = parse_message(body)
    assert isinstance(told, Told)
    assert [meaning(one) for one in told.news] == [
        meaning(half),
        ("memos", 3, UNKNOWN, None),
        ("news", 7, UNKNOWN, None),
        ("others", 1, UNKNOWN, None),
    ]
    assert len(body) < IDS_LIMIT_BYTES * 2


def test_those_who_watch_get_no_more_either() -> None:
    full = News("news", 7, 6, {**ids(IDS_LIMIT_BYTES // 64, 64), b"x": True})
    (body,) = render_for_observers(SENDER, [full])
    assert json.loads(body) == {"topic": "news", "version": 7, "from": SENDER}


# To those who watch


def test_those_who_watch_get_the_changes_one_by_one() -> None:
    bodies = list(render_for_observers(SENDER, [STEP, News("memos", 3)]))
    assert [json.loads(body) for body in bodies] == [
        {**WHOLE, "from": SENDER},
        {"topic": "memos", "version": 3, "from": SENDER},
    ]


@given(steps)
def test_what_those_who_watch_get_can_be_read(news: News) -> None:
    (body,) = render_for_observers(SENDER, [news])
    read = parse_news(body)
    assert isinstance(read, News)
    assert meaning(read) == meaning(news)


@given(steps)
def test_to_a_worker_without_a_lease_it_is_a_wish_to_read_the_list(news: News) -> None:
    (body,) = render_for_observers(SENDER, [news])
    assert parse_message(body) == Flush(news.topic)


def test_to_those_who_watch_a_message_for_a_worker_is_no_news() -> None:
    assert parse_news(render_message(TOPIC, SENDER, "1f", [STEP])) == Flush(TOPIC)


# From outside


@pytest.mark.parametrize(
    "body",
    [
        b'{"topic": "news"}',
        b'{"topic": "news", "payload": {"a": [1]}}',
        b'{"topic": "news", "lease": "1f"}',
        b'{"topic": "news", "lease": 5, "changes": []}',
        b'{"topic": "news", "lease": null, "changes": []}',
        b'{"topic": "news", "lease": "1f", "changes": {}}',
        b'{"topic": "news", "lease": "1f", "changes": [null]}',
        b'{"topic": "news", "lease": "1f", "changes": [{"topic": "news"}]}',
        b'{"topic": "news", "lease": "1f", "changes": [{"topic": "news", "version": "7"}]}',
        b'{"topic": "news", "lease": "1f", "changes": [{"topic": "news", "version": 7.5}]}',
        b'{"topic": "news", "lease": "1f", "changes": [{"topic": "news", "version": 7, "added": "ann"}]}',
        b'{"topic": "news", "lease": "1f", "changes": [{"topic": "news", "version": 7, "removed": [1]}]}',
    ],
)
def test_whatever_names_a_topic_is_a_wish_to_read_its_list(body: bytes) -> None:
    assert parse_message(body) == Flush("news")


NONSENSE = [
    b"",
    b" ",
    b"{}",
    b"[]",
    b"null",
    b"7",
    b'"news"',
    b"{",
    b'{"topic": "news"',
    b'{"topic": "news"} x',
    b'{"topic": null}',
    b'{"topic": 7}',
    b'{"topic": ["news"]}',
    b'{"Topic": "news"}',
    b'{"topic": "\xff"}',
    b'{"topic": "\\ud800"}',
    b"\xff\xfe",
    b"\0",
    '{"topic": "news"}'.encode("utf-16"),
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"topic": "news", "changes": ' + b"[" * 100_000,
    b'{"topic": "news", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
]


@pytest.mark.parametrize("parse", [parse_message, parse_news])
@pytest.mark.parametrize("body", NONSENSE)
def test_what_is_not_understood_is_a_wish_to_read_everything(parse: object, body: bytes) -> None:
    assert callable(parse)
    assert parse(body) == Flush(None)


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_are_an_error(body: bytes) -> None:
    assert isinstance(parse_message(body), Flush)
    assert isinstance(parse_news(body), Flush | News)


@given(st.data())
def test_a_message_that_was_cut_or_damaged_is_never_an_error(data: st.DataObject) -> None:
    whole = render_message(TOPIC, SENDER, "1f", [STEP])
    at = data.draw(st.integers(0, len(whole) - 1))
    assert parse_message(whole[:at]) == Flush(None)
    parse_message(whole[:at] + data.draw(st.binary(max_size=3)) + whole[at + 1 :])


def test_a_worker_describes_itself_as_an_object() -> None:
    assert json.loads(describe(address="höst", servers=["a:1"], renewals=0)) == {
        "address": "höst",
        "servers": ["a:1"],
        "renewals": 0,
    }
