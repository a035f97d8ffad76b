"""Signed jobs, and the keys."""

from gearhorn.logs.event import error, info, warning

KEYS_UNREAD = error(
    "keys.unread",
    "{error}; the keys from before stay",
    meaning="`[signing] keys_file` was changed, and cannot be used as it is.",
    remedy="Mend the file.",
    ended_by="keys.read",
)
KEYS_READ = info("keys.read", "the keys were read anew: {key_ids}", meaning="`[signing] keys_file` was changed.")
ENDING_UNKEPT = warning(
    "ending.unkept",
    "could not note that a signed job has ended: {error}",
    meaning="The store is away. If the Gearman server gives the job out again, it runs again.",
    remedy="See that the store runs.",
    ended_by="ending.kept",
)
ENDING_KEPT = info("ending.kept", "the ends of signed jobs are noted again", meaning="The trouble before is over.")
