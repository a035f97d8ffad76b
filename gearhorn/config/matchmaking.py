"""[matchmaking] and [signing]: what workers agree on, and whom they believe."""

from gearhorn.config.source import Source
from gearhorn.config.worker import worker_id
from gearhorn.core.matchmaking import MatchmakingLimits
from gearhorn.errors import BadRequest, Misconfigured
from gearhorn.matchmaking.matchmaker import MatchmakingSettings
from gearhorn.names import RESERVED_PREFIX, check_pair, check_topic
from gearhorn.signing.guard import SigningSettings


def matchmaking_settings(source: Source) -> MatchmakingSettings:
    options = source.conf.matchmaking
    if not options.topic.startswith(RESERVED_PREFIX):
        raise Misconfigured(f"[matchmaking] topic: {options.topic!r} does not begin with {RESERVED_PREFIX!r}")
    if options.ack_timeout > options.lease_ttl:
        raise Misconfigured("[matchmaking] ack_timeout is longer than lease_ttl: a lease would run out before")
    try:
        check_topic(options.topic, options.topic)
        check_pair(options.topic, worker_id(source), (), options.topic)
    except BadRequest as error:
        option = "worker_id" if error.key == "client_id" else "topic"
        raise Misconfigured(f"[matchmaking] {option} {error.reason}") from None
    return MatchmakingSettings(
        worker_id(source),
        options.topic,
        options.enabled,
        options.ack_timeout,
        MatchmakingLimits(options.lease_ttl, options.cache_topics, options.cache_subscribers),
    )


def signing_settings(source: Source) -> SigningSettings:
    options = source.conf.signing
    return SigningSettings(
        options.keys_file,
        tuple(options.required_topics),
        options.max_age,
        source.environ.get("CREDENTIALS_DIRECTORY", ""),
        source.conf.gearman.persistent_queue,
    )
