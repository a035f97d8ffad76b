"""[worker]: the queues, what a worker takes on, and how long it waits."""

from oslo_config import cfg

from gearhorn.core.limits import Limits
from gearhorn.names import OwnQueues
from gearhorn.options.bounds import DAY_S, GIB, KIB, MIB, MONTH_S, TIB

OPTIONS: list[cfg.Opt] = [
    cfg.ListOpt(
        "subscribe_queues",
        default=list(OwnQueues().subscribe),
        help="The queues whose jobs subscribe; the names mean the same.",
    ),
    cfg.StrOpt("unsubscribe_queue", default=OwnQueues().unsubscribe, help="The queue whose jobs unsubscribe."),
    cfg.StrOpt("fanout_queue", default=OwnQueues().fanout, help="The queue whose jobs are broadcast."),
    cfg.ListOpt(
        "topic_queues",
        default=[],
        sample_default=["news", "memos"],
        help="Topics with queues of their own besides, such as fanout.news, subscribe_fanout.news and "
        "unsubscribe_fanout.news, which take jobs of this topic only: so that a Gearman server that limits the names "
        "of queues by certificate can decide who may do what.",
    ),
    cfg.FloatOpt(
        "foreground_timeout",
        mutable=True,
        default=30.0,
        min=0.001,
        max=MONTH_S,
        help="Seconds for which receivers are waited for when a fanout names no timeout.",
    ),
    cfg.FloatOpt(
        "foreground_timeout_limit",
        mutable=True,
        default=3600.0,
        min=0.001,
        max=MONTH_S,
        help="The most that a fanout's timeout can ask for.",
    ),
    cfg.IntOpt(
        "jobs_in_flight",
        mutable=True,
        default=4096,
        min=1,
        max=1_000_000,
        help="The most jobs held at a time, for each server, of fanouts and of changes each. A foreground fanout is "
        "held while it waits.",
    ),
    cfg.IntOpt(
        "grabs_in_flight",
        mutable=True,
        default=64,
        min=1,
        max=4096,
        help="The most requests for a job that are under way at a time, for each server.",
    ),
    cfg.IntOpt(
        "bytes_in_flight",
        mutable=True,
        default=256 * MIB,
        min=1,
        max=TIB,
        help="The most bytes of jobs held at a time, on all servers together: what their bodies take, and 256 bytes "
        "for each receiver that a fanout waits for. Above it no more are taken until it falls, but one at the least.",
    ),
    cfg.IntOpt(
        "body_limit",
        mutable=True,
        default=128 * MIB,
        min=KIB,
        max=GIB,
        help="Bytes of a job. A larger one is refused without having been in memory.",
    ),
    cfg.IntOpt(
        "payload_limit", mutable=True, default=Limits().payload_bytes, min=0, max=GIB, help="Bytes of a payload."
    ),
    cfg.IntOpt(
        "json_depth_limit",
        mutable=True,
        default=Limits().json_depth_count,
        min=2,
        max=900,
        help="Objects and lists in each other in a job, which is the first one itself.",
    ),
    cfg.IntOpt(
        "subscribers_limit",
        mutable=True,
        default=Limits().subscribers_count,
        min=1,
        max=1_000_000_000,
        help="Subscribers of a topic. No more may subscribe then; a list that is longer is served all the same.",
    ),
    cfg.IntOpt(
        "copies_bytes_limit",
        mutable=True,
        default=Limits().copies_bytes,
        min=1,
        max=1024 * TIB,
        help="Bytes of all copies of one fanout together: of its payload, as often as there are receivers.",
    ),
    cfg.IntOpt(
        "answer_limit",
        mutable=True,
        default=Limits().answer_bytes,
        min=KIB,
        max=GIB,
        help="Bytes of what one receiver answers to a fanout with results. The rest is left out, and said to be.",
    ),
    cfg.IntOpt(
        "answers_limit",
        mutable=True,
        default=Limits().answers_bytes,
        min=KIB,
        max=TIB,
        help="Bytes of what receivers have answered and no Gearman server has taken yet, in this worker. What comes "
        "while there are more is left out in the same way.",
    ),
    cfg.StrOpt(
        "refuse_with",
        mutable=True,
        default="exception",
        choices=[("exception", "with the reason"), ("failure", "without it, and heard by everybody")],
        help="How a job ends that is refused or whose receivers failed. An exception carries the reason; but on "
        "gearmand, clients of libgearman and Perl that did not ask for exceptions wait for ever after one. A "
        "failure ends the job for everybody, and the reason is only in the WORK_WARNING before it.",
    ),
    cfg.FloatOpt(
        "drain_timeout",
        mutable=True,
        default=30.0,
        min=0,
        max=DAY_S,
        help="Seconds within which the jobs held are finished when the service stops; what is left then goes back to "
        "the Gearman server.",
    ),
]
