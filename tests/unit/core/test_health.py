"""Who is idle, suspect or dead, look by look."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.core.health import DEAD, IDLE, SUSPECT, HealthLimits, Sight, Ward

LIMITS = HealthLimits(max_backlog_count=10, grace_s=30.0, dead_after_s=100.0)
QUEUE = b"news_bob"
GONE = Sight(11, 11, has_worker=False)
ELSEWHERE = Sight(11, 11, has_worker=True)  # served on one server, and left to fill on another
SERVED = Sight(500, 0, has_worker=True)
SMALL = Sight(10, 10, has_worker=False)


class Scene:
    def __init__(self) -> None:
        self.ward = Ward(LIMITS)
        self.now_s = 1000.0

    def look(self, sight: Sight | None, after_s: float = 10.0, *, is_complete: bool = True) -> list[bytes]:
        """Returns the queues whose cases are over."""
        self.now_s += after_s
        sights = {} if sight is None else {QUEUE: sight}
        return [*self.ward.look(sights, now_s=self.now_s, elapsed_s=after_s, is_complete=is_complete)]

    @property
    def state(self) -> str | None:
        case = self.ward.cases.get(QUEUE)
        return self.ward.state(case) if case else None


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_queue_in_trouble_is_idle_then_suspect_then_dead(scene: Scene) -> None:
    states = []
    for _ in range(15):
        scene.look(GONE)
        states.append(scene.state)
    assert states == [IDLE] * 3 + [SUSPECT] * 10 + [DEAD] * 2
    assert scene.ward.cases[QUEUE].since_s == 1010.0


@pytest.mark.parametrize("sight", [SERVED, SMALL, None])
def test_whatever_else_is_seen_ends_it(scene: Scene, sight: Sight | None) -> None:
    for _ in range(20):
        scene.look(GONE)
    assert scene.look(sight) == [QUEUE]
    assert scene.state is None
    scene.look(GONE)
    assert scene.state == IDLE


def test_a_backlog_of_just_the_limit_is_none(scene: Scene) -> None:
    scene.look(SMALL)
    assert scene.state is None
    scene.look(SMALL, is_complete=False)
    assert scene.state is None


def test_who_is_served_on_another_server_is_suspect_and_never_dead(scene: Scene) -> None:
    for _ in range(100):
        scene.look(ELSEWHERE)
    assert scene.state == SUSPECT
    for _ in range(13):
        scene.look(GONE)
    assert scene.state == DEAD
    scene.look(ELSEWHERE)
    assert scene.state == SUSPECT


def test_a_look_that_missed_a_server_makes_nobody_dead_and_ends_nothing(scene: Scene) -> None:
    scene.look(GONE)
    for _ in range(100):
        assert scene.look(GONE, is_complete=False) == []
    assert scene.state == SUSPECT
    for sight in (None, SMALL, SERVED):
        assert scene.look(sight, is_complete=False) == []
        assert scene.state == SUSPECT


def test_what_was_not_seen_is_not_counted(scene: Scene) -> None:
    for _ in range(5):
        scene.look(GONE)
    scene.look(None, after_s=1000.0, is_complete=False)
    scene.look(GONE)
    assert scene.state == SUSPECT
    assert scene.ward.cases[QUEUE].alone_s == 40.0


def test_what_is_due_next_is_told(scene: Scene) -> None:
    assert scene.ward.due_in_s() is None
    scene.look(GONE)
    assert scene.ward.due_in_s() == 30.0
    scene.look(GONE)
    assert scene.ward.due_in_s() == 20.0
    scene.look(GONE, after_s=20.0)
    assert scene.ward.due_in_s() == 100.0
    scene.look(GONE, after_s=100.0)
    assert scene.ward.due_in_s() is None


def test_what_is_being_emptied_is_not_over_before_somebody_says_so(scene: Scene) -> None:
    scene.look(GONE)
    scene.ward.cases[QUEUE].is_dropped = True
    assert scene.look(None) == []
    assert QUEUE in scene.ward.cases
    scene.ward.forget([QUEUE])
    assert QUEUE not in scene.ward.cases


looks = st.lists(
    st.tuples(st.sampled_from([GONE, ELSEWHERE, SERVED, SMALL, None]), st.floats(0.1, 60.0), st.booleans()),
    max_size=60,
)


@given(looks)
def test_nobody_is_suspect_or_dead_before_its_time_whatever_is_seen(
    history: list[tuple[Sight | None, float, bool]],
) -> None:
    """Held against a second reckoning: the wall time since the last sign of life."""
    scene = Scene()
    trouble_s: float | None = None
    alone_s: float | None = None
    for sight, after_s, is_complete in history:
        scene.look(sight, after_s, is_complete=is_complete)
        over = sight in (GONE, ELSEWHERE)
        if not over and is_complete:
            trouble_s = alone_s = None
        if over and trouble_s is None:
            trouble_s = alone_s = scene.now_s
        if over and sight == ELSEWHERE:
            alone_s = scene.now_s
        if scene.state in (SUSPECT, DEAD):
            assert trouble_s is not None
            assert scene.now_s - trouble_s >= LIMITS.grace_s - 0.001
        if scene.state == DEAD:
            assert alone_s is not None
            assert scene.now_s - alone_s >= LIMITS.grace_s + LIMITS.dead_after_s - 0.001


@given(st.lists(st.floats(0.1, 60.0), min_size=1, max_size=60))
def test_who_stays_away_is_found_with_the_first_look_after_the_time_is_up(pauses: list[float]) -> None:
    scene = Scene()
    scene.look(GONE)
    begun_s = scene.now_s
    for after_s in pauses:
        scene.look(GONE, after_s)
        passed_s = scene.now_s - begun_s
        if passed_s > LIMITS.grace_s + 0.001:
            assert scene.state != IDLE
        if passed_s > LIMITS.grace_s + LIMITS.dead_after_s + 0.001:
            assert scene.state == DEAD
