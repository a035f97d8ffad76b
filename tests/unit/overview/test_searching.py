"""Finds subscribers by a part of their id."""

import pytest

from gearhorn.core.members import Members
from gearhorn.net.address import Address
from gearhorn.overview.observer import Observer, ObserverSettings
from gearhorn.overview.searching import find_in, search
from gearhorn.overview.source import already_open
from gearhorn.store.base import Subscribe
from gearhorn.store.memory import MemoryStore

IDS = [b"web1", b"web17", b"web170", b"db-web17", b"WEB17", "wéb17".encode(), b"7", b"a"]


def found(text: str, *, is_prefix: bool = False) -> set[bytes]:
    return set(find_in(Members.of(IDS), text.encode(), is_prefix=is_prefix))


@pytest.mark.parametrize("text", ["web", "web17", "7", "b", "é", "nobody", "a", "db-web17x", "eb1"])
def test_what_is_found_is_what_a_look_at_each_id_finds(text: str) -> None:
    wanted = text.encode().lower()
    assert found(text) == {client_id for client_id in IDS if wanted in client_id.lower()}
    assert found(text, is_prefix=True) == {client_id for client_id in IDS if client_id.lower().startswith(wanted)}


def test_an_id_is_found_once_however_often_it_fits() -> None:
    assert [*find_in(Members.of([b"aaaa", b"abab"]), b"a", is_prefix=False)] == [b"aaaa", b"abab"]


def test_no_text_goes_over_the_end_of_an_id() -> None:
    members = Members.of([b"ab", b"cd"])
    for text in (b"b\nc", b"\n", b"bc", b""):
        assert not [*find_in(members, text, is_prefix=False)]


async def searched(text: str, limit: int = 1000, *, is_prefix: bool = False) -> tuple[list[tuple[str, str]], str]:
    store = MemoryStore()
    await store.open()
    await store.apply([Subscribe(topic, name) for topic in ("news", "logs") for name in ("web2", "web1", "db1")])
    nobody = Address("127.0.0.1", 9)  # discards
    observer = Observer(ObserverSettings((nobody,), patience_s=1.0), already_open(store))
    lookup = await search(observer, text, is_prefix=is_prefix, limit=limit)
    return [(one.client_id, one.topic) for one in lookup.subscribers], lookup.trouble


async def test_all_topics_are_searched_and_what_is_found_is_sorted() -> None:
    pairs, trouble = await searched("WEB")
    assert pairs == [("web1", "logs"), ("web1", "news"), ("web2", "logs"), ("web2", "news")]
    assert "127.0.0.1:9" in trouble  # how they fare nobody could tell


async def test_of_more_than_are_shown_the_first_are() -> None:
    pairs, _ = await searched("1", 2)
    assert pairs == [("db1", "logs"), ("db1", "news")]
