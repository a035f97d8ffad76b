"""The worker's own life: it gets ready, serves, and stops."""

from gearhorn.logs.event import error, info, warning

SERVICE_READY = info(
    "service.ready",
    "ready: serves the queues {queues} on {servers}",
    meaning="From now on jobs are taken. systemd is told at the same moment.",
)
SERVICE_STOPPING = info(
    "service.stopping",
    "stopping: {held_count} jobs to finish, within {drain_timeout_s:g} s",
    meaning="The worker was asked to stop. It takes no more jobs and finishes those that it holds.",
)
SERVICE_STOPPED = info(
    "service.stopped",
    "stopped",
    meaning="All is closed. The last line of a worker that was asked to stop.",
)
JOBS_GIVEN_BACK = warning(
    "jobs.given_back",
    "gave {jobs_count} unfinished jobs back to {server}",
    meaning="The time to finish them was over. The Gearman server gives them to another worker.",
    remedy="If it happens often, raise `[worker] drain_timeout` (and the unit's TimeoutStopSec=).",
)
SERVICE_FAILED = error(
    "service.failed",
    "{error}",
    meaning="The worker ends because of this, at the start or in service. In text the line begins with `gearhorn:` "
    "and has no event.",
    remedy="Mend what the line names.",
)
SYSTEMD_DEAF = warning(
    "systemd.deaf",
    "systemd could not be told {state}: {reason}",
    meaning="The socket that systemd names cannot be written to. With Type=notify it may think that the worker hangs.",
    remedy="See that the unit's NotifyAccess= lets the worker in.",
    ended_by="systemd.back",
)
SYSTEMD_BACK = info("systemd.back", "systemd can be told again", meaning="The trouble before is over.")
LINES_LEFT_OUT = warning(
    "lines.left_out",
    "more lines of {event} are left out for {window_s:g} s",
    meaning="There were a hundred within ten seconds. Only events that others can cause without end are left out; "
    "metrics count all of them.",
    remedy="Find out who causes them: the lines before tell.",
    ended_by="lines.left_out_so_far",
)
LINES_LEFT_OUT_SO_FAR = info(
    "lines.left_out_so_far",
    "{lines_count} lines of {event} were left out",
    meaning="Said with the next line of that event.",
)
