"""Whose queue it is, by the lists, without asking about every topic for every queue."""

import pytest

from gearhorn.core.health import Case
from gearhorn.core.members import Members
from gearhorn.errors import ListLost
from gearhorn.patience import PatienceSettings
from gearhorn.store.base import Subscribe, TopicCount, Unsubscribe
from gearhorn.subscribers.owners import STRANGER_AGAIN_S, Owners
from gearhorn.subscribers.report import owner_of
from tests.unit.directories import directory_of
from tests.unit.moody_store import MoodyStore
from tests.unit.subscribers.cases import case_of
from tests.unit.virtual_time import in_virtual_time, now_s


class CountingStore(MoodyStore):
    topics_count = 0

    async def topics(self) -> list[TopicCount]:
        self.topics_count += 1
        return await super().topics()


class Scene:
    def __init__(self) -> None:
        self.store = CountingStore(now_s)
        directory = directory_of(self.store, PatienceSettings(0.0), now_s=now_s)
        self.owners = Owners(self.store, directory, "__matchmaking")

    async def subscribe(self, *pairs: tuple[str, str]) -> None:
        await self.store.apply([Subscribe(topic, client_id) for topic, client_id in pairs])

    async def find(self, *queues: bytes) -> list[tuple[str, str] | None]:
        cases = {queue: Case(0.0) for queue in queues}
        await self.owners.find(cases)
        return [owner_of(queue, case) if case.topic_bytes else None for queue, case in cases.items()]


@in_virtual_time
async def test_the_lists_tell_where_a_name_is_split() -> None:
    scene = Scene()
    await scene.subscribe(("a", "b_c"), ("d_e", "f"), ("g_", "_h"), ("größe", "ü_ü"))
    found = await scene.find(b"a_b_c", b"d_e_f", b"g___h", "größe_ü_ü".encode())
    assert found == [("a", "b_c"), ("d_e", "f"), ("g_", "_h"), ("größe", "ü_ü")]


@in_virtual_time
async def test_queues_of_others_are_nobodys() -> None:
    scene = Scene()
    await scene.subscribe(("news", "bob"), ("__matchmaking", "worker"))
    queues = (b"news_eve", b"resize", b"news", b"news_", b"_news", b"_", b"\xff_bob", b"__matchmaking_worker")
    assert await scene.find(*queues) == [None] * len(queues)


async def test_many_suspects_of_many_topics_take_few_questions() -> None:
    scene = Scene()
    await scene.subscribe(*((f"topic{number}", "bob") for number in range(3000)))
    scene.store.asked.clear()
    found = await scene.find(*(b"topic%d_bob" % number for number in range(0, 3000, 3)))
    assert found == [(f"topic{number}", "bob") for number in range(0, 3000, 3)]
    assert scene.store.topics_count == 1
    assert sum(len(asked) for asked in scene.store.asked["read"]) <= 1000  # type: ignore[misc, arg-type]


@in_virtual_time
async def test_who_has_unsubscribed_owns_nothing() -> None:
    scene = Scene()
    await scene.subscribe(("news", "bob"))
    cases = {b"news_bob": Case(0.0)}
    await scene.owners.find(cases)
    assert cases[b"news_bob"].topic_bytes == 4
    await scene.store.apply([Unsubscribe("news", "bob")])
    await scene.owners.find(cases)
    assert cases[b"news_bob"].topic_bytes == 0


@in_virtual_time
async def test_a_list_that_was_lost_has_nobody_and_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    await scene.subscribe(("news", "bob"), ("memos", "bob"))
    directory = scene.owners._directory
    members = directory.members

    async def lose(topic: str) -> Members:
        if topic == "news":
            raise ListLost("it was lost")
        return await members(topic)

    monkeypatch.setattr(directory, "members", lose)
    assert await scene.find(b"news_bob", b"memos_bob") == [None, ("memos", "bob")]


@in_virtual_time
async def test_who_is_being_dropped_is_not_looked_up() -> None:
    scene = Scene()
    cases = {b"news_bob": case_of("news", is_dropped=True)}
    await scene.owners.find(cases)
    assert cases[b"news_bob"].topic_bytes == 4


@in_virtual_time
async def test_a_strangers_queue_is_asked_about_again_much_later() -> None:
    scene = Scene()
    await scene.subscribe(("other", "bob"))
    case = Case(0.0, over_s=10.0)
    await scene.owners.find({b"news_bob": case})
    await scene.subscribe(("news", "bob"))
    case.over_s += STRANGER_AGAIN_S - 1.0
    await scene.owners.find({b"news_bob": case})
    assert (case.topic_bytes, scene.store.topics_count) == (0, 1)
    case.over_s += 1.0
    await scene.owners.find({b"news_bob": case})
    assert case.topic_bytes == 4
