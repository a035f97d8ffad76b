"""Every option of the configuration: name, default, bounds, and the line of the sample. A module for each section; with
config/ the only place that knows oslo.config.

An upper bound is where a slip (milliseconds, a digit too many) is more likely than a wish.
"""

from oslo_config import cfg

from gearhorn.options import dashboard, gearman, matchmaking, metrics, reaper, signing, store, worker

_LOG_OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        "log_level",
        mutable=True,
        default="info",
        choices=[
            ("debug", "everything that is said"),
            ("info", "starts and stops, changes of the lists, refused jobs"),
            ("warning", "trouble that may pass by itself"),
            ("error", "what somebody should look at"),
        ],
        ignore_case=True,
        help="The least weighty lines that are logged.",
    ),
    cfg.StrOpt(
        "log_format",
        mutable=True,
        default="auto",
        choices=[
            ("auto", "text"),
            ("text", "for people: the clock, the level, the event, a sentence"),
            ("json", "for machines: an object a line, with the event's fields"),
        ],
        ignore_case=True,
        help="How a line looks. Where standard error is systemd's journal, its priority goes before it, and a line of "
        "text has no clock. See doc/logs.md for the events.",
    ),
]

# oslo.config's name for the group [DEFAULT] is None.
GROUPS: dict[str | None, list[cfg.Opt]] = {
    None: _LOG_OPTIONS,
    "gearman": gearman.OPTIONS,
    "worker": worker.OPTIONS,
    "store": store.OPTIONS,
    "matchmaking": matchmaking.OPTIONS,
    "signing": signing.OPTIONS,
    "reaper": reaper.OPTIONS,
    "metrics": metrics.OPTIONS,
    "dashboard": dashboard.OPTIONS,
}


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    """Every option by group, for oslo-config-generator."""
    return list(GROUPS.items())
