"""One message to everybody who may answer from memory, and who still has to acknowledge it.

A change is known to all workers when each holder of a lease has acknowledged it or can serve nothing from memory any
more. Who does not acknowledge in time has its lease revoked, which keeps it from being renewed; then what is left of it
is waited out, unless the acknowledgement comes after all. A lease that is revoked already need not be revoked again,
but until it runs out its worker may serve from memory, and is waited for like any other.

Times are seconds by the clock of whoever asks.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

from gearhorn.core.lease import CLOCK_MARGIN

Holder = TypeVar("Holder", bound=Hashable)


class Round(Generic[Holder]):
    """`held_s`: leases that the store has lost may last for so long."""

    def __init__(
        self, holders: Mapping[Holder, float | None], held_s: float, ack_timeout_s: float, now_s: float
    ) -> None:
        """`holders` of leases; for revoked ones with the seconds that they last yet, counted from `now_s`."""
        self._overdue_at_s = now_s + ack_timeout_s
        self._asked = {holder for holder, left_s in holders.items() if left_s is None}
        self._revoking: set[Holder] = set()
        self._runs_out_at_s = {
            holder: _end_s(left_s, now_s) for holder, left_s in holders.items() if left_s is not None
        }
        self._held_until_s = _end_s(held_s, now_s)

    def open_holders(self) -> Iterable[Holder]:
        """Those who have not acknowledged, and may serve from memory as far as is known."""
        return {*self._asked, *self._revoking, *self._runs_out_at_s}

    def acknowledged(self, holder: Holder) -> None:
        self._asked.discard(holder)
        self._revoking.discard(holder)
        self._runs_out_at_s.pop(holder, None)

    def overdue(self, now_s: float) -> list[Holder]:
        """Those whose leases are to be revoked now. Each is named once; `revoked` must follow."""
        if now_s < self._overdue_at_s:
            return []
        late, self._asked = self._asked, set()
        self._revoking |= late
        return list(late)

    def revoked(self, holder: Holder, left_s: float, now_s: float) -> None:
        """The lease cannot be renewed any more and lasts for `left_s` yet; `now_s` is when that answer is there.

        Its holder may have acknowledged meanwhile: then nobody waits for it.
        """
        if holder in self._revoking:
            self._revoking.discard(holder)
            self._runs_out_at_s[holder] = _end_s(left_s, now_s)

    def is_over(self, now_s: float) -> bool:
        """Nobody can serve an older list from memory."""
        self._runs_out_at_s = {holder: at_s for holder, at_s in self._runs_out_at_s.items() if at_s > now_s}
        return not (self._asked or self._revoking or self._runs_out_at_s) and now_s >= self._held_until_s

    def next_s(self) -> float | None:
        """When `overdue` or `is_over` will have something new to say; None: not by time alone."""
        if self._asked:
            return self._overdue_at_s
        return None if self._revoking else max([*self._runs_out_at_s.values(), self._held_until_s])


def _end_s(left_s: float, now_s: float) -> float:
    """When a lease that has `left_s` by the clock of the store has surely run out by that of its worker."""
    return now_s + left_s * (1 + CLOCK_MARGIN)
