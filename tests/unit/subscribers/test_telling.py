"""A line for each, or one for all of them when they are many."""

import pytest

from gearhorn.core.health import DEAD, SUSPECT
from gearhorn.subscribers.telling import MOST_LINES, Patient, tell_back, tell_dropped, tell_worse


def patients(count: int) -> list[Patient]:
    return [Patient("news", f"host{number}", 10, 0.0) for number in range(count)]


@pytest.mark.parametrize("state", [SUSPECT, DEAD])
def test_a_few_have_a_line_each(caplog: pytest.LogCaptureFixture, state: str) -> None:
    tell_worse(state, patients(MOST_LINES))
    assert len(caplog.messages) == MOST_LINES
    assert f"client_id='host0' topic='news' is {state}" in caplog.messages[0]
    assert "10 copies wait, since 1970-01-01T00:00:00Z" in caplog.messages[0]


def test_many_are_summed_up(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    tell_worse(SUSPECT, patients(MOST_LINES + 1))
    tell_back(patients(1000))
    worse, back = caplog.messages
    assert worse.startswith("21 subscribers are suspect")
    assert "210 copies wait" in worse
    assert worse.endswith("'host0' of 'news', 'host1' of 'news', 'host2' of 'news' and 18 more")
    assert back.startswith("1000 subscribers are back")


def test_nobody_is_no_line(caplog: pytest.LogCaptureFixture) -> None:
    tell_worse(DEAD, [])
    tell_back([])
    assert caplog.messages == []


def test_a_paused_one_is_said_to_be(caplog: pytest.LogCaptureFixture) -> None:
    tell_worse(SUSPECT, [Patient("news", "bob", 1, 0.0, is_paused=True)])
    assert caplog.messages[0].endswith("no more are sent")


def test_names_cannot_forge_lines(caplog: pytest.LogCaptureFixture) -> None:
    tell_dropped(Patient("news", "bob\u2028x", 1, 0.0), "deleted")
    assert "\u2028" not in caplog.messages[0]
