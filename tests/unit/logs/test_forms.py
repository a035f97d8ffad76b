"""How a line looks, whatever is in it."""

import json
import logging
import sys
from pathlib import Path

import pytest

from gearhorn.logs.event import Line, Log, error, info, log_for, warning
from gearhorn.logs.forms import JsonForm, PlainForm, TextForm
from gearhorn.logs.journal import is_journal
from gearhorn.logs.setting_up import LogSettings, set_up_logging
from gearhorn.logs.trouble import Trouble, Troubles

AWAY = warning("thing.away", "the thing of {topic!r} is away: {reason}", "It is away.", more=("count",))
NASTY = "news\n2026-01-01 00:00:00,000 ERROR store.away: forged\x1b[2J\u202e\x85"


def record_of(message: object, *arguments: object, level: int = logging.WARNING) -> logging.LogRecord:
    record = logging.LogRecord("gearhorn.thing", level, __file__, 1, message, arguments, None)
    record.created, record.msecs = 1_700_000_000.0625, 62.0
    return record


def away(topic: object = "news", reason: object = "gone", count: object = 3) -> logging.LogRecord:
    return record_of(Line(AWAY, {"topic": topic, "reason": reason, "count": count}))


def with_traceback(record: logging.LogRecord, message: str = "odd") -> logging.LogRecord:
    try:
        raise ValueError(message)
    except ValueError:
        record.exc_info = sys.exc_info()
    return record


# Text.


def test_text_has_the_clock_the_level_the_event_and_the_sentence() -> None:
    line = TextForm().format(away())
    assert line.endswith(",062 WARNING thing.away: the thing of 'news' is away: gone")
    assert line[:2] == "20"


def test_text_for_the_journal_has_a_priority_and_no_clock() -> None:
    assert TextForm(for_journal=True).format(away()) == "<4>WARNING thing.away: the thing of 'news' is away: gone"


@pytest.mark.parametrize(
    ("level", "prefix"),
    [
        (logging.DEBUG, "<7>"),
        (logging.INFO, "<6>"),
        (logging.WARNING, "<4>"),
        (logging.ERROR, "<3>"),
        (logging.CRITICAL, "<2>"),
    ],
)
def test_the_journal_is_told_the_level_as_one_of_its_priorities(level: int, prefix: str) -> None:
    assert TextForm(for_journal=True).format(record_of("so", level=level)).startswith(prefix)
    assert JsonForm(for_journal=True).format(record_of("so", level=level)).startswith(prefix + "{")


def test_a_plain_line_has_a_priority_in_the_journal_too() -> None:
    assert PlainForm("gearhorn: ", for_journal=True).format(record_of("so")) == "<4>gearhorn: so"


def test_a_line_of_a_library_has_its_name() -> None:
    assert TextForm(for_journal=True).format(record_of("%s of %d", "one", 2)) == "<4>WARNING gearhorn.thing: one of 2"


@pytest.mark.parametrize("form", [TextForm(), TextForm(for_journal=True), PlainForm("gearhorn: "), JsonForm()])
def test_nothing_from_outside_begins_a_line_or_moves_the_cursor(form: logging.Formatter) -> None:
    for record in (away(NASTY, NASTY), record_of("odd: %s", NASTY), record_of(NASTY)):
        line = form.format(record)
        assert line.isprintable()
        assert "forged" in line


@pytest.mark.parametrize("form", [TextForm(), PlainForm("gearhorn: ")])
def test_lines_of_a_traceback_are_set_in_so_that_none_looks_like_an_event(form: logging.Formatter) -> None:
    first, *others = form.format(with_traceback(away(), NASTY)).split("\n")
    assert first.endswith("is away: gone")
    assert others
    assert all(line.startswith("  ") and line.isprintable() for line in others)
    assert others[-1].lstrip().startswith("2026-01-01")  # the forged one


def test_in_the_journal_each_line_of_a_traceback_has_the_priority() -> None:
    lines = TextForm(for_journal=True).format(with_traceback(away())).split("\n")
    assert all(line.startswith("<4>") for line in lines)
    assert len(lines) > 2


def test_what_is_very_long_is_cut_so_that_the_journal_does_not_break_it() -> None:
    for form in (TextForm(), JsonForm()):
        line = form.format(with_traceback(away("\U0001f600" * 100_000, "é" * 100_000), "ü" * 100_000))
        assert len(line.encode()) < 48 * 1024
    assert "(100000 characters)" in json.loads(line)["fields"]["reason"]


# JSON.


def test_json_has_all_in_one_line() -> None:
    shown = json.loads(JsonForm("web17").format(away()))
    assert shown == {
        "time": "2023-11-14T22:13:20.062Z",
        "level": "warning",
        "event": "thing.away",
        "message": "the thing of 'news' is away: gone",
        "logger": "gearhorn.thing",
        "worker": "web17",
        "fields": {"topic": "news", "reason": "gone", "count": 3},
    }


def test_json_of_a_library_has_an_event_of_its_own_and_no_fields() -> None:
    shown = json.loads(JsonForm().format(record_of("%s of %d", "one", 2)))
    assert (shown["event"], shown["message"], shown["fields"]) == ("library.said", "one of 2", {})
    assert "worker" not in shown


def test_json_has_an_exception_as_a_field() -> None:
    line = JsonForm().format(with_traceback(away()))
    assert "\n" not in line
    exception = json.loads(line)["exception"]
    assert exception.startswith("Traceback")
    assert exception.endswith("ValueError: odd")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1, 1),
        (1.5, 1.5),
        (1 << 80, 1 << 80),
        (True, True),
        (None, None),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (Path("/etc"), "/etc"),
        (b"x", "b'x'"),
        (["a", 1], ["a", 1]),
        ([{"option": "x", 1: None}], [{"option": "x", "1": None}]),
        ("\udc80", "\udc80"),
        ("é\u2028\x00", "é\u2028\x00"),
        (OSError("gone"), "gone"),
    ],
)
def test_fields_of_any_kind_are_json(value: object, shown: object) -> None:
    fields = json.loads(JsonForm().format(away(count=value)))["fields"]
    assert fields["count"] == shown


# Saying.


class Unread:
    """Is not to be made into text."""

    def __format__(self, _: str) -> str:
        raise AssertionError

    __str__ = __repr__ = lambda self: self.__format__("")  # type: ignore[assignment]


def test_a_line_that_nobody_wants_is_not_made(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    log_for("gearhorn.thing").say(AWAY, topic=Unread(), reason=Unread(), count=1)
    assert caplog.records == []


def test_a_line_is_of_the_module_and_the_function_that_says_it(caplog: pytest.LogCaptureFixture) -> None:
    Log("gearhorn.thing").say(AWAY, topic="news", reason="gone", count=1)
    (record,) = caplog.records
    assert (record.name, record.funcName, record.levelno) == (
        "gearhorn.thing",
        "test_a_line_is_of_the_module_and_the_function_that_says_it",
        logging.WARNING,
    )
    assert record.getMessage() == "the thing of 'news' is away: gone"


def test_a_bug_brings_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    bug = error("thing.bug", "a bug", "A bug.", "Report it.")
    log_for("gearhorn.thing").say(bug, because=KeyError("x"))
    assert "KeyError: 'x'" in caplog.text


def test_fields_are_those_of_the_text_and_those_that_it_does_not_show() -> None:
    assert AWAY.fields == ("topic", "reason", "count")
    assert info("a.b", "{x:.1f} {y!r} {x} {{z}}", "").fields == ("x", "y")


# Trouble.


def test_a_trouble_is_told_once_and_once_more_when_it_is_over() -> None:
    trouble = Trouble()
    assert [trouble.ends(), trouble.begins(), trouble.begins(), trouble.ends(), trouble.ends(), trouble.begins()] == [
        *(False, True, False),
        *(True, False, True),
    ]


def test_troubles_of_many_are_told_apart_and_forgotten_when_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gearhorn.logs.trouble.KEYS_LIMIT", 2)
    troubles = Troubles()
    assert [troubles.begin(key) for key in "aab"] == [True, False, True]
    assert [troubles.end(key) for key in "abb"] == [True, True, False]
    assert [troubles.begin(key) for key in "abca"] == [True, True, True, True]


# Where it goes.


def test_the_journal_is_told_by_what_standard_error_is_and_not_by_the_variable_alone(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        found = (tmp_path / "log").stat()
        own = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert is_journal(stream, own)
        assert not is_journal(stream, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino + 1}"})
        assert not is_journal(stream, {"JOURNAL_STREAM": "nonsense"})
        assert not is_journal(stream, {})
    assert not is_journal(stream, own)  # closed


def test_setting_up_again_changes_form_and_level(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    log = log_for("gearhorn.thing")
    set_up_logging(LogSettings("error"))
    log.say(AWAY, topic="one", reason="x", count=1)
    set_up_logging(LogSettings("INFO", "json", "web17"))
    log.say(AWAY, topic="two", reason="x", count=1)
    logging.getLogger("redis").info("not for an operator")
    logging.getLogger("redis").warning("for an operator")
    set_up_logging(LogSettings("info", "text"))
    log.say(AWAY, topic="three", reason="x", count=1)
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["message"] for line in lines[:2]] == [
        "the thing of 'two' is away: x",
        "for an operator",
    ]
    assert lines[2].endswith("WARNING thing.away: the thing of 'three' is away: x")
    assert len(lines) == 3
    logging.captureWarnings(False)
