"""Figures by topic: who has some of their own, and that nothing is lost or told twice when a topic comes and goes."""

from dataclasses import dataclass, field

from gearhorn.metrics.histogram import SHORT_S, Histogram
from gearhorn.metrics.meters import BUG, COMPLETE, EXPIRED, FAILED, MODES, NOBODY, OTHER, OUTCOMES, Meter, Meters


@dataclass
class Run:
    """Stands in for a run that is over, and for what is known of its beginning."""

    foreground: bool = False
    total_count: int = 0
    done_count: int = 0
    failures: list[tuple[bytes, str]] = field(default_factory=list)
    started_s: float = 0.0
    heard_s: float = 0.0
    done_before_count: int = 0
    is_broken: bool = False


def end(meter: Meter, run: Run) -> None:
    meter.ended(run, run)


def counted(meter: Meter) -> dict[tuple[str, str], int]:
    pairs = [(mode, outcome) for mode in MODES for outcome in OUTCOMES]
    return {pair: count for pair, count in zip(pairs, meter.fanouts, strict=True) if count}


def test_a_bound_belongs_to_its_bucket_and_what_is_above_all_of_them_is_not_lost() -> None:
    histogram = Histogram(SHORT_S)
    histogram.observe(SHORT_S[0])
    histogram.observe(SHORT_S[0] + 1e-9, count=2)
    histogram.observe(1e9)
    rising = dict(histogram.rising())
    assert rising[SHORT_S[0]] == 1
    assert rising[SHORT_S[1]] == 3
    assert rising[SHORT_S[-1]] == 3
    assert rising[float("inf")] == histogram.count == 4
    assert histogram.sum_s > 1e9


def test_a_fanout_is_counted_by_mode_and_by_what_became_of_it() -> None:
    meter = Meters(1).of("news", has_subscribers=True)
    failure = (b"ann", "not sent: no server")
    end(meter, Run(total_count=2, done_count=2, started_s=10.0, heard_s=10.2))
    end(meter, Run(total_count=2, done_count=1, failures=[failure], started_s=10.0, heard_s=10.2))
    end(meter, Run())
    end(meter, Run(total_count=2, done_count=1, is_broken=True, started_s=10.0, heard_s=10.1))
    meter.ended_as(EXPIRED, 0.0, is_foreground=False)
    assert counted(meter) == {("background", OUTCOMES[each]): 1 for each in (COMPLETE, FAILED, NOBODY, BUG, EXPIRED)}
    assert not any(meter.receivers)


def test_how_long_a_background_fanout_took_is_until_it_was_last_heard_of() -> None:
    meters = Meters(1)
    end(meters.other, Run(total_count=2, done_count=2, started_s=10.0, heard_s=10.2))
    rising = dict(meters.times.background.rising())
    assert (rising[0.1], rising[0.25]) == (0, 1)


def test_a_run_that_had_nothing_left_to_send_has_taken_no_time() -> None:
    meters = Meters(1)
    end(meters.other, Run(total_count=2, done_count=2, done_before_count=2))
    assert meters.times.background.sum_s == 0.0


def test_receivers_are_counted_by_the_reason_that_the_publisher_is_told_and_only_by_who_waited_for_them() -> None:
    meter = Meters(1).other
    reasons = ("failed", "exception: no disk: full", "timeout", "not sent: paused", "failed")
    failures = [(b"%d" % number, reason) for number, reason in enumerate(reasons)]
    end(meter, Run(foreground=True, total_count=12, done_count=7, done_before_count=3, failures=failures))
    assert meter.receivers == [4, 2, 1, 1, 1]


def test_so_many_topics_have_figures_of_their_own_and_the_others_share_some() -> None:
    meters = Meters(2)
    first, second, third = (meters.of(topic, has_subscribers=True) for topic in ("a", "b", "c"))
    assert third is meters.other
    assert meters.of("a", has_subscribers=True) is first
    assert list(meters.shown()) == ["a", "b", OTHER]
    assert second is not first
    assert Meters(0).of("a", has_subscribers=True).copies == 0


def test_topics_without_subscribers_and_one_called_other_take_no_place() -> None:
    meters = Meters(2)
    assert meters.of("made-up", has_subscribers=False) is meters.other
    assert meters.of(OTHER, has_subscribers=True) is meters.other
    known = meters.of("a", has_subscribers=True)
    assert meters.of("a", has_subscribers=False) is known


def test_a_topic_that_goes_leaves_the_totals_and_the_others_as_they_are_and_begins_anew() -> None:
    meters = Meters(1)
    meter = meters.of("a", has_subscribers=True)
    meter.confirmed(3, 0.01)
    end(meter, Run(foreground=True, total_count=3, done_count=2, failures=[(b"x", "failed")]))
    meters.other.confirmed(1, 0.01)
    before = meters.totals()
    assert before == (1, 4, 2, 1)
    meters.forget("a")
    assert meters.totals() == before
    assert meters.other.copies == 1
    assert list(meters.shown()) == [OTHER]
    assert meters.of("b", has_subscribers=True) is not meters.other  # there is room again
    meters.forget("b")
    assert meters.of("a", has_subscribers=True).copies == 0
