"""The events of the log as Markdown, from the catalogue that the program itself speaks by."""

import inspect
import logging
from collections.abc import Iterator

from gearhorn.logs.catalogue import SUBJECTS, events_of
from gearhorn.logs.event import Event


def read_subjects() -> Iterator[tuple[str, str, list[Event]]]:
    """The title and the description of each subject, with its events."""
    for subject in SUBJECTS:
        title, _, rest = (inspect.getdoc(subject) or "").partition(": ")
        yield title.rstrip("."), rest.strip(), list(events_of(subject).values())


def level_of(event: Event) -> str:
    return logging.getLevelName(event.level).lower()
