"""When somebody who watches reads the list again, and what is made of messages."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from gearhorn.client.copies import Copy
from gearhorn.cmd import watch
from gearhorn.cmd.picture import Event
from gearhorn.cmd.watch import HEARD_LIMIT, Watcher
from gearhorn.core.news import News
from gearhorn.errors import StoreUnavailable
from gearhorn.matchmaking.messages import render_for_observers, render_message
from gearhorn.store.base import Subscribe, TopicList, TopicState, Unsubscribe
from gearhorn.store.memory import MemoryStore

LIMIT_S = 10.0


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not true():  # noqa: ASYNC110 - what is waited for is seen from outside only
            await asyncio.sleep(0.001)


class CountingStore(MemoryStore):
    """Counts how often it is read; as long as `is_away`, in vain. A read waits for `may_answer`."""

    def __init__(self) -> None:
        super().__init__()
        self.read_count = 0
        self.is_away = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def read(self, topics: Sequence[str]) -> list[TopicList]:
        self.read_count += 1
        await self.may_answer.wait()
        if self.is_away:
            raise StoreUnavailable("it is away")
        return await super().read(topics)


class Scene:
    """A watcher of the topic `news`, and what it has shown."""

    def __init__(self, store: CountingStore) -> None:
        self.store = store
        self.shown: list[str] = []
        self.may_show = asyncio.Event()
        self.may_show.set()
        self.watcher = Watcher(store, "news", self._show)
        self._task: asyncio.Task[None] | None = None

    async def _show(self, events: list[Event]) -> None:
        await self.may_show.wait()
        self.shown += [f"{event} {client_id}" for event, client_id in events]

    async def start(self) -> None:
        await self.watcher.read()
        self._task = asyncio.create_task(self.watcher.follow())

    async def change(self, change: Subscribe | Unsubscribe) -> TopicState:
        outcome = await self.store.apply([change])
        return outcome.topics[change.topic]

    async def join(self, client_id: str, topic: str = "news") -> bytes:
        """Returns the message that a worker would send."""
        old_version, version, _ = await self.change(Subscribe(topic, client_id))
        (message,) = render_for_observers("worker", [News(topic, version, old_version, {client_id.encode(): True})])
        return message

    async def hear(self, message: bytes) -> None:
        await self.watcher.take(Copy("__matchmaking", message))

    async def shows(self, wanted: list[str]) -> None:
        await until(lambda: self.shown == wanted)

    async def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])


@pytest.fixture
async def scene(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(watch, "PAUSE_S", 0.001)
    monkeypatch.setattr(watch, "STORE_RETRY_S", 0.001)
    store = CountingStore()
    await store.open()
    scene = Scene(store)
    await scene.join("alice")
    await scene.start()
    assert scene.shown == ["listed alice"]
    yield scene
    await scene.end()


async def test_news_are_shown_without_reading_the_list(scene: Scene) -> None:
    messages = [await scene.join("bob"), await scene.join("eve")]
    for message in messages:
        await scene.hear(message)
    await scene.shows(["listed alice", "joined bob", "joined eve"])
    assert scene.store.read_count == 1


async def test_news_of_other_topics_are_ignored(scene: Scene) -> None:
    await scene.hear(await scene.join("zoe", "memos"))
    await scene.hear(await scene.join("bob"))
    await scene.shows(["listed alice", "joined bob"])
    assert scene.store.read_count == 1


@pytest.mark.parametrize(
    "message",
    [
        b"{}",
        b"",
        b"\xff",
        b'{"topic": "news"}',
        b'{"topic": "news", "version": 5}',
        b'{"topic": "news", "version": 5, "old_version": 4, "added": ["nobody"]}',
        b'{"topic": "news", "version": 1, "added": ["nobody"]}',
        b'{"topic": "news", "version": "new"}',
    ],
)
async def test_what_does_not_say_what_changed_makes_it_read_again(scene: Scene, message: bytes) -> None:
    await scene.join("bob")
    await scene.hear(message)
    await scene.shows(["listed alice", "joined bob"])
    assert scene.store.read_count == 2


@pytest.mark.parametrize("topic", ["memos", "__matchmaking"])
async def test_what_is_meant_for_others_is_ignored(scene: Scene, topic: str) -> None:
    await scene.join("bob")
    await scene.hear(render_message(topic, "worker", "token", [News("news", 5)]))
    await scene.hear(b'{"topic": "%s"}' % topic.encode())
    await asyncio.sleep(0.02)
    assert (scene.shown, scene.store.read_count) == (["listed alice"], 1)


async def test_a_doubt_makes_it_read_again(scene: Scene) -> None:
    await scene.join("bob")
    scene.watcher.doubt()
    await scene.shows(["listed alice", "joined bob"])


async def test_without_news_it_reads_again_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "READ_AGAIN_S", 0.01)
    store = CountingStore()
    await store.open()
    scene = Scene(store)
    await scene.start()
    await scene.join("bob")
    await scene.shows(["joined bob"])
    await scene.change(Unsubscribe("news", "bob"))
    await scene.shows(["joined bob", "left bob"])
    await scene.end()


async def test_news_that_come_during_a_read_are_not_shown_twice_or_lost(scene: Scene) -> None:
    """The read may be from before them or after."""
    first = await scene.join("bob")
    scene.store.may_answer.clear()
    scene.watcher.doubt()
    await until(lambda: scene.store.read_count == 2)
    second = await scene.join("eve")
    for message in (first, second):
        await scene.hear(message)
    scene.store.may_answer.set()
    await scene.shows(["listed alice", "joined bob", "joined eve"])


async def test_many_doubts_at_once_are_one_read(scene: Scene) -> None:
    for number in range(100):
        await scene.join(f"client{number}")
        await scene.hear(b'{"topic": "news", "version": 5}')
    await scene.shows(["listed alice", *(f"joined client{number}" for number in sorted(range(100), key=str))])
    assert scene.store.read_count == 2


async def test_after_a_read_it_leaves_the_store_alone_for_a_moment(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PAUSE_S", LIMIT_S)
    scene.watcher.doubt()
    await until(lambda: scene.store.read_count == 2)
    scene.watcher.doubt()
    await asyncio.sleep(0.02)
    assert scene.store.read_count == 2


async def test_what_is_heard_while_nobody_reads_the_output_does_not_pile_up(scene: Scene) -> None:
    scene.may_show.clear()
    await scene.hear(await scene.join("bob"))
    await asyncio.sleep(0.01)
    for number in range(HEARD_LIMIT + 10):
        await scene.hear(await scene.join(f"client{number:04}"))
        assert len(scene.watcher._heard) <= HEARD_LIMIT
    scene.may_show.set()
    await scene.shows(
        ["listed alice", "joined bob", *(f"joined client{number:04}" for number in range(HEARD_LIMIT + 10))]
    )


async def test_a_doubt_is_not_lost_with_what_piles_up(scene: Scene) -> None:
    scene.may_show.clear()
    message = await scene.join("bob")
    await scene.hear(message)
    await asyncio.sleep(0.01)
    await scene.join("eve")
    scene.watcher.doubt()
    for _ in range(HEARD_LIMIT):
        await scene.hear(message)
    scene.may_show.set()
    await scene.shows(["listed alice", "joined bob", "joined eve"])


async def test_a_store_that_is_away_is_waited_for_and_spoken_of_once(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    await scene.join("bob")
    scene.store.is_away = True
    scene.watcher.doubt()
    await until(lambda: scene.store.read_count == 4)
    scene.store.is_away = False
    await scene.shows(["listed alice", "joined bob"])
    assert capsys.readouterr().err.count("the store is away") == 1
