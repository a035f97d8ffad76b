"""Charts: where the line goes."""

import math

import pytest

from gearhorn.web.dashboard.charts import HEIGHT, WIDTH, Point, ceiling, draw


def test_the_newest_point_is_at_the_right_and_zero_is_at_the_bottom() -> None:
    chart = draw([Point(0, 0.0), Point(10, 5.0)], now_s=10, span_s=10, gap_s=99)
    assert chart.line == f"M0.0 46.0L{WIDTH}.0 4.0"
    assert chart.area.endswith(f"L{WIDTH}.0 {HEIGHT}Z")
    assert (chart.peak, chart.top) == (5.0, 5.0)


def test_what_is_older_than_the_chart_is_left_out() -> None:
    chart = draw([Point(0, 1000.0), Point(95, 1.0), Point(100, 2.0)], now_s=100, span_s=10, gap_s=99)
    assert chart.peak == 2.0
    assert chart.line.count("L") == 1


def test_where_nobody_looked_there_is_a_gap() -> None:
    chart = draw([Point(0, 1.0), Point(1, 1.0), Point(8, 1.0), Point(9, 1.0)], now_s=10, span_s=10, gap_s=3)
    assert chart.line.count("M") == 2


def test_a_single_point_can_be_seen() -> None:
    assert draw([Point(10, 1.0)], now_s=10, span_s=10, gap_s=3).line.count("L") == 1


def test_without_points_nothing_is_drawn() -> None:
    chart = draw([], now_s=10, span_s=10, gap_s=3)
    assert (chart.line, chart.area, chart.peak) == ("", "", 0.0)


@pytest.mark.parametrize(
    ("peak", "top"), [(0, 1), (-1, 1), (1, 1), (1.2, 1.5), (19, 20), (29.3, 30), (51, 75), (76, 100), (0.04, 0.05)]
)
def test_the_top_is_the_next_round_figure(peak: float, top: float) -> None:
    assert ceiling(peak) == pytest.approx(top)


@pytest.mark.parametrize("peak", [math.inf, math.nan])
def test_what_is_no_number_has_a_top_too(peak: float) -> None:
    assert ceiling(peak) == 1.0
