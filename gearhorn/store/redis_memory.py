"""What a Redis would do when its memory is full, and whether that is near. Lists must not be thrown out."""

from typing import Any

from gearhorn.errors import GearhornError
from gearhorn.logs.event import log_for
from gearhorn.logs.events.store import STORE_MEMORY, STORE_MEMORY_UNKNOWN
from gearhorn.store.redis_calls import RedisCalls

log = log_for(__name__)

# So much of its memory in use is nearly all: a list of 100,000 subscribers takes 10 MB.
NEARLY_FULL = 0.9


async def warn_of_memory(calls: RedisCalls, name: str) -> None:
    """To be called at the start. A user who may not ask INFO is not told."""
    try:
        [answer] = await calls.execute([("INFO", "memory")])
    except GearhornError as error:
        log.say(STORE_MEMORY_UNKNOWN, store=name, error=error)
        return
    for line in judge_memory(_read(answer)):
        log.say(STORE_MEMORY, store=name, finding=line)


def judge_memory(info: dict[str, str]) -> list[str]:
    """What is wrong, of what the section `memory` of INFO says. One without a limit is never full."""
    limit_bytes, policy = int(info.get("maxmemory", 0)), info.get("maxmemory_policy", "noeviction")
    if not limit_bytes:
        return []
    if policy.startswith("allkeys"):
        return [
            f"throws out keys when its memory is full (maxmemory-policy {policy}): lists of subscribers will be lost, "
            "set it to noeviction"
        ]
    if policy != "noeviction":
        return [
            f"throws out keys that end by themselves when its memory is full (maxmemory-policy {policy}): workers may "
            "forget how far a fanout had come, set it to noeviction"
        ]
    if int(info.get("used_memory", 0)) > NEARLY_FULL * limit_bytes:
        return [f"has less than a tenth of its memory left (maxmemory {limit_bytes}): it will soon take no changes"]
    return []


def _read(answer: Any) -> dict[str, str]:
    """redis-py makes a dictionary of the text itself, of which it takes numbers for numbers."""
    return {str(key): str(value) for key, value in answer.items()} if isinstance(answer, dict) else {}
