"""Cases as the tests need them."""

from typing import Any

from gearhorn.core.health import Case
from gearhorn.names import queue_name, queue_prefix


def case_of(topic: str = "", **changes: Any) -> Case:
    """Of a queue of a subscriber of `topic`, in trouble since 1970."""
    return Case(0.0, topic_bytes=len(queue_prefix(topic)) - 1 if topic else 0, **changes)


def cases_of(*pairs: tuple[str, str], **changes: Any) -> dict[bytes, Case]:
    return {queue_name(topic, client_id): case_of(topic, **changes) for topic, client_id in pairs}
