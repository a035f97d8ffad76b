"""What is known of a signed job: who signed what and when, where it came from, and how it ended."""

import hashlib
import secrets
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from gearhorn.net.job import Job
from gearhorn.signing.envelope import Claims


class Voucher(NamedTuple):
    """A body that was verified. `is_stale`: it is too old to be begun now."""

    key_id: str
    claims: Claims
    body: bytes
    is_stale: bool

    @property
    def name(self) -> str:
        """The key's and nonce's: no other body of this key may have it."""
        return hashlib.sha256(f"{self.key_id} {self.claims.nonce}".encode()).hexdigest()


def identity_of(voucher: Voucher, job: Job, *, jobs_outlast_restarts: bool) -> bytes:
    """Equal for two runs of one job, with the same text; each run's own where the server never hands out a job twice.

    A job is known by its handle; or by its unique key where servers keep jobs over a restart, under other handles then,
    and have no two of the same key. Of the server it has the port only: workers may know one server by several names,
    and gearmand's handles have its host's.
    """
    if not job.requeues:
        return secrets.token_hex(32).encode()
    assigned = job.assigned
    name = b"u" + assigned.unique if jobs_outlast_restarts and assigned.unique else b"h" + assigned.handle
    parts = (b"%d" % job.address.port, assigned.queue, name, voucher.body)
    return hashlib.sha256(b"\0".join(parts)).hexdigest().encode()


class Ending(NamedTuple):
    """How a job was answered."""

    is_complete: bool
    data: bytes

    def give_to(self, job: Job) -> None:
        if self.is_complete:
            job.complete(self.data)
        else:
            job.refuse(self.data)


class SignedJob:
    """A job whose ending is told to `on_ending`: what was done, even when the server could not be told of it any more.
    In all else it is that job: see `as_job`.
    """

    __slots__ = ("_job", "_on_ending", "identity")

    def __init__(self, job: Job, identity: bytes, on_ending: Callable[[Ending], None]) -> None:
        self.identity = identity
        self._job = job
        self._on_ending = on_ending

    def as_job(self) -> Job:
        return cast(Job, self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._job, name)

    def complete(self, data: bytes = b"") -> None:
        self._job.complete(data)
        self._on_ending(Ending(True, data))

    def refuse(self, text: bytes) -> None:
        """What went wrong with a job that had gone back to its server may go right with the next worker."""
        is_held = self._job.is_held
        self._job.refuse(text)
        if is_held:
            self._on_ending(Ending(False, text))
