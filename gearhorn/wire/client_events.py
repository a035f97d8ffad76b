"""What a client's role has to say of what the server sent."""

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from gearhorn.wire import packets

Owner = TypeVar("Owner")

ENDINGS = frozenset({packets.WORK_COMPLETE, packets.WORK_FAIL, packets.WORK_EXCEPTION})


class Confirmed(NamedTuple, Generic[Owner]):
    """The server has taken `length` of the owner's submits, from position `first` on."""

    owner: Owner
    first: int
    length: int


class Refused(NamedTuple, Generic[Owner]):
    """The server refused the owner's submit at `position`."""

    owner: Owner
    position: int
    reason: str


class Reported(NamedTuple, Generic[Owner]):
    """A packet from the job's worker: `kind` is the packet type, one of `ENDINGS` ends the job.

    Of data above the role's limit there is a little more than the limit, and no more.
    """

    owner: Owner
    position: int
    kind: int
    data: bytes


class Lost(NamedTuple, Generic[Owner]):
    """What the end of the connection left open: submits without confirmation, foreground jobs without an end."""

    owner: Owner
    positions: Iterable[int]


ClientEvent = Confirmed[Owner] | Refused[Owner] | Reported[Owner] | packets.Complaint
