"""Jobs that were refused, given up, or ran into a bug. What is in a job is never logged."""

from gearhorn.logs.event import error, info, warning

JOB_REFUSED = info(
    "job.refused",
    "refused a job of queue {queue}: {reason}",
    meaning="Something is wrong with the job: its publisher was told the same.",
    remedy="The publisher has to mend it.",
    comes_often=True,
)
JOB_GIVEN_UP = warning(
    "job.given_up",
    "gave up a job of queue {queue}: {reason}",
    meaning="The store was away for longer than `[store] retry_timeout`.",
    remedy="See that the store runs; the publisher has to publish again.",
    comes_often=True,
)
JOB_MISCONFIGURED = error(
    "job.misconfigured",
    "gave up a job of queue {queue}: {reason}",
    meaning="What the service is set up with does not work any more: a password that was changed, say.",
    remedy="Mend the setting that the line names.",
    comes_often=True,
)
JOB_BUG = error(
    "job.bug",
    "a job of queue {queue} ran into a bug",
    meaning="A bug in gearhorn. The job ended with an exception, and the others go on.",
    remedy="Report it, with the traceback.",
    comes_often=True,
)
FANOUT_BUG = error(
    "fanout.bug",
    "a fanout ran into a bug",
    meaning="A bug in gearhorn. The fanout ended with an exception, and the others go on.",
    remedy="Report it, with the traceback.",
    comes_often=True,
)
FANOUT_ANSWER_BUG = error(
    "fanout.answer_bug",
    "the answer to a fanout ran into a bug",
    meaning="A bug in gearhorn. The copies are out.",
    remedy="Report it, with the traceback.",
)
FANOUT_PROGRESS_BUG = error(
    "fanout.progress_bug",
    "the progress of a fanout cannot be shown",
    meaning="A bug in gearhorn. The fanout itself goes on.",
    remedy="Report it, with the traceback.",
)
