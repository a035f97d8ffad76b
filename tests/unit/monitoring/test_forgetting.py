"""Topics that are gone go from the figures, when their last figures have surely been seen."""

from gearhorn.metrics.meters import Meters
from gearhorn.monitoring.forgetting import EMPTY_AFTER_S, UNUSED_AFTER_S, Forgetting


class Scene:
    def __init__(self, **counts: int | None) -> None:
        self.meters = Meters(10)
        self.counts: dict[str, int | None] = counts
        self.now_s = 0.0
        self.forgetting = Forgetting(self.meters, self.counts.get, lambda: self.now_s)
        for topic in counts:
            self.use(topic)

    def use(self, topic: str) -> None:
        self.meters.of(topic, has_subscribers=True).confirmed(1, 0.1)

    def shown_at(self, now_s: float) -> set[str]:
        self.now_s = now_s
        self.forgetting.look()
        return set(self.meters.by_topic)


def test_a_topic_goes_when_nobody_is_subscribed_and_nothing_was_published_for_a_while() -> None:
    scene = Scene(empty=0, full=3)
    assert scene.shown_at(0.0) == {"empty", "full"}
    assert scene.shown_at(EMPTY_AFTER_S - 1.0) == {"empty", "full"}
    assert scene.shown_at(EMPTY_AFTER_S) == {"full"}
    assert scene.shown_at(100 * UNUSED_AFTER_S) == {"full"}
    scene.counts["full"] = 0
    assert scene.shown_at(200 * UNUSED_AFTER_S) == set()


def test_one_that_is_used_stays_and_so_does_one_of_which_nothing_is_known_for_longer() -> None:
    scene = Scene(used=0, unknown=None)
    scene.shown_at(0.0)
    scene.use("used")
    assert scene.shown_at(EMPTY_AFTER_S) == {"used", "unknown"}
    assert scene.shown_at(2 * EMPTY_AFTER_S) == {"unknown"}
    assert scene.shown_at(UNUSED_AFTER_S - 1.0) == {"unknown"}
    assert scene.shown_at(UNUSED_AFTER_S) == set()
