"""Who is in trouble, and how many."""

from gearhorn.core.health import DEAD, IDLE, SUSPECT, Case
from gearhorn.overview.troubled import count_troubled, pick_troubled
from gearhorn.overview.views import PAUSED
from gearhorn.subscribers.report import Report

NEWS_BYTES = len("news")

CASES = {
    b"news_ann": Case(1000.0, 5, topic_bytes=NEWS_BYTES, told=SUSPECT),
    b"news_bob": Case(1000.0, 7, topic_bytes=NEWS_BYTES, told=SUSPECT, is_paused=True),
    b"news_eve": Case(1000.0, 9, topic_bytes=NEWS_BYTES, told=DEAD),
    b"news_joe": Case(1000.0, 3, topic_bytes=NEWS_BYTES, told=DEAD, is_paused=True),
    b"news_kim": Case(1000.0, 1, topic_bytes=NEWS_BYTES, told=IDLE),
    b"jobs_of_others": Case(1000.0, 99),
}
REPORT = Report(1, 2, CASES)


def test_each_is_counted_once_by_the_state_that_is_shown() -> None:
    assert count_troubled(REPORT) == {"news": (1, 1, 2)}


def test_the_dead_come_first_then_the_paused_and_the_larger_backlog() -> None:
    shown = [(view.client_id, view.state) for view in pick_troubled(REPORT, {}, 3)]
    assert shown == [("eve", DEAD), ("bob", PAUSED), ("joe", PAUSED)]


def test_without_a_report_nobody_is_in_trouble() -> None:
    assert count_troubled(None) == {}
    assert pick_troubled(None, {}, 3) == ()
