"""What publishers and subscribers are told when a list or a store is not there."""

from tests.functional.contract.clients import Answer
from tests.functional.facts.raw import Kind
from tests.functional.matchmaking.crew import Member

LOST = b"and nobody has subscribed to"
TORN = b"the store has lost the list of subscribers"
AWAY = b"the store cannot be reached"
GONE = b"was removed or replaced while it was in use"

# Changes give up soon, and so do fanouts that have to ask the store.
IMPATIENT = "[store]\nretry_timeout = 0.5\ntimeout = 1\n"


def publish(member: Member, topic: str) -> Answer:
    (handle,) = member.start_fanouts(topic)
    return member.client.finish(handle)


def is_refused(member: Member, topic: str, words: bytes = LOST) -> bool:
    """An exception with these words, and not a number of copies. A 0 is wrong whenever this is asked."""
    kind, data, _ = publish(member, topic)
    if kind == Kind.WORK_COMPLETE:
        assert int(data) > 0, "a wrong 0"
        return False
    assert words in data, data
    return True


def cannot_subscribe(member: Member, topic: str, client_id: str, words: bytes = AWAY) -> bool:
    kind, data, _ = member.client.finish(member.start_subscribing(topic, client_id))
    return kind == Kind.WORK_EXCEPTION and words in data
