"""What workers ask Redis while a test does something."""

from collections.abc import Callable

from tests.servers.stores import Redis

_ASKING = ("client", "hello", "info")
_END = "the end of what was watched"


def commands_during(redis: Redis, act: Callable[[], object]) -> list[str]:
    """Every command that Redis carries out, also inside scripts, in the words of MONITOR."""
    client, found = redis.client(), []
    try:
        with client.monitor() as monitor:
            act()
            redis.ask(f"ECHO '{_END}'")
            while _END not in (command := monitor.next_command()["command"]):
                found.append(command)
    finally:
        client.close()
    return found


def reads_of(redis: Redis, topic: str, act: Callable[[], object]) -> int:
    """How often the members of the list of `topic` are read; asking how many they are does not count."""
    commands = commands_during(redis, act)
    return sum(f"gearhorn:topic:{topic}" in command and "SCARD" not in command.upper() for command in commands)


def call_counts(redis: Redis) -> dict[str, int]:
    """How often each command was called so far, INFO itself and those inside scripts among them."""
    client = redis.client()
    try:
        statistics = client.info("commandstats")
    finally:
        client.close()
    return {name.removeprefix("cmdstat_"): values["calls"] for name, values in statistics.items()}


def calls_during(redis: Redis, act: Callable[[], object]) -> dict[str, int]:
    """The commands called meanwhile, apart from what it takes to ask that."""
    before = call_counts(redis)
    act()
    after = call_counts(redis)
    rises = {name: count - before.get(name, 0) for name, count in after.items()}
    return {name: rise for name, rise in rises.items() if rise and name.partition("|")[0] not in _ASKING}
