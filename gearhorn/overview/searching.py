"""Finds subscribers by a part of their id, over all topics."""

from collections.abc import Iterator, Mapping

from gearhorn.clock import steady_s
from gearhorn.core.members import Members
from gearhorn.overview.observer import Observer
from gearhorn.overview.subscribers import TOO_MANY, view_pairs
from gearhorn.overview.views import Lookup
from gearhorn.subscribers.aside import first_sorted, reckon

# So many subscriptions are shown, unless somebody wants more or fewer.
FOUND_LIMIT = 1000
# Ids that are looked at in one go.
_AT_ONCE = 10_000


async def search(observer: Observer, text: str, *, is_prefix: bool, limit: int = FOUND_LIMIT) -> Lookup:
    """The first `limit` subscriptions whose client id begins with `text`, or has it anywhere, by id and topic. Capitals
    of the alphabet are taken for small letters.

    Reads every list there is, as far as there is time, as `look_up` does.
    """
    found = await observer.ask_store()
    if found.store is None:
        return Lookup((), is_complete=False, trouble=found.view.trouble, store_answered=False)
    topics = [count.topic for count in observer.public_topics(found)]
    until_s = steady_s() + observer.settings.patience_s
    lists = await observer.roster.find(found.store, topics, until_s)
    subscriber_count = sum(len(members) for members in lists.values())
    fitting = await reckon(subscriber_count, lambda: _find_all(lists, text.encode(), is_prefix=is_prefix))
    ids = await reckon(len(fitting), lambda: first_sorted(fitting, limit, tuple))
    pairs = [(topic, client_id.decode()) for client_id, topic in ids]
    views, trouble = await view_pairs(observer, found, pairs)
    if not trouble and len(lists) < len(topics):
        trouble = TOO_MANY
    if not trouble and len(fitting) > limit:
        trouble = f"{len(fitting):,} subscriptions fit, of which the first {limit:,} are shown"
    return Lookup(tuple(views), not trouble, trouble)


def _find_all(lists: Mapping[str, Members], text: bytes, *, is_prefix: bool) -> list[tuple[bytes, str]]:
    return [
        (client_id, topic)
        for topic, members in lists.items()
        for client_id in find_in(members, text, is_prefix=is_prefix)
    ]


def find_in(members: Members, text: bytes, *, is_prefix: bool) -> Iterator[bytes]:
    """The members are packed one behind the other, so this costs a search in one long text, which is not empty."""
    wanted, start = text.lower(), 0
    while wanted and start < len(members):
        names, id_bytes, id_count = members.row(start, _AT_ONCE)
        start += id_count
        width, folded, at = id_bytes + 1, names.lower(), -1
        while (at := folded.find(wanted, at + 1)) >= 0:
            begin = at - at % width
            if at + len(wanted) > begin + id_bytes:  # over the end of the id
                continue
            if not is_prefix or at == begin:
                yield names[begin : begin + id_bytes]
            if is_prefix and at != begin:
                continue
            at = begin + width - 1
