"""Long lists and large batches."""

from gearhorn.store.base import Store, Subscribe, TopicCount, Unsubscribe
from tests.functional.store.conftest import OpenHandle
from tests.functional.store.questions import apply, members, read, subscribe, unsubscribe

HOSTS = [f"host-{number:05}.example.org" for number in range(10_000)]


async def test_a_list_of_ten_thousand_is_kept_whole(open_handle: OpenHandle) -> None:
    one, two = await open_handle(), await open_handle()
    results = await apply(one, [Subscribe("news", host) for host in HOSTS])
    assert all(result.changed for result in results)
    assert await members(two, "news") == HOSTS
    assert await two.topics() == [TopicCount("news", len(HOSTS))]


async def test_single_changes_of_a_long_list_leave_the_others_alone(store: Store) -> None:
    await apply(store, [Subscribe("news", host) for host in HOSTS])
    last = (await read(store, "news")).version
    for host in HOSTS[::1000]:
        applied = await unsubscribe(store, "news", host)
        assert applied.changed
        assert applied.version > last
        last = applied.version
    await subscribe(store, "news", "a newcomer")
    await subscribe(store, "news", "zzz another")
    assert await members(store, "news") == sorted({*HOSTS, "a newcomer", "zzz another"} - {*HOSTS[::1000]})


async def test_a_long_list_can_be_emptied_and_filled_again(store: Store) -> None:
    await apply(store, [Subscribe("news", host) for host in HOSTS])
    results = await apply(store, [Unsubscribe("news", host) for host in HOSTS])
    assert all(result.changed for result in results)
    assert await members(store, "news") == []
    assert await store.topics() == []
    again = await apply(store, [Subscribe("news", host) for host in HOSTS[:10]])
    assert again[0].version > results[-1].version
    assert await members(store, "news") == HOSTS[:10]


async def test_a_list_above_a_megabyte_is_kept_whole(store: Store) -> None:
    """More than memcached takes in one value."""
    hosts = [f"host-{number:05}." + "x" * 180 for number in range(6000)]
    assert sum(map(len, hosts)) > 1 << 20
    await apply(store, [Subscribe("news", host) for host in hosts])
    assert await members(store, "news") == hosts
    await unsubscribe(store, "news", hosts[3000])
    assert await members(store, "news") == hosts[:3000] + hosts[3001:]


async def test_ttls_work_in_a_long_list(store: Store) -> None:
    wishes = [Subscribe("news", host, 1000 if number % 2 else 0) for number, host in enumerate(HOSTS)]
    await apply(store, wishes)
    ends = {item.client_id: item.expires_in_s for item in await store.subscriptions("news")}
    assert [host for host in HOSTS if ends[host] is None] == HOSTS[::2]


async def test_a_long_list_can_be_read_in_pages_while_it_changes(open_handle: OpenHandle) -> None:
    one, two = await open_handle(), await open_handle()
    await apply(one, [Subscribe("news", host, 900.0 * (host in HOSTS[::2])) for host in HOSTS])
    found: dict[str, float | None] = {}
    async for page in one.subscription_pages("news"):
        found.update(page)
        gone, come = f"gone-{len(found)}", f"come-{len(found)}"
        await apply(two, [Unsubscribe("news", HOSTS[0]), Subscribe("news", gone), Unsubscribe("news", gone)])
        await subscribe(two, "news", come)
    lasting = HOSTS[1:]
    assert {host for host in lasting if host not in found} == set()
    assert [host for host in lasting if (found[host] is None) != (host in HOSTS[1::2])] == []
    assert [host for host in found if not host.startswith(("come-", "host-"))] == []


async def test_a_list_of_nobody_has_no_page_with_anybody(store: Store) -> None:
    assert [one async for page in store.subscription_pages("news") for one in page] == []
