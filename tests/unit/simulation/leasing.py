"""Keeps a worker's lease, as gearhorn's workers do: takes it, renews it, and takes another when it was lost."""

from collections.abc import Callable, Sequence

from gearhorn.core.matchmaking import Matchmaking
from gearhorn.store.leases import Lease, LeaseKey, Renewal
from tests.unit.simulation.process import Process
from tests.unit.simulation.store import NO_ANSWER, Answer, StoreLink

RETRY_S = 0.3


class Leasing:
    """`dead_tokens` are those of processes under the same id that are known to be dead."""

    def __init__(
        self,
        process: Process,
        link: StoreLink,
        matchmaking: Matchmaking,
        worker_id: str,
        dead_tokens: Sequence[str],
        on_renewal: Callable[[Renewal], None],
    ) -> None:
        self._process = process
        self._link = link
        self._matchmaking = matchmaking
        self._worker_id = worker_id
        self._dead_tokens = list(dead_tokens)
        self._on_renewal = on_renewal
        self.tokens: list[str] = []

    async def run(self) -> None:
        while True:
            await self._keep(await self._take())

    async def release(self) -> None:
        token = self._matchmaking.lease.token
        self._matchmaking.lease_lost()
        if token is not None:
            await self._link.ask(self._process, "release_lease", LeaseKey(self._worker_id, token))

    async def _take(self) -> str:
        while True:
            token, asked_at_s, other = await self._try_to_take()
            if other is None:
                self._matchmaking.lease.taken(token, asked_at_s)
                return token
            await self._process.sleep(min(RETRY_S + other.left_s, self._matchmaking.lease.ttl_s / 3))

    async def _try_to_take(self) -> tuple[str, float, Lease | None]:
        """Each call has a token of its own: were one to arrive late, it would bring a revoked lease back to life."""
        while True:
            token, asked_at_s = f"{self._process.name}.{len(self.tokens) + 1}", self._process.now_s()
            instead_of = (*self._dead_tokens, *self.tokens)
            self.tokens.append(token)
            self._matchmaking.lease.asked(token)
            answer = await self._ask("take_lease", token, instead_of)
            if answer is not NO_ANSWER:
                return token, asked_at_s, answer.value
            await self._process.sleep(RETRY_S)

    async def _keep(self, token: str) -> None:
        """Returns when the lease is lost."""
        while True:
            await self._process.sleep(self._matchmaking.lease.ttl_s / 3)
            asked_at_s = self._process.now_s()
            answer = await self._ask("renew_lease", token)
            if answer is NO_ANSWER:
                continue
            if not answer.value.is_held:
                self._matchmaking.lease_lost()
                return
            self._matchmaking.lease.renewed(asked_at_s)
            self._on_renewal(answer.value)

    async def _ask(self, method: str, token: str, *more: Sequence[str]) -> Answer | None:
        key = LeaseKey(self._worker_id, token)
        return await self._link.ask(self._process, method, key, self._matchmaking.lease.ttl_s, "{}", *more)
