"""What others can cause without end fills no log, and the log says that it left something out."""

import logging

import pytest

from gearhorn.logs.crowds import MOST_LINES, WINDOW_S, Crowds
from gearhorn.logs.event import Line, info

REFUSED = info("thing.refused", "refused {number}", "No.", comes_often=True)
DENIED = info("thing.denied", "denied {number}", "No.", comes_often=True)
RARE = info("thing.rare", "rare {number}", "Yes.")


class Scene:
    def __init__(self) -> None:
        self.now_s = 1000.0
        self.crowds = Crowds(lambda: self.now_s)

    def shown_count(self, message: object, count: int) -> int:
        record = logging.LogRecord("x", logging.INFO, __file__, 1, message, (), None)
        return sum(self.crowds.filter(record) for _ in range(count))


@pytest.fixture
def scene(caplog: pytest.LogCaptureFixture) -> Scene:
    caplog.set_level(logging.INFO)
    return Scene()


def test_the_first_lines_are_shown_and_the_rest_told_of_once(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    assert scene.shown_count(Line(REFUSED, {"number": 1}), 10_000) == MOST_LINES
    assert caplog.messages == ["more lines of thing.refused are left out for 10 s"]
    scene.now_s += WINDOW_S
    assert scene.shown_count(Line(REFUSED, {"number": 1}), MOST_LINES) == MOST_LINES
    assert caplog.messages[1:] == ["9900 lines of thing.refused were left out"]


def test_events_are_counted_each_for_itself(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    assert scene.shown_count(Line(REFUSED, {"number": 1}), MOST_LINES) == MOST_LINES
    assert scene.shown_count(Line(DENIED, {"number": 1}), MOST_LINES) == MOST_LINES
    assert caplog.messages == []


def test_what_comes_in_peace_and_what_others_cannot_cause_is_always_shown(scene: Scene) -> None:
    for _ in range(10):
        assert scene.shown_count(Line(REFUSED, {"number": 1}), MOST_LINES) == MOST_LINES
        scene.now_s += WINDOW_S
    assert scene.shown_count(Line(RARE, {"number": 1}), 10_000) == 10_000
    assert scene.shown_count("a library's", 10_000) == 10_000
