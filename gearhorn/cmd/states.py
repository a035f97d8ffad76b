"""How the subscribers of a topic fare: what the watching worker has found, and what the servers say now."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from gearhorn.config import Config
from gearhorn.core.health import IDLE, LIVE, Case, Sight
from gearhorn.errors import ServerUnavailable
from gearhorn.names import queue_name
from gearhorn.net.address import Address
from gearhorn.net.admin import ask_status
from gearhorn.net.connection import LinkSettings
from gearhorn.store.base import Store
from gearhorn.subscribers.report import read_report
from gearhorn.subscribers.survey import sights_of
from gearhorn.subscribers.telling import time_of
from gearhorn.wire.status import NO_OTHERS, Counts, StatusRole

PAUSED = "paused"

# Somebody waits at a prompt.
PATIENCE_S = 5.0


class State(NamedTuple):
    """None is what cannot be told. `since` is when trouble was first seen."""

    state: str | None
    backlog: int | None
    since: str | None


class Fare(NamedTuple):
    """The subscribers' states in the order asked for, and a line for each server that could not be asked."""

    states: list[State]
    complaints: list[str]


async def ask_states(config: Config, store: Store, topic: str, client_ids: Sequence[str]) -> Fare:
    """Raises StoreUnavailable, but nothing for servers that are away."""
    queues = [queue_name(topic, client_id) for client_id in client_ids]
    link = config.link_settings()
    hasty = replace(
        link,
        connect_timeout_s=min(PATIENCE_S, link.connect_timeout_s),
        answer_timeout_s=min(PATIENCE_S, link.answer_timeout_s),
    )
    answers = await asyncio.gather(*(_ask(server, hasty, queues) for server in config.servers()))
    report = await read_report(store)
    cases = report.cases if report else {}
    counts = [answer for answer in answers if not isinstance(answer, str)]
    sights = sights_of(counts) if counts else None
    is_complete = len(counts) == len(answers)
    states = [_state(cases.get(queue), _sight(sights, queue), is_complete=is_complete) for queue in queues]
    return Fare(states, [answer for answer in answers if isinstance(answer, str)])


async def _ask(server: Address, link: LinkSettings, queues: Sequence[bytes]) -> dict[bytes, Counts] | str:
    role = StatusRole(NO_OTHERS, queues)
    try:
        await ask_status(server, link, role)
    except ServerUnavailable as error:
        return f"Gearman server {server} cannot be asked: {error}"
    return role.counts


def _sight(sights: Mapping[bytes, Sight] | None, queue: bytes) -> Sight | None:
    return None if sights is None else sights.get(queue, Sight(0, 0, False))


def _state(case: Case | None, sight: Sight | None, *, is_complete: bool) -> State:
    """What was found stands until a server shows otherwise; it is as old as the last look at the most."""
    if case is not None and (sight is None or not is_complete or sight.unserved_count):
        state = PAUSED if case.is_paused else case.told
        return State(state, sight.backlog_count if sight else case.backlog_count, time_of(case.since_s))
    if sight is None:
        return State(None, None, None)
    if sight.has_worker:
        return State(LIVE, sight.backlog_count, None)
    return State(IDLE if is_complete else None, sight.backlog_count, None)
