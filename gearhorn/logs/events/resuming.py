"""Fanouts that were cut short by the end of a worker or a server, and the records that let others finish them."""

from gearhorn.logs.event import debug, error, info, warning

FANOUT_RESUMED = warning(
    "fanout.resumed",
    "a fanout of topic {topic!r} goes on where worker {worker_id} stopped: {out_count} of its {copies_count} copies "
    "are out already",
    meaning="The Gearman server gave its job to this worker.",
    remedy="Nothing, for the fanout; see what became of that worker.",
)
FANOUT_ADOPTED = warning(
    "fanout.adopted",
    "a fanout of topic {topic!r} was cut short: its worker is lost, and the Gearman server has dropped the job; this "
    "worker finishes it",
    meaning="Worker and server were lost together, and the record was still there.",
    remedy="Nothing, for the fanout; see what became of that worker.",
    ended_by="fanout.finished",
)
FANOUT_FINISHED = info(
    "fanout.finished",
    "finished the fanout of topic {topic!r}: {copies_count} copies are out in all",
    meaning="The end of fanout.adopted.",
)
FANOUT_UNFINISHED = error(
    "fanout.unfinished",
    "the fanout of topic {topic!r} ended with failures: {reason}",
    meaning="The end of fanout.adopted: some copies could not be sent.",
    remedy="Publish again what the line names.",
)
FANOUT_UNRECORDED = info(
    "fanout.unrecorded",
    "a fanout of {topic!r} is too large to be finished by others if this worker is lost",
    meaning="Its body is larger than what is kept of one.",
)
ORPHANS_UNSEEN = debug(
    "orphans.unseen",
    "fanouts without a worker were not looked for: {error}",
    meaning="The store was away; the next look comes in ten seconds.",
)
RECORD_LEFT = info(
    "record.left",
    "the record of a fanout stays until it runs out: {error}",
    meaning="The store was away at the fanout's end.",
)
RECORD_UNWRITTEN = warning(
    "record.unwritten",
    "how far a fanout has come cannot be recorded: {reason}; if this worker is lost now, many",
    meaning="The store is away or slow. Copies are sent all the same.",
    remedy="See that the store runs.",
    ended_by="record.written",
)
RECORD_FULL = warning(
    "record.full",
    "how far a fanout has come cannot be recorded any more: {error}",
    meaning="Of a fanout to very many: so many copies have failed that the record has no room for their names. Copies "
    "are sent all the same.",
    remedy="Find out why they fail.",
)
RECORD_WRITTEN = info("record.written", "how far fanouts have come is recorded again", meaning="The trouble is over.")
RECORD_UNREAD = warning(
    "record.unread",
    "whether a fanout was cut short before cannot be told, it begins anew: {reason}",
    meaning="The store is away or slow. Receivers may get a copy twice.",
    remedy="See that the store runs.",
    ended_by="record.read",
)
RECORD_READ = info("record.read", "whether fanouts were cut short can be told again", meaning="The trouble is over.")
RECORD_UNKEPT = info(
    "record.unkept",
    "a fanout's record is not kept for others: {error}",
    meaning="The store is away. If this worker and the Gearman server are lost together now, the fanout is.",
    ended_by="record.kept",
)
RECORD_KEPT = info("record.kept", "fanouts' records are kept for others again", meaning="The trouble is over.")
