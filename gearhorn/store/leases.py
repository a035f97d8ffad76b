"""What a store knows of workers: who holds a lease, until when, and what nobody has seen to.

A worker may serve from its memory only while it holds a lease, and every change waits for those that hold one. The
rules are those of matchmaking; see core/matchmaking.py for the worker's side of it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec


class LeaseKey(NamedTuple):
    """One lease of one worker. `token` is new with each lease taken, and so tells a worker from its predecessors."""

    worker_id: str
    token: str


class Lease(NamedTuple):
    """A lease as the store has it.

    `left_s` are the seconds until it runs out, by the store's clock, and never fewer than there are: the reader may
    wait so long from the moment at which it has the answer. 0 or less: it has run out, so many seconds ago at least.
    `is_revoked`: it cannot be renewed, but lasts until it runs out. `info` is what its worker wrote: JSON of an object.
    """

    key: LeaseKey
    left_s: float
    is_revoked: bool
    info: str


def read_info(lease: Lease) -> dict[str, object]:
    """What its worker wrote; nothing where that is not the object that it should be."""
    try:
        return msgspec.json.decode(lease.info, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}


class TopicVersion(NamedTuple):
    topic: str
    version: int


class Renewal(NamedTuple):
    """The answer to a worker that renews its lease, and what else is to be done, which is handed to it alone.

    `is_held` False: the lease ran out, was revoked or is gone, and the rest is empty. `unsettled`: topics, at their
    versions now, that changed without anybody seeing to it that all workers know: because a subscription ended by
    itself, or because the worker that made the change is gone. `run_out`: leases of others that ran out.

    What is handed out is handed out again when the lease's ttl has passed and it is still there to be done. Of very
    many topics some are left for the next renewal.
    """

    is_held: bool
    unsettled: Sequence[TopicVersion] = ()
    run_out: Sequence[LeaseKey] = ()


LOST = Renewal(False)
