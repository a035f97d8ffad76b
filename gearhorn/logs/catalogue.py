"""All events by name: for the docs, and for the test that holds them against every line of code that says one."""

from types import ModuleType

from gearhorn.logs.event import Event
from gearhorn.logs.events import (
    client,
    embedded,
    jobs,
    life,
    lists,
    pages,
    resuming,
    servers,
    settings,
    signing,
    store,
    subscribers,
)

# In the order of the docs.
SUBJECTS: tuple[ModuleType, ...] = (
    life,
    settings,
    servers,
    store,
    lists,
    jobs,
    resuming,
    subscribers,
    signing,
    pages,
    embedded,
    client,
)


def events_of(subject: ModuleType) -> dict[str, Event]:
    """By the name that the code knows them by."""
    return {name: value for name, value in vars(subject).items() if isinstance(value, Event)}


EVENTS: dict[str, Event] = {event.name: event for subject in SUBJECTS for event in events_of(subject).values()}
