"""How a version follows on another, the same in every store."""

MICROSECONDS_PER_S = 1_000_000


def next_version(last: int, now_s: float) -> int:
    """The version after `last` (0: none). `now_s` is Unix time by the clock that the store goes by.

    Counting from one would do as long as nothing is ever lost. But a Redis that falls over to a replica, a memcached
    that restarts or a database restored from a backup goes back to an earlier list, and would then give a version that
    workers have seen before to another list. Versions taken from the clock are ahead of all that were lost.
    """
    return max(last + 1, int(now_s * MICROSECONDS_PER_S))
