"""Changes lists as a worker does, without being one.

It holds no lease and answers nothing. But whoever holds one is told of each change and waited for, so that the promise
of core/matchmaking.py holds for what is brought in as for any subscription; and where no worker is up there is nobody
to tell, and no Gearman server is needed.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Collection, Sequence

from gearhorn.clock import steady_s
from gearhorn.core.matchmaking import Matchmaking
from gearhorn.core.members import Members
from gearhorn.core.news import News
from gearhorn.errors import ServerUnavailable
from gearhorn.matchmaking.directory import Directory
from gearhorn.matchmaking.matchmaker import MatchmakingSettings
from gearhorn.matchmaking.post import Post
from gearhorn.matchmaking.rounds import Rounds
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.dispatch import Dispatch
from gearhorn.patience import Patience, PatienceSettings
from gearhorn.store.base import Store
from gearhorn.store.leases import Lease

# For those who watch, and whom nobody waits for.
LINGER_S = 0.2


class _PostWhenNeeded:
    """A post that looks for Gearman servers when there is somebody to tell."""

    def __init__(self, post: Post, start: Callable[[], object]) -> None:
        self._post = post
        self._start = start
        self.has_sent = False

    def send(self, lease: Lease, news: Collection[News], on_acknowledged: Callable[[], None]) -> Callable[[], None]:
        self._start()
        self.has_sent = True
        return self._post.send(lease, news, on_acknowledged)

    def publish(self, news: Collection[News], holders: Collection[str]) -> None:
        if holders:  # where there is no worker nobody hears of changes
            self._post.publish(news, holders)


@contextlib.asynccontextmanager
async def visiting(
    store: Store,
    settings: MatchmakingSettings,
    patience: PatienceSettings,
    servers: Sequence[Address],
    link: LinkSettings,
) -> AsyncIterator[Directory]:
    """A directory for changes. Raises ServerUnavailable if there are workers, and no server to reach them through."""
    name = f"gearhorn-import_{socket.gethostname()}"
    dispatch = Dispatch(list(servers), link, name, patience.retry_timeout_s)
    matchmaking, waits = Matchmaking(settings.limits), Patience(patience)
    tasks: list[asyncio.Task[None]] = []

    def start() -> None:
        if not tasks:
            tasks.append(asyncio.create_task(dispatch.run()))

    async def find_members() -> Members:
        (found,) = await store.read([settings.topic])
        return Members.of(found.client_ids)

    post = Post(name, settings.topic, dispatch, settings.ack_timeout_s, find_members)
    when_needed = _PostWhenNeeded(post, start)
    rounds = Rounds(store, waits, matchmaking, when_needed, settings.ack_timeout_s)
    directory = Directory(store, waits, matchmaking, rounds, steady_s)
    try:
        workers = [lease.key.worker_id for lease in await store.leases() if lease.left_s > 0]
        if workers:
            start()
            await _reach(dispatch, servers, workers, link.connect_timeout_s)
        yield directory
        if when_needed.has_sent:
            await asyncio.sleep(LINGER_S)
    finally:
        await directory.close()
        await rounds.close()
        await post.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _reach(dispatch: Dispatch, servers: Sequence[Address], workers: Sequence[str], limit_s: float) -> None:
    try:
        async with asyncio.timeout(limit_s):
            await dispatch.up.wait()
    except TimeoutError:
        raise ServerUnavailable(
            f"{len(workers)} workers use this store ({workers[0]} is one), and no Gearman server can be reached to "
            f"tell them of changes: tried {', '.join(map(str, servers))}"
        ) from None
