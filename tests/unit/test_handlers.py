"""Each job gets one ending, whatever happens on the way to it. What the endings say is asked of real servers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.handlers import Handlers, HandlerSettings
from gearhorn.metrics import Counters
from gearhorn.names import OwnQueues
from gearhorn.net.connection import LinkSettings
from gearhorn.net.dispatch import Dispatch
from gearhorn.patience import PatienceSettings
from gearhorn.resuming.ledger import Ledger, ResumingSettings
from gearhorn.store.base import Subscribe, TopicList
from gearhorn.store.memory import MemoryStore
from gearhorn.subscribers.pauses import Pauses
from gearhorn.wire.worker_events import Assigned
from tests.unit.directories import directory_of

NOW_S = 1_000_000.0


class Job:
    """Stands in for a held job: remembers its endings."""

    def __init__(self, queue: bytes, payload: bytes) -> None:
        self.assigned = Assigned(b"H:lap:1", queue, b"", payload)
        self.endings: list[tuple[str, bytes]] = []
        self.ended = asyncio.Event()
        self.is_held = True

    def complete(self, data: bytes = b"") -> None:
        self._end("complete", data)

    def refuse(self, text: bytes) -> None:
        self._end("refused", text)

    def send_status(self, done_count: int, total_count: int) -> None: ...

    def weigh(self, more_bytes: int) -> None: ...

    def _end(self, how: str, data: bytes) -> None:
        self.endings.append((how, data))
        self.ended.set()


class House:
    """Handlers over a store in memory, without any Gearman server."""

    def __init__(self, store: MemoryStore, queues: OwnQueues) -> None:
        self.directory = directory_of(store, PatienceSettings(retry_timeout_s=0.0))
        self.dispatch = Dispatch([], LinkSettings(), "test", retry_timeout_s=0.0)
        settings = HandlerSettings(queues=queues)
        ledger = Ledger(ResumingSettings(), store, LinkSettings(), self.dispatch.go_on)
        self.handlers = Handlers(settings, self.directory, self.dispatch, ledger, lambda: NOW_S, Pauses(), Counters())

    async def do(self, queue: bytes, payload: bytes) -> tuple[str, bytes]:
        job = Job(queue, payload)
        self.handlers.take(job)  # type: ignore[arg-type]
        await job.ended.wait()
        for _ in range(5):  # whoever would end it twice has the time to
            await asyncio.sleep(0)
        (ending,) = job.endings
        return ending


@pytest.fixture
async def store() -> MemoryStore:
    store = MemoryStore()
    await store.open()
    return store


MakeHouse = Callable[..., House]


@pytest.fixture
async def make_house(store: MemoryStore) -> AsyncIterator[MakeHouse]:
    houses: list[House] = []

    def make(queues: OwnQueues = OwnQueues()) -> House:  # noqa: B008 - frozen
        houses.append(House(store, queues))
        return houses[-1]

    yield make
    for house in houses:
        await house.handlers.close()
        await house.directory.close()


async def test_the_three_jobs_end_in_their_answers(make_house: MakeHouse) -> None:
    house = make_house()
    assert await house.do(b"subscribe_fanout", b'{"topic":"news","client_id":"ann"}') == ("complete", b"")
    assert await house.do(b"register_fanout_subscriber", b'{"topic":"news","client_id":"ann"}') == ("complete", b"")
    assert await house.do(b"unsubscribe_fanout", b'{"topic":"news","client_id":"ann"}') == ("complete", b"")
    assert await house.do(b"fanout", b'{"topic":"news","payload":"hello"}') == ("complete", b"0")


async def test_queues_may_have_other_names_and_then_these_are_the_ones_that_are_kept_free(
    make_house: MakeHouse,
) -> None:
    house = make_house(OwnQueues(subscribe=("join_now",), unsubscribe="part", fanout="shout"))
    assert sorted(house.handlers.queues) == [b"join_now", b"part", b"shout"]
    how, text = await house.do(b"join_now", b'{"topic":"join","client_id":"now"}')
    assert (how, text[:10]) == ("refused", b"client_id:")
    assert await house.do(b"join_now", b'{"topic":"subscribe","client_id":"fanout"}') == ("complete", b"")


OF_TOPICS = OwnQueues(topics=("news", "memos"))


async def test_the_queues_of_a_topic_take_jobs_of_that_topic(make_house: MakeHouse) -> None:
    house = make_house(OF_TOPICS)
    body = b'{"topic":"news","client_id":"ann","payload":"x"}'
    for queue in (b"subscribe_fanout", b"register_fanout_subscriber", b"unsubscribe_fanout"):
        assert await house.do(queue + b".news", body) == ("complete", b"")
    assert await house.do(b"fanout.news", body) == ("complete", b"0")
    assert await house.do(b"fanout", body) == ("complete", b"0")


@pytest.mark.parametrize(
    "queue", ["fanout.news", "subscribe_fanout.news", "register_fanout_subscriber.news", "unsubscribe_fanout.news"]
)
@pytest.mark.parametrize("topic", ["memos", "new", "newsroom", "News", "other"])
async def test_the_queues_of_a_topic_refuse_jobs_of_another(make_house: MakeHouse, queue: str, topic: str) -> None:
    body = b'{"topic":"%s","client_id":"ann","payload":"x"}' % topic.encode()
    assert await make_house(OF_TOPICS).do(queue.encode(), body) == (
        "refused",
        f"topic: the queue '{queue}' is for the topic 'news' only".encode(),
    )


async def test_fanouts_of_all_queues_are_kept_apart_from_changes(make_house: MakeHouse) -> None:
    fanouts, changes = make_house(OF_TOPICS).handlers.lanes
    assert fanouts == [b"fanout", b"fanout.news", b"fanout.memos"]
    assert sorted(fanouts + changes) == sorted(make_house(OF_TOPICS).handlers.queues)
    assert len(changes) == 9


@pytest.mark.parametrize("name", ["subscribe_fanout", "unsubscribe_fanout", "fanout"])
async def test_nobody_subscribes_to_a_queue_of_a_topic(make_house: MakeHouse, name: str) -> None:
    """Whether the topic has queues now or may get some: the queue of topic `fanout.a` and client `b` is `fanout.a_b`,
    that of a topic `a_b`."""
    topic, _, client_id = f"{name}.a_b".rpartition("_")
    body = b'{"topic":"%s","client_id":"%s"}' % (topic.encode(), client_id.encode())
    how, text = await make_house(OwnQueues(topics=("a_b",))).do(b"subscribe_fanout", body)
    assert (how, b"belongs to the service" in text) == ("refused", True)


async def test_a_fanout_that_comes_too_late_sends_nothing(make_house: MakeHouse, store: MemoryStore) -> None:
    await store.apply([Subscribe("news", "ann")])
    house = make_house()
    assert await house.do(b"fanout", b'{"topic":"news","payload":"x","expires":999999.9}') == ("complete", b"0")
    how, text = await house.do(b"fanout", b'{"topic":"news","payload":"x","expires":1000000.1}')
    assert (how, b"no Gearman server" in text) == ("refused", True)  # it would have been sent


@pytest.mark.parametrize("background", [b"true", b"false"])
async def test_copies_that_no_server_takes_are_named_in_the_answer(
    make_house: MakeHouse, store: MemoryStore, background: bytes
) -> None:
    await store.apply([Subscribe("news", "ann")])
    body = b'{"topic":"news","payload":"x","background":' + background + b"}"
    reason = b'[["ann","not sent: no Gearman server could be reached for 0 s"]]'
    assert await make_house().do(b"fanout", body) == ("refused", reason)


async def test_a_collision_names_the_queue_and_whose_it_is(make_house: MakeHouse) -> None:
    house = make_house()
    assert await house.do(b"subscribe_fanout", b'{"topic":"a_b","client_id":"c"}') == ("complete", b"")
    assert await house.do(b"subscribe_fanout", b'{"topic":"a","client_id":"b_c"}') == (
        "refused",
        b"client_id: the queue 'a_b_c' is that of a subscriber of topic 'a_b'",
    )


@pytest.mark.parametrize(
    ("trouble", "text"),
    [
        (StoreUnavailable("no\nanswer"), b"the store cannot be reached: no answer"),
        (Misconfigured("wrong password"), b"the service is not set up right: wrong password"),
        (ZeroDivisionError("secret"), b"the service has a bug: its log tells more"),
    ],
)
async def test_trouble_ends_the_job_in_one_line(
    make_house: MakeHouse, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, trouble: Exception, text: bytes
) -> None:
    async def read(topics: Sequence[str]) -> list[TopicList]:
        raise trouble

    monkeypatch.setattr(store, "read", read)
    assert await make_house().do(b"fanout", b'{"topic":"news","payload":"x"}') == ("refused", text)


async def test_a_job_of_a_queue_that_is_not_served_is_refused_and_not_raised(make_house: MakeHouse) -> None:
    how, _ = await make_house().do(b"nonsense", b"{}")
    assert how == "refused"


async def test_a_change_whose_job_has_gone_back_to_its_server_is_left_to_another_worker(
    make_house: MakeHouse, store: MemoryStore
) -> None:
    house = make_house()
    gone, held = (
        Job(b"subscribe_fanout", b'{"topic":"%s","client_id":"bob"}' % topic) for topic in (b"news", b"memos")
    )
    gone.is_held = False
    for job in (gone, held):
        house.handlers.take(job)  # type: ignore[arg-type]
    await held.ended.wait()
    assert [topic for topic, _ in await store.topics()] == ["memos"]
    assert not gone.endings


async def test_closing_leaves_unfinished_jobs_to_their_server(make_house: MakeHouse, store: MemoryStore) -> None:
    blocked = asyncio.Event()

    async def read(topics: Sequence[str]) -> list[TopicList]:
        blocked.set()
        await asyncio.Event().wait()
        raise AssertionError

    store.read = read  # type: ignore[method-assign]
    house = make_house()
    job = Job(b"fanout", b'{"topic":"news","payload":"x"}')
    house.handlers.take(job)  # type: ignore[arg-type]
    await blocked.wait()
    await house.handlers.close()
    assert not job.endings
