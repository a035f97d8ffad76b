"""[reaper]: what is done about subscribers that are gone."""

from gearhorn.config.source import Source
from gearhorn.config.worker import judge_queue, own_queues
from gearhorn.core.health import HealthLimits
from gearhorn.errors import Misconfigured
from gearhorn.subscribers.policies import POLICIES, ReaperSettings


def reaper_settings(source: Source) -> ReaperSettings:
    options = source.conf.reaper
    for pattern, policy in options.policies.items():
        if policy not in POLICIES:
            raise Misconfigured(f"[reaper] policies: {policy!r}, for {pattern!r}, is none of {', '.join(POLICIES)}")
    if options.dead_letter_queue and options.dead_letter_file:
        raise Misconfigured("[reaper] names a dead_letter_queue and a dead_letter_file: one of them is enough")
    if options.dead_letter_queue:
        _judge_dead_letter_queue(source, options.dead_letter_queue)
    return ReaperSettings(
        options.policy,
        tuple(options.policies.items()),
        options.interval,
        HealthLimits(options.max_backlog, options.grace, options.dead_after),
        options.dead_letter_queue,
        options.dead_letter_file,
    )


def _judge_dead_letter_queue(source: Source, name: str) -> None:
    judge_queue(name, "[reaper] dead_letter_queue")
    if name in own_queues(source).all():
        raise Misconfigured(f"[reaper] dead_letter_queue: {name!r} is a queue of the service")
