"""How a line looks: text for people, JSON for machines. Lines of libraries take the same forms.

Whatever text comes from outside, one event is one line, and nothing in it moves a terminal's cursor or looks like
another event.
"""

import json
import logging
import math
from datetime import UTC, datetime

import msgspec

from gearhorn.logs.event import Line

# journald takes lines of 48 KiB (LineMax= in journald.conf(5)) and breaks longer ones, which breaks their JSON.
MESSAGE_LIMIT_CHARACTERS = 4000
FIELD_LIMIT_CHARACTERS = 1000
TRACEBACK_LIMIT_CHARACTERS = 6000

_encode = msgspec.json.Encoder().encode

# What a library says has no event of ours.
LIBRARY = "library.said"

# Of sd-daemon(3), by level.
_PRIORITIES = ((logging.CRITICAL, "<2>"), (logging.ERROR, "<3>"), (logging.WARNING, "<4>"), (logging.INFO, "<6>"))


def priority_of(level: int) -> str:
    """What journald takes off the front of a line, and shows as the priority of the entry."""
    return next((prefix for least, prefix in _PRIORITIES if level >= least), "<7>")


def on_one_line(text: str) -> str:
    """Control characters, ends of lines and marks that turn the direction of text, as Python writes them."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


class PlainForm(logging.Formatter):
    """For commands that people call: no clock, no level. `beginning` is that of each message."""

    def __init__(self, beginning: str, for_journal: bool = False) -> None:
        super().__init__()
        self._beginning = beginning
        self._for_journal = for_journal

    def format(self, record: logging.LogRecord) -> str:
        lines = [f"{self._beginning}{on_one_line(_message(record))}", *_traceback_lines(self, record)]
        prefix = priority_of(record.levelno) if self._for_journal else ""
        return "\n".join(prefix + line for line in lines)


class TextForm(logging.Formatter):
    """The clock (local time), the level, the event's name, the words. A traceback follows, each line set in.

    The journal has a clock of its own, and takes the level as a number.
    """

    def __init__(self, for_journal: bool = False) -> None:
        super().__init__()
        self._for_journal = for_journal

    def format(self, record: logging.LogRecord) -> str:
        clock = "" if self._for_journal else f"{self.formatTime(record)} "
        message = on_one_line(_message(record))
        lines = [f"{clock}{record.levelname} {_name(record)}: {message}", *_traceback_lines(self, record)]
        prefix = priority_of(record.levelno) if self._for_journal else ""
        return "\n".join(prefix + line for line in lines)


class JsonForm(logging.Formatter):
    """One JSON object a line: time (UTC), level, event, message, logger, worker, fields, and an exception if any."""

    def __init__(self, worker_id: str = "", for_journal: bool = False) -> None:
        super().__init__()
        self._worker_id = worker_id
        self._for_journal = for_journal

    def format(self, record: logging.LogRecord) -> str:
        line = record.msg if isinstance(record.msg, Line) else None
        shown: dict[str, object] = {
            "time": _time(record.created),
            "level": record.levelname.lower(),
            "event": line.event.name if line else LIBRARY,
            "message": _message(record),
            "logger": record.name,
        }
        if self._worker_id:
            shown["worker"] = self._worker_id
        shown["fields"] = {name: _value(value) for name, value in line.fields.items()} if line else {}
        if traceback := _traceback(self, record):
            shown["exception"] = traceback
        prefix = priority_of(record.levelno) if self._for_journal else ""
        return prefix + _written(shown)


def _name(record: logging.LogRecord) -> str:
    return record.msg.event.name if isinstance(record.msg, Line) else record.name


def _message(record: logging.LogRecord) -> str:
    return _cut(record.getMessage(), MESSAGE_LIMIT_CHARACTERS)


def _traceback_lines(form: logging.Formatter, record: logging.LogRecord) -> list[str]:
    return [f"  {on_one_line(line)}" for line in _traceback(form, record).split("\n") if line]


def _traceback(form: logging.Formatter, record: logging.LogRecord) -> str:
    """Its end says most."""
    text = form.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else ""
    return text if len(text) <= TRACEBACK_LIMIT_CHARACTERS else f"… {text[-TRACEBACK_LIMIT_CHARACTERS:]}"


def _cut(text: str, limit_count: int) -> str:
    return text if len(text) <= limit_count else f"{text[:limit_count]}… ({len(text)} characters)"


def _time(created_s: float) -> str:
    """ISO 8601, UTC, in milliseconds."""
    return datetime.fromtimestamp(created_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _written(shown: dict[str, object]) -> str:
    """In UTF-8, in which it takes least. What cannot be shown, or is no UTF-8 at all, is escaped as JSON does."""
    try:
        text = _encode(shown).decode()
    except (UnicodeError, OverflowError):
        text = json.dumps(shown, separators=(",", ":"), ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def _value(value: object) -> object:
    """Numbers stay numbers; what JSON does not have becomes text."""
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, list | tuple):
        return [_value(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _value(each) for key, each in value.items()}
    return _cut(str(value), FIELD_LIMIT_CHARACTERS)
