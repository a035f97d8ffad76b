"""The exit statuses that mean the same whatever the command."""

from gearhorn.cmd import exits

_MEANINGS = {
    exits.OK: "all is well",
    exits.ERROR: "an error",
    exits.USAGE: "wrong usage, or the service refused it",
    exits.NOBODY_SUBSCRIBED: "nobody is subscribed; there is no worker, or no such one",
    exits.SOME_FAILED: "some receivers failed",
    exits.TIMED_OUT: "no answer in time",
    exits.UNREACHABLE: "no Gearman server, or not the store, can be reached",
    exits.TROUBLE: "something of the system is down, which was looked at",
    exits.WARNING: "nothing is down, and something should be seen to",
    exits.MISCONFIGURED: "the configuration is wrong, or the port of standalone is taken",
    exits.BY_SIGINT: "ended by SIGINT (Ctrl-C)",
    exits.BY_SIGPIPE: "nobody reads its output any more",
}


def general_statuses() -> tuple[tuple[int, str], ...]:
    return tuple(sorted(_MEANINGS.items()))
