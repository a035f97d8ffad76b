"""What several servers tell of a queue, put together."""

from gearhorn.core.health import Sight
from gearhorn.subscribers.survey import sights_of
from gearhorn.wire.status import Counts


def test_one_server_tells_it_as_it_is() -> None:
    assert sights_of([{b"a": Counts(5, 0), b"b": Counts(7, 2)}]) == {b"a": Sight(5, 5, False), b"b": Sight(7, 0, True)}


def test_backlogs_add_up_and_the_longest_that_nobody_serves_counts() -> None:
    answers = [{b"a": Counts(5, 0)}, {b"a": Counts(9, 0)}, {b"a": Counts(100, 1)}, {}]
    assert sights_of(answers) == {b"a": Sight(114, 9, True)}
    assert sights_of(reversed(answers)) == {b"a": Sight(114, 9, True)}
