"""Judges topics and client ids, and joins them into queue names. No other file joins them.

The rules are those of the contract: a name is non-empty text without control characters (NUL would forge packet
arguments, tab and newline would forge lines of the admin protocol); a queue name has at most 255 bytes; nothing may
take the name of one of the service's own queues.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gearhorn.errors import BadRequest

# gearmand serves names up to 2,000 bytes and closes the connection of every worker that grabs one of 8,190; geard and
# Perl's server know no limit. 255 is the contract's, far from all of that.
QUEUE_NAME_LIMIT_BYTES = 255

# A longer one leaves no room for the shortest client id.
TOPIC_LIMIT_BYTES = QUEUE_NAME_LIMIT_BYTES - len("_x")

# Queues of the service for its own use begin with it. Topic `_` is reserved too: its queues would.
RESERVED_PREFIX = "__"

# Stands behind each name where many are packed into one bytes object. No name has it: control characters are refused.
NAME_END = b"\n"

# The one topic with such queues: workers meet there, and other programs may watch and send messages. See matchmaking/.
MATCHMAKING_TOPIC = "__matchmaking"


@dataclass(frozen=True, slots=True)
class OwnQueues:
    """The queues that the service itself serves.

    Each of `topics` has queues of its own besides, for jobs of this topic only: a Gearman server that limits names of
    queues by certificate can then decide who publishes what.
    """

    subscribe: tuple[str, ...] = ("subscribe_fanout", "register_fanout_subscriber")
    unsubscribe: str = "unsubscribe_fanout"
    fanout: str = "fanout"
    topics: tuple[str, ...] = ()

    def all(self) -> tuple[str, ...]:
        """Without those of single topics."""
        return (*self.subscribe, self.unsubscribe, self.fanout)

    def of_topic(self, topic: str) -> "OwnQueues":
        """The queues for jobs of `topic` only: the same names, each with a dot and the topic behind it."""
        return OwnQueues(
            tuple(f"{name}.{topic}" for name in self.subscribe),
            f"{self.unsubscribe}.{topic}",
            f"{self.fanout}.{topic}",
        )


def check_topic(topic: str, matchmaking_topic: str = MATCHMAKING_TOPIC) -> None:
    """Raises BadRequest when `topic` cannot be a topic that clients subscribe or publish to."""
    _check_text("topic", topic)
    if len(topic.encode()) > TOPIC_LIMIT_BYTES:
        raise BadRequest("topic", f"has {len(topic.encode())} bytes, more than {TOPIC_LIMIT_BYTES}")
    if f"{topic}_".startswith(RESERVED_PREFIX) and topic != matchmaking_topic:
        raise BadRequest("topic", f"{topic!r} is reserved: its queues would begin with {RESERVED_PREFIX!r}")


def check_pair(topic: str, client_id: str, own: Iterable[str], matchmaking_topic: str = MATCHMAKING_TOPIC) -> None:
    """Raises BadRequest when the pair cannot be a subscription.

    `own` are the names of the service's own queues. A queue name that equals one of them would turn broadcasts into
    jobs for the service; one that begins with such a name and a dot is kept free for queues of single topics.
    """
    check_topic(topic, matchmaking_topic)
    _check_text("client_id", client_id)
    queue = queue_name(topic, client_id)
    if len(queue) > QUEUE_NAME_LIMIT_BYTES:
        raise BadRequest(
            "client_id",
            f"the queue name <topic>_<client_id> has {len(queue)} bytes, more than {QUEUE_NAME_LIMIT_BYTES}",
        )
    text = queue.decode()
    for name in own:
        if text == name or text.startswith(f"{name}."):
            raise BadRequest("client_id", f"the queue name {text!r} belongs to the service")


def queue_name(topic: str, client_id: str) -> bytes:
    """The queue of one subscriber of one topic."""
    return queue_prefix(topic) + client_id.encode()


def queue_prefix(topic: str) -> bytes:
    """What the queue names of all subscribers of a topic begin with; the client id in UTF-8 follows."""
    return f"{topic}_".encode()


def possible_pairs(queue: bytes) -> Iterator[tuple[str, str]]:
    """Every topic and client id whose queue this could be: it may be split at any underscore. A name that is not UTF-8
    is nobody's.
    """
    try:
        name = queue.decode()
    except UnicodeDecodeError:
        return
    at = name.find("_", 1)
    while 0 < at < len(name) - 1:
        yield name[:at], name[at + 1 :]
        at = name.find("_", at + 1)


def may_collide(topic: str, client_id: str) -> bool:
    """Whether another pair has the same queue name, because it can be split at another underscore as well."""
    return "_" in topic[1:] or "_" in client_id[:-1]


def _check_text(key: str, text: str) -> None:
    if not text:
        raise BadRequest(key, "is empty")
    if not text.isprintable():  # the cheap question first: nearly every name is printable
        for character in text:
            if unicodedata.category(character) == "Cc":
                raise BadRequest(key, f"has the control character U+{ord(character):04X}")
            if unicodedata.category(character) == "Cs":
                raise BadRequest(key, "has half of a surrogate pair, which is no character")
