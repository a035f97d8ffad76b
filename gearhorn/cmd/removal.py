"""`gearhorn workers remove`: does at an operator's word what workers do by themselves after one that is gone."""

import argparse
import asyncio

from gearhorn.client.requests import subscription_body
from gearhorn.client.service import ANSWER_LIMIT_S, CONNECT_LIMIT_S, Service
from gearhorn.client.signatures import ready
from gearhorn.cmd import exits
from gearhorn.cmd.lookups import opened_store
from gearhorn.cmd.output import say, say_log_plainly
from gearhorn.cmd.settings import read_config, read_signer
from gearhorn.config import Config
from gearhorn.names import queue_name
from gearhorn.net.drain import drain
from gearhorn.signing.envelope import UNSUBSCRIBE
from gearhorn.signing.signer import Signer
from gearhorn.store.base import Store, Unsubscribe
from gearhorn.store.leases import Lease, LeaseKey

# How soon it is noticed that a lease has ended early, or that its worker is alive.
POLL_S = 0.5

_LABEL = "gearhorn_workers_remove"


def remove_worker(arguments: argparse.Namespace) -> int:
    config = read_config(arguments, default_log_level="warning")
    say_log_plainly()
    return asyncio.run(_remove(config, arguments.worker_id, read_signer(arguments, config)))


async def _remove(config: Config, worker_id: str, signer: Signer | None) -> int:
    async with opened_store(config) as store:
        removal = Removal(config, store, worker_id, signer)
        lease = await removal.find_lease()
        if lease is None:
            say(f"there is no worker {worker_id}")
            return exits.NO_WORKER
        if not await removal.run(lease):
            say(f"{worker_id} is alive: it has taken a new lease, and stays")
            return exits.ERROR
    say(f"{worker_id} is removed")
    return exits.OK


class Removal:
    """`signer` is for services that take signed jobs only on `__matchmaking`, too."""

    def __init__(self, config: Config, store: Store, worker_id: str, signer: Signer | None = None) -> None:
        self._config = config
        self._signer = signer
        self._store = store
        self._worker_id = worker_id
        self._topic = config.matchmaking_settings().topic

    async def find_lease(self) -> Lease | None:
        leases = await self._store.leases()
        return next((lease for lease in leases if lease.key.worker_id == self._worker_id), None)

    async def run(self, lease: Lease) -> bool:
        """False: the worker is alive. Raises Unavailable; what is left to do can be done by another run.

        The lease is forgotten last: it is what another run, or another worker, goes by.
        """
        config = self._config
        async with Service(
            config.servers(), config.link_settings(), _LABEL, CONNECT_LIMIT_S, says_trouble=False
        ) as service:
            await service.connect()  # before anything is changed
            await self._revoke(lease)
            if not await self._wait_until_run_out(lease.key):
                return False
            await self._take_off_list(service)
        await self._empty_queue()
        await self._store.forget_lease(lease.key)
        return True

    async def _revoke(self, lease: Lease) -> None:
        if lease.left_s <= 0:
            return
        (left_s,) = await self._store.revoke_leases([lease.key])
        say(
            f"the lease of {self._worker_id} is revoked; waiting up to {left_s:.1f} s until it has run out. A worker "
            "that is alive takes a new one by itself"
        )

    async def _wait_until_run_out(self, key: LeaseKey) -> bool:
        """False: the worker has another one by now."""
        while (lease := await self.find_lease()) is not None and lease.left_s > 0:
            if lease.key != key:
                return False
            await asyncio.sleep(min(lease.left_s, POLL_S))
        return True

    async def _take_off_list(self, service: Service) -> None:
        """Other workers may have the list in memory: so the service does it, if there is one."""
        if any(lease.left_s > 0 for lease in await self._store.leases()):
            queues = self._config.own_queues()
            body = subscription_body(self._topic, self._worker_id, own=queues.all(), matchmaking_topic=self._topic)
            await service.do(queues.unsubscribe, ready(body, UNSUBSCRIBE, self._signer), ANSWER_LIMIT_S)
        else:
            # It stays unsettled: a worker that comes meanwhile is handed what it may have to tell.
            await self._store.apply([Unsubscribe(self._topic, self._worker_id)])

    async def _empty_queue(self) -> None:
        servers, link = self._config.servers(), self._config.link_settings()
        queue = queue_name(self._topic, self._worker_id)
        counts = await asyncio.gather(*(drain(address, link, _LABEL, queue) for address in servers))
        for address, count in zip(servers, counts, strict=True):
            if count is None:
                say(f"{address} cannot be reached: messages to {self._worker_id} may be left there")
            elif count:
                say(f"took {count} messages off the queue of {self._worker_id} on {address}")
