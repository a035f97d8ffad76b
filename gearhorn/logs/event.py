"""An event: what one line of the log may say. All of them are in events/, and doc/logs.md lists them.

A part of the program says `log.say(STORE_AWAY, error=error)`. The words are made when a handler writes the line, so
that a line nobody wants costs a comparison.
"""

import logging
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Event:
    """`text` is a template of str.format, made with the fields; `more` names fields that it does not show.

    `meaning` and `remedy` are for the operator, and `ended_by` is the name of the event which says that a trouble that
    lasts is over. What somebody outside can cause without end `comes_often`: see crowds.py.
    """

    name: str
    level: int
    text: str
    meaning: str
    remedy: str = ""
    ended_by: str = ""
    more: tuple[str, ...] = ()
    comes_often: bool = False

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Their names: those of the text in its order, then the others."""
        shown = (name for _, name, _, _ in string.Formatter().parse(self.text) if name)
        return tuple(dict.fromkeys((*shown, *self.more)))


def debug(name: str, text: str, meaning: str, remedy: str = "", more: tuple[str, ...] = ()) -> Event:
    return Event(name, logging.DEBUG, text, meaning, remedy, more=more)


def info(
    name: str,
    text: str,
    meaning: str,
    remedy: str = "",
    ended_by: str = "",
    more: tuple[str, ...] = (),
    *,
    comes_often: bool = False,
) -> Event:
    return Event(name, logging.INFO, text, meaning, remedy, ended_by, more, comes_often)


def warning(
    name: str,
    text: str,
    meaning: str,
    remedy: str = "",
    ended_by: str = "",
    more: tuple[str, ...] = (),
    *,
    comes_often: bool = False,
) -> Event:
    return Event(name, logging.WARNING, text, meaning, remedy, ended_by, more, comes_often)


def error(
    name: str,
    text: str,
    meaning: str,
    remedy: str = "",
    ended_by: str = "",
    more: tuple[str, ...] = (),
    *,
    comes_often: bool = False,
) -> Event:
    return Event(name, logging.ERROR, text, meaning, remedy, ended_by, more, comes_often)


class Line:
    """An event that has happened: the message of a record of `logging`. Every handler can make text of it."""

    __slots__ = ("event", "fields")

    def __init__(self, event: Event, fields: Mapping[str, object]) -> None:
        self.event = event
        self.fields = fields

    def __str__(self) -> str:
        return self.event.text.format_map(self.fields)


class Log:
    """A module's voice, under its name in `logging`."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def say(self, event: Event, /, *, because: BaseException | None = None, **fields: object) -> None:
        """`because` is an exception that is a bug: its traceback goes with the line.

        The fields are those that the event names, which a test holds against every call. No payload, no body of a job
        and no secret is ever one of them.
        """
        if self._logger.isEnabledFor(event.level):
            self._logger.log(event.level, Line(event, fields), exc_info=because, stacklevel=2)


def log_for(name: str) -> Log:
    return Log(name)
