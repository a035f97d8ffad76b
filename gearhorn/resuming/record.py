"""What a record of a large fanout says, and which job it belongs to."""

import hashlib

import msgspec

from gearhorn.bodies import FanoutRequest
from gearhorn.core.packs import Stretch
from gearhorn.errors import StoreUnavailable
from gearhorn.net.job import Job

# Kinds of records in the store, all under the job's identity: how far it has come; and, where a server drops the jobs
# of lost workers, what is to be sent, and who sees to it.
PROGRESS = "fanout"
REQUEST = "fanout-request"
OWNER = "fanout-owner"

# For so long a job may wait in its server for the next worker, and still be known again.
RECORD_TTL_S = 24 * 3600.0

_FORMAT = 1


class Record(msgspec.Struct, array_like=True, frozen=True):
    """How far a fanout has come. `again` are the subscribers in `done` whose copies failed and may be tried again.

    `mark`: see WorkerRole.leave_mark; empty where handles do not matter. `copy_key`: see Broadcast; empty where copies
    have none. `worker` is for people.
    """

    format: int
    mark: bytes
    copy_key: bytes
    worker: str
    done: list[Stretch]
    again: list[bytes]

    @classmethod
    def of(cls, mark: bytes, copy_key: bytes, worker: str, done: list[Stretch], again: list[bytes]) -> "Record":
        return cls(_FORMAT, mark, copy_key, worker, done, again)


def render_request(request: FanoutRequest) -> bytes:
    return _encode(request)


def parse_request(value: bytes) -> FanoutRequest | None:
    """None for what is none, of another version say."""
    try:
        return _decode_request(value)
    except msgspec.DecodeError:
        return None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode
_decode_request = msgspec.msgpack.Decoder(FanoutRequest).decode


def render_record(record: Record) -> bytes:
    return _encode(record)


def parse_record(value: bytes) -> Record:
    """Raises StoreUnavailable for what is none: then it tells nothing, like a store that does not answer."""
    try:
        record = _decode(value)
    except msgspec.DecodeError as error:
        raise StoreUnavailable(f"the record of a fanout cannot be read: {error}") from None
    if record.format != _FORMAT:
        raise StoreUnavailable(f"the record of a fanout is in format {record.format}, of another version")
    return record


def identity_of(job: Job, *, is_persistent: bool) -> str:
    """What tells a job from every other one of its server's run; whether it is the same server's, a mark tells.

    Not its address: workers may call one server by different names. Handles are counted anew when a server starts. One
    that keeps its jobs meanwhile (`is_persistent`) gives them other handles, but never has two jobs of one queue with
    the same unique key: there that key tells the job, if it has one.
    """
    digest = hashlib.blake2b(digest_size=16)
    assigned = job.assigned
    handle = b"" if is_persistent and assigned.unique else assigned.handle
    for part in (handle, assigned.queue, assigned.unique, assigned.payload):
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()
