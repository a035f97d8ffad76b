"""Places on lists that are not counted each time."""

from gearhorn.core.rooms import LASTS_S, SHARES, TOPICS_LIMIT, Rooms


def test_nothing_is_known_at_first() -> None:
    assert Rooms(100).take("news", 0.0) is None


def test_an_eighth_of_the_places_may_be_taken_before_the_list_is_counted_again() -> None:
    rooms = Rooms(100)
    rooms.counted("news", 20, 0.0)
    assert [rooms.take("news", 1.0) for _ in range(11)] == [True] * (80 // SHARES) + [False]


def test_a_full_list_has_no_places() -> None:
    rooms = Rooms(100)
    for count in (100, 1000, 99):
        rooms.counted("news", count, 0.0)
        assert rooms.take("news", 1.0) is False


def test_a_count_is_forgotten_in_time() -> None:
    rooms = Rooms(100)
    rooms.counted("news", 0, 0.0)
    assert rooms.take("news", LASTS_S - 1) is True
    assert rooms.take("news", LASTS_S) is None


def test_topics_are_apart_and_no_more_are_remembered_than_may_be() -> None:
    rooms = Rooms(100)
    for number in range(TOPICS_LIMIT + 1):
        rooms.counted(f"t{number}", 0, 0.0)
    assert rooms.take("t0", 1.0) is None
    assert rooms.take("t1", 1.0) is True
    assert rooms.take(f"t{TOPICS_LIMIT}", 1.0) is True
    assert len(rooms._free) == TOPICS_LIMIT
