"""What waits in the queues, by topic: added up from their names."""

from gearhorn.errors import StoreUnavailable
from gearhorn.subscribers.backlogs import TOPICS_EVERY_S, TOPICS_TOLD, Backlogs


class Scene:
    def __init__(self, *topics: str) -> None:
        self.topics: frozenset[str] | None = frozenset(topics)
        self.asked_count = 0
        self.now_s = 0.0
        self.backlogs = Backlogs(self.find_topics, lambda: self.now_s)

    async def find_topics(self) -> frozenset[str]:
        self.asked_count += 1
        if self.topics is None:
            raise StoreUnavailable("away")
        return self.topics

    async def look(self, **waiting: int) -> dict[str, int]:
        await self.backlogs.begin()
        for queue, count in waiting.items():
            self.backlogs.add(queue.encode(), count)
        self.backlogs.finish()
        return dict(self.backlogs.by_topic)


async def test_a_queue_counts_for_the_longest_topic_that_it_may_be_of_and_strangers_for_none() -> None:
    scene = Scene("office", "office_memos")
    found = await scene.look(office_ann=2, office_bob=3, office_memos_ann=4, fanout=5, news_ann=6, _x=7, office=8)
    assert found == {"office": 5, "office_memos": 4}
    assert await scene.look(office_ann=1) == {"office": 1}
    scene.backlogs.forget()
    assert scene.backlogs.by_topic == {}


async def test_the_store_is_seldom_asked_for_its_topics_and_need_not_answer() -> None:
    scene = Scene("a")
    await scene.look(a_x=1)
    await scene.look(a_x=1)
    assert scene.asked_count == 1
    scene.now_s, scene.topics = TOPICS_EVERY_S, None
    assert await scene.look(a_x=1) == {"a": 1}
    scene.topics = frozenset({"b"})
    assert await scene.look(a_x=1, b_x=2) == {"b": 2}


async def test_the_largest_are_told_one_by_one_and_the_rest_together() -> None:
    scene = Scene(*(f"t{number}" for number in range(TOPICS_TOLD + 10)))
    found = await scene.look(**{f"t{number}_x": number + 1 for number in range(TOPICS_TOLD + 10)})
    assert len(found) == TOPICS_TOLD + 1
    assert found["other"] == sum(range(1, 11))
