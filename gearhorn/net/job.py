"""A job that this worker holds, and what may be said of it."""

from typing import Protocol

from gearhorn.net.address import Address
from gearhorn.wire.worker import WorkerRole
from gearhorn.wire.worker_events import Assigned


class Link(Protocol):
    """What a job needs of the link that brought it."""

    @property
    def address(self) -> Address: ...

    @property
    def backlog_bytes(self) -> int: ...

    def flush_soon(self) -> None: ...

    def hold_back_if_full(self) -> None: ...


class Job:
    """One job that this worker holds. Exactly one of `complete`, `fail` and `refuse` takes effect, the first one.

    When the connection that brought the job is gone, the server has dropped it or given it to another worker: then
    nothing takes effect. A handle means nothing on another connection, because servers count anew after a restart.
    """

    __slots__ = ("_link", "_role", "assigned")

    def __init__(self, assigned: Assigned, role: WorkerRole, link: "Link") -> None:
        self.assigned = assigned
        self._role = role
        self._link = link

    @property
    def is_held(self) -> bool:
        return self.assigned.handle in self._role.held

    @property
    def address(self) -> Address:
        """The server's that it came from."""
        return self._link.address

    @property
    def requeues(self) -> bool:
        """Whether the server gives it to another worker when this one is gone."""
        return self._role.requeues

    @property
    def mark(self) -> bytes:
        """A name that the server knows for as long as it runs, and this job's handle means something."""
        return self._role.mark

    @property
    def backlog_bytes(self) -> int:
        """What was said on the job's connection and the server has not taken yet."""
        return self._link.backlog_bytes

    def weigh(self, more_bytes: int) -> None:
        """The job is going to wait. Until it ends it takes so many bytes of memory besides its payload, of which one
        copy is enough: this one is let go of.
        """
        self.assigned = self.assigned._replace(payload=b"")
        if self.is_held:
            self._role.weigh(self.assigned.handle, more_bytes)
            self._link.hold_back_if_full()

    def complete(self, data: bytes = b"") -> None:
        if self.is_held:
            self._role.complete(self.assigned.handle, data)
            self._link.flush_soon()

    def fail(self) -> None:
        if self.is_held:
            self._role.fail(self.assigned.handle)
            self._link.flush_soon()

    def refuse(self, text: bytes) -> None:
        """Ends the job in an exception that carries `text`."""
        if self.is_held:
            self._role.refuse(self.assigned.handle, text)
            self._link.flush_soon()

    def send_data(self, data: bytes) -> None:
        if self.is_held:
            self._role.send_data(self.assigned.handle, data)
            self._link.flush_soon()

    def send_status(self, done_count: int, total_count: int) -> None:
        if self.is_held:
            self._role.send_status(self.assigned.handle, done_count, total_count)
            self._link.flush_soon()
