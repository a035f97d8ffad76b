"""What a worker's role has to say of what the server sent."""

from typing import NamedTuple

from gearhorn.wire import packets


class Assigned(NamedTuple):
    """A job was given to this worker."""

    handle: bytes
    queue: bytes
    unique: bytes
    payload: bytes


class Oversized(NamedTuple):
    """A job was given to this worker that is larger than `limit_bytes`. It is held, without its payload."""

    handle: bytes
    queue: bytes
    size_bytes: int
    limit_bytes: int


WorkerEvent = Assigned | Oversized | packets.Complaint
