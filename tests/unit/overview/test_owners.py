"""Whose the queues are: the lists decide, and nothing of others is claimed."""

from gearhorn.clock import steady_s
from gearhorn.errors import StoreUnavailable
from gearhorn.overview.owners import share_out
from gearhorn.overview.roster import Roster
from gearhorn.store.base import Subscribe
from gearhorn.wire.loads import Load
from tests.unit.moody_store import MoodyStore

LOAD = Load(3, 1, 0)


async def share(store: MoodyStore, *queues: str, limit_s: float = 60.0) -> tuple[dict[str, Load], list[bytes]]:
    topics = [count.topic for count in await store.topics()]
    shares = await share_out({queue.encode(): LOAD for queue in queues}, topics, store, Roster(), steady_s() + limit_s)
    return shares.by_topic, sorted(shares.strangers)


async def store_with(*pairs: tuple[str, str]) -> MoodyStore:
    store = MoodyStore(steady_s)
    await store.apply([Subscribe(*pair) for pair in pairs])
    return store


async def test_a_queue_is_its_subscribers() -> None:
    store = await store_with(("news", "bob"), ("news", "eve"), ("memos", "bob"))
    assert await share(store, "news_bob", "news_eve", "memos_bob") == ({"news": Load(6, 2, 0), "memos": LOAD}, [])


async def test_a_queue_that_begins_like_a_topic_is_nobodys_without_a_subscriber() -> None:
    store = await store_with(("news", "bob"))
    assert await share(store, "news_archive", "other") == ({}, [b"news_archive", b"other"])


async def test_the_list_tells_where_a_name_can_be_split_in_two_ways() -> None:
    store = await store_with(("a", "x"), ("a_b", "c"), ("a", "b_d"))
    assert await share(store, "a_b_c", "a_b_d") == ({"a_b": LOAD, "a": LOAD}, [])


async def test_a_name_that_is_not_text_is_nobodys() -> None:
    store = await store_with(("news", "bob"))
    shares = await share_out({b"news_\xff": LOAD}, ["news"], store, Roster(), steady_s() + 60)
    assert list(shares.strangers) == [b"news_\xff"]


async def test_a_list_that_cannot_be_read_in_time_is_taken_to_have_the_client() -> None:
    store = await store_with(("news", "bob"))
    assert await share(store, "news_archive", limit_s=-1.0) == ({"news": LOAD}, [])


async def test_a_store_that_goes_away_meanwhile_hides_nothing() -> None:
    store = await store_with(("news", "bob"))
    store.fail("read", StoreUnavailable("gone"))
    assert await share(store, "news_bob") == ({"news": LOAD}, [])


async def test_a_list_is_not_read_again_at_once() -> None:
    store, roster = await store_with(("news", "bob")), Roster()
    for _ in range(3):
        await roster.find(store, ["news"], steady_s() + 60)
    assert len(store.asked["read"]) == 1
    roster.forget("news")
    await roster.find(store, ["news"], steady_s() + 60)
    assert len(store.asked["read"]) == 2
