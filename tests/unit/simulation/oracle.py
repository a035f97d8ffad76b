"""Holds a history against the promise. Knows nothing of how it is kept.

The promise: once a change has completed, every fanout that is submitted afterwards goes by a list with it. So for each
fanout and each client id there is a set of changes of which one was the last to take effect on the list that was used:

* those that were submitted before the list was used,
* less those that were over before another one was submitted that had completed when the fanout was submitted.

If nothing had completed when the fanout was submitted, the client id may also be as it was in the beginning: not on the
list. A subscription whose time is up may be on the list or not.

A job that was not completed and may yet take effect, because its worker stands still, is among them for as long as it
may. A store that loses data makes changes that nobody asked for and that never complete.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from tests.unit.simulation.history import Fanout, History


class Effect(NamedTuple):
    """What puts a client id on a list, or off it, at some time between two moments; None: not yet."""

    is_on: bool
    begins: int
    ends: int | None
    completed: int | None
    expires_s: float | None


Pair = tuple[str, str]


def breaches(history: History) -> list[str]:
    """What each fanout got wrong, a line each."""
    effects = _effects(history)
    ids: dict[str, set[str]] = defaultdict(set)
    for topic, client_id in effects:
        ids[topic].add(client_id)
    return [
        _describe(fanout, client_id)
        for fanout in history.fanouts
        for client_id in sorted(ids[fanout.topic] | fanout.members)
        if (client_id in fanout.members) not in _allowed(effects.get((fanout.topic, client_id), []), fanout)
    ]


def _allowed(effects: Iterable[Effect], fanout: Fanout) -> set[bool]:
    """Whether the client id may be on the list that the fanout went by."""
    before = [effect for effect in effects if effect.completed is not None and effect.completed < fanout.submitted]
    floor = max((effect.begins for effect in before), default=0)
    last = [
        effect for effect in effects if effect.begins < fanout.used and (effect.ends is None or effect.ends >= floor)
    ]
    allowed = {effect.is_on for effect in last}
    if not before or any(effect.expires_s is not None and effect.expires_s <= fanout.used_s for effect in last):
        allowed.add(False)
    return allowed


def _effects(history: History) -> dict[Pair, list[Effect]]:
    found: dict[Pair, list[Effect]] = defaultdict(list)
    for attempt in history.attempts:
        expires_s = attempt.invoked_s + attempt.ttl_s if attempt.ttl_s else None
        effect = Effect(attempt.is_on, attempt.invoked, attempt.over, attempt.completed, expires_s)
        found[attempt.topic, attempt.client_id].append(effect)
    for loss in history.losses:
        for (topic, client_id), effects in found.items():
            is_on = client_id in loss.lists.get(topic, ())
            expires_s = 0.0 if is_on and any(effect.expires_s is not None for effect in effects) else None
            effects.append(Effect(is_on, loss.moment, loss.moment, None, expires_s))
    return found


def _describe(fanout: Fanout, client_id: str) -> str:
    wrong = "with" if client_id in fanout.members else "without"
    source = "memory" if fanout.from_memory else "the store"
    return f"{fanout.used_s:.4f}: {fanout.worker} answered a fanout of {fanout.topic} from {source} {wrong} {client_id}"
