"""Who may have what done: asked by the handlers before a job is run, if the service has keys or wants signatures."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from gearhorn.bodies import FanoutRequest, SubscriptionRequest
from gearhorn.errors import BadRequest, Misconfigured
from gearhorn.net.job import Job
from gearhorn.patience import Patience
from gearhorn.signing.envelope import Envelope, find_envelope, read_claims
from gearhorn.signing.key_file import KeyFile
from gearhorn.signing.keys import RIGHTS, Key
from gearhorn.signing.order import Order
from gearhorn.signing.patterns import Patterns
from gearhorn.signing.replays import Replays
from gearhorn.signing.vouchers import Voucher
from gearhorn.store.base import Store

# As many topics of unsigned jobs are remembered.
TOPICS_REMEMBERED = 4096

# A foreground fanout that takes longer, and whose worker dies after that, is not run again.
LONGEST_RUN_S = 86400.0
# Clocks of stores and workers may differ by so much.
SPARE_S = 60.0

Request = TypeVar("Request", FanoutRequest, SubscriptionRequest)
Rest = Coroutine[None, None, None] | None


@dataclass(frozen=True, slots=True)
class SigningSettings:
    """`required_topics` are patterns. A signature counts for `max_age_s` seconds before and after its time.

    `credentials` is the folder of systemd's credentials, if there is one.
    """

    keys_file: str = ""
    required_topics: tuple[str, ...] = ()
    max_age_s: float = 300.0
    credentials: str = ""
    jobs_outlast_restarts: bool = False

    @property
    def is_on(self) -> bool:
        return bool(self.keys_file)

    def __post_init__(self) -> None:
        if self.required_topics and not self.keys_file:
            raise Misconfigured("[signing] required_topics needs a keys_file: nobody could sign what they require")


class Guard:
    """`now_s` is Unix time in seconds. Reads the keys file: raises Misconfigured."""

    def __init__(
        self,
        settings: SigningSettings,
        store: Store,
        patience: Patience,
        wait_limit_s: float,
        now_s: Callable[[], float],
    ) -> None:
        self._key_file = KeyFile(settings.keys_file, settings.credentials)
        self._max_age_s = settings.max_age_s
        self._now_s = now_s
        self._replays = Replays(store, patience, jobs_outlast_restarts=settings.jobs_outlast_restarts)
        self._order = Order(store, patience, wait_limit_s)
        self._is_required = _judge_of(settings)

    def adjust(self, settings: SigningSettings, wait_limit_s: float) -> None:
        """Which topics take signed jobs only, how long a signature counts, and how long a change waits for its turn.

        The keys file stays the same one.
        """
        self._max_age_s = settings.max_age_s
        self._is_required = _judge_of(settings)
        self._order.adjust(wait_limit_s)

    def judge(
        self, job: Job, kind: str, parse: Callable[[bytes], Request], serve: Callable[[Job, Request], Rest]
    ) -> Rest:
        """Has the job served, if that may be; what is left to be done is returned. `kind` is what its queue is for.

        Who may do what is asked of the very request that is then served. Raises BadRequest.
        """
        envelope = find_envelope(job.assigned.payload)
        if envelope is None:
            request = parse(job.assigned.payload)
            if self._is_required(request.topic):
                raise BadRequest("signed", f"topic {request.topic!r} takes signed jobs only")
            return serve(job, request)
        key = self._verified_by(envelope)
        voucher = self._voucher(envelope, kind)
        request = parse(envelope.signed)
        _check_rights(key, kind, request)
        return self._run(job, voucher, request, serve)

    async def close(self) -> None:
        await self._replays.close()

    def _verified_by(self, envelope: Envelope) -> Key:
        key = self._key_file.keys().get(envelope.key_id)
        if key is None:
            raise BadRequest("key", f"{envelope.key_id!r} is not known here")
        if not envelope.is_by(key.secret):
            raise BadRequest("hmac", f"is not that of key {key.key_id!r} for this text")
        now_s = self._now_s()
        if key.not_before_s is not None and now_s < key.not_before_s:
            raise BadRequest("key", f"{key.key_id!r} is not valid yet")
        if key.not_after_s is not None and now_s > key.not_after_s:
            raise BadRequest("key", f"{key.key_id!r} is not valid any more")
        return key

    def _voucher(self, envelope: Envelope, kind: str) -> Voucher:
        claims = read_claims(envelope.signed, kind)
        age_s = self._now_s() - claims.time
        if age_s < -self._max_age_s:
            raise BadRequest("time", f"is more than {self._max_age_s:g} s ahead of the clock here")
        return Voucher(envelope.key_id, claims, envelope.signed, is_stale=age_s > self._max_age_s)

    async def _run(self, job: Job, voucher: Voucher, request: Request, serve: Callable[[Job, Request], Rest]) -> None:
        signed_job = await self._replays.begin(voucher, job, self._ttl_s(request))
        if signed_job is None:
            return
        if isinstance(request, FanoutRequest):
            await _finish(serve(signed_job.as_job(), request))
            return
        pair = request.topic, request.client_id
        async with self._order.turn(voucher, pair, signed_job.identity, self._ttl_s(request)):
            await _finish(serve(signed_job.as_job(), request))

    def _ttl_s(self, request: FanoutRequest | SubscriptionRequest) -> float:
        """A body may come back until it is too old, and from a worker that died in the middle even later."""
        run_s = (request.timeout_s or 0.0) if isinstance(request, FanoutRequest) else 0.0
        return 2 * self._max_age_s + min(run_s, LONGEST_RUN_S) + SPARE_S


def _judge_of(settings: SigningSettings) -> Callable[[str], bool]:
    return lru_cache(TOPICS_REMEMBERED)(Patterns(settings.required_topics).fit)


async def _finish(rest: Rest) -> None:
    if rest is not None:
        await rest


def _check_rights(key: Key, kind: str, request: FanoutRequest | SubscriptionRequest) -> None:
    if not key.may(kind, request.topic):
        raise BadRequest("key", f"{key.key_id!r} may not {RIGHTS[kind]} to topic {request.topic!r}")
    if isinstance(request, SubscriptionRequest) and not key.may_name(request.client_id):
        raise BadRequest("key", f"{key.key_id!r} may not {RIGHTS[kind]} client {request.client_id!r}")
