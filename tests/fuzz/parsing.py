"""What may come of reading a body: a request that holds what it promises, or one line of refusal."""

import json
from collections.abc import Callable

from gearhorn.bodies import FanoutRequest, SubscriptionRequest, parse_fanout, parse_subscription
from gearhorn.errors import BadRequest

PRIORITIES = ("high", "normal", "low")

_looked_at = 0


def try_body(body: bytes) -> str:
    """How it ended: which parsers took it. Any other error passes, and is what is looked for."""
    words = [word for word, parse, check in _READERS if _is_taken(body, parse, check)]
    if words:
        _compare(body)
    return " and ".join(words) or "refused"


def _is_taken(body: bytes, parse: Callable[[bytes], object], check: Callable[..., None]) -> bool:
    try:
        request = parse(body)
    except BadRequest as error:
        text = str(error)
        assert len(text) < 500, text
        assert text.isprintable(), text
        return False
    check(request)
    return True


def _check_fanout(request: FanoutRequest) -> None:
    request.topic.encode()
    assert type(request.payload) is bytes
    assert len(request.unique) <= 63
    assert b"\0" not in request.unique
    assert type(request.background) is bool
    assert request.timeout_s is None or request.timeout_s > 0
    assert request.priority in PRIORITIES
    assert all(type(name) is bytes for name in request.exclude)
    assert request.expires_at is None or type(request.expires_at) is float
    assert request.results in ("", "all", "failures")


def _check_subscription(request: SubscriptionRequest) -> None:
    request.topic.encode()
    request.client_id.encode()
    assert 0 <= request.ttl_s < 4e8


def _compare(body: bytes) -> None:
    """One in ten is shown to Python's own decoder, which is slow."""
    global _looked_at
    _looked_at += 1
    if _looked_at % 10 == 0:
        assert isinstance(json.loads(body.decode()), dict)


_READERS: list[tuple[str, Callable[[bytes], object], Callable[..., None]]] = [
    ("fanout", parse_fanout, _check_fanout),
    ("subscription", parse_subscription, _check_subscription),
]
