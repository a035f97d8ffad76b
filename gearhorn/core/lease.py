"""A worker's lease, seen by the worker's own clock: until when it may answer from memory.

All times are seconds of one clock of the worker that nobody sets and that counts on while the machine sleeps.
"""

# The clocks of two machines run at rates that differ by some ten millionths of a second per second. A worker therefore
# ends its lease a little early by its own clock, and whoever waits for the end of another's waits a little longer.
CLOCK_MARGIN = 0.02

# How many tokens of earlier leases are known again. A message for one can only be as old as the lease itself.
TOKENS_REMEMBERED = 16


class Lease:
    """`token` is that of the lease that is held, as far as this worker knows; None: it holds none."""

    def __init__(self, ttl_s: float) -> None:
        self.ttl_s = ttl_s
        self.token: str | None = None
        self._valid_until_s = 0.0
        self._tokens: list[str] = []

    def asked(self, token: str) -> None:
        """The store is asked for a lease with this token. It may come to be even if the answer is lost."""
        self._tokens = [*self._tokens, token][-TOKENS_REMEMBERED:]

    def taken(self, token: str, asked_at_s: float) -> None:
        """The store gave a lease in answer to a call that was sent at `asked_at_s`: it may have begun just then."""
        self.token = token
        self.renewed(asked_at_s)

    def renewed(self, asked_at_s: float) -> None:
        """The store let the lease last longer in answer to a call that was sent at `asked_at_s`."""
        self._valid_until_s = asked_at_s + self.ttl_s * (1 - CLOCK_MARGIN)

    def lost(self) -> None:
        """The store does not know the lease any more, or does not renew it."""
        self.token = None

    def is_valid(self, now_s: float) -> bool:
        """Whether every change is sure to have waited for this worker."""
        return self.token is not None and now_s < self._valid_until_s

    def left_s(self, now_s: float) -> float:
        """The seconds for which it is valid yet; 0 for none."""
        return max(0.0, self._valid_until_s - now_s) if self.token is not None else 0.0

    def was_ours(self, token: str) -> bool:
        """Whether `token` is that of a lease of this process, whatever became of it, and not of another one."""
        return token in self._tokens
