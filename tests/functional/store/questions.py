"""Short ways to ask a store, for tests."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from gearhorn.store.base import Applied, Change, RecordKey, Store, Subscribe, TopicList, TopicState, Unsubscribe
from gearhorn.store.leases import Lease, LeaseKey, Renewal, TopicVersion

POLL_LIMIT_S = 20.0

# Of leases. A short one is waited for, a long one outlasts every test. A store whose clock knows only whole seconds may
# let each last for two more.
SHORT_S = 0.3
LONG_S = 1000.0
ROUNDING_S = 2.0

END_S = 0.05  # of subscriptions that are to end by themselves

INFO = '{"host": "web-1"}'

_A = LeaseKey("a", "first")

# Whatever a worker may ask beside lists and changes, for tests in which all questions have the same answer.
LEASE_CALLS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "settle": lambda store: store.settle([TopicVersion("news", 1)]),
    "take": lambda store: store.take_lease(_A, LONG_S, INFO),
    "renew": lambda store: store.renew_lease(_A, LONG_S, INFO),
    "release": lambda store: store.release_lease(_A),
    "revoke": lambda store: store.revoke_leases([_A]),
    "forget": lambda store: store.forget_lease(_A),
    "list": lambda store: store.leases(),
}

_R = RecordKey("test", "first")

# The same for records.
RECORD_CALLS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "claim": lambda store: store.claim_record(_R, b"1", LONG_S),
    "keep": lambda store: store.keep_record(_R, b"1", LONG_S),
    "read": lambda store: store.read_record(_R),
    "drop": lambda store: store.drop_record(_R),
    "drop a value": lambda store: store.drop_record(_R, b"1"),
    "names": lambda store: store.record_names("test"),
}


async def apply(store: Store, changes: Sequence[Change]) -> list[Applied]:
    """For changes of which none is to be refused."""
    results = (await store.apply(changes)).results
    assert len(results) == len(changes)
    assert all(isinstance(result, Applied) for result in results), results
    return cast(list[Applied], results)


async def subscribe(store: Store, topic: str, client_id: str, ttl_s: float = 0) -> Applied:
    [applied] = await apply(store, [Subscribe(topic, client_id, ttl_s)])
    return applied


async def unsubscribe(store: Store, topic: str, client_id: str) -> Applied:
    [applied] = await apply(store, [Unsubscribe(topic, client_id)])
    return applied


async def read(store: Store, topic: str) -> TopicList:
    [found] = await store.read([topic])
    return found


async def members(store: Store, topic: str) -> list[str]:
    """Sorted, so that one who is there twice is seen."""
    return sorted(client_id.decode() for client_id in (await read(store, topic)).client_ids)


async def state(store: Store, change: Change) -> TopicState:
    """What the change found of its topic and left of it."""
    return (await store.apply([change])).topics[change.topic]


async def is_settled(store: Store, topic: str) -> bool:
    """Found out by a change that changes nothing."""
    return (await state(store, Unsubscribe(topic, "nobody"))).is_settled


async def settle(store: Store, topic: str) -> int:
    """With the version that it has. Returns that."""
    version = (await read(store, topic)).version
    await store.settle([TopicVersion(topic, version)])
    return version


async def let_end(store: Store, topic: str, client_id: str = "sand") -> int:
    """Has a subscription end by itself, of a topic that was settled before. The version since."""
    begun = await subscribe(store, topic, client_id, END_S)
    await store.settle([TopicVersion(topic, begun.version)])  # the end may have come already, which is not settled

    async def is_over() -> bool:
        return client_id not in await members(store, topic)

    await wait_until(is_over)
    return (await read(store, topic)).version


async def hold(store: Store, worker_id: str, ttl_s: float = LONG_S, token: str = "1") -> LeaseKey:
    """A new lease."""
    key = LeaseKey(worker_id, token)
    assert await store.take_lease(key, ttl_s, INFO) is None
    return key


async def renew(store: Store, key: LeaseKey, ttl_s: float = LONG_S) -> Renewal:
    """What a renewal hands out. A lease that has run out by now, because the machine is slow, is taken again."""
    while True:
        await store.take_lease(key, ttl_s, INFO, [key.token])
        renewal = await store.renew_lease(key, ttl_s, INFO)
        if renewal.is_held:
            return renewal


async def holders(store: Store) -> dict[str, Lease]:
    """The leases that a change has to wait for, by worker id."""
    leases = (await store.apply([Unsubscribe("unused", "nobody")])).leases
    assert len({lease.key.worker_id for lease in leases}) == len(leases)
    return {lease.key.worker_id: lease for lease in leases}


async def let_run_out(store: Store, key: LeaseKey) -> LeaseKey:
    """Waits until no change has to wait for this lease any more. It is not forgotten."""

    async def is_gone() -> bool:
        return key.worker_id not in await holders(store)

    await wait_until(is_gone)
    return key


async def wait_until(is_true: Callable[[], Awaitable[object]]) -> None:
    """Polls. The limit only keeps a failing test from hanging."""
    async with asyncio.timeout(POLL_LIMIT_S):
        while not await is_true():  # noqa: ASYNC110 - nobody could set an event: the store knows only when asked
            await asyncio.sleep(0.005)
