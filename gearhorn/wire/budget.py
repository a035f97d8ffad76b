"""How many bytes of jobs a worker may hold, on all its connections together. Counts; whoever asks for jobs decides."""

# Above this share the next jobs are expected to be as large as those held, and no more are asked for than would fit.
CAREFUL_SHARE = 0.5


class Budget:
    """`held_bytes` is changed by whoever takes and ends jobs. One job is always taken, however large it is."""

    __slots__ = ("careful_bytes", "held_bytes", "limit_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self.adjust(limit_bytes)
        self.held_bytes = 0

    def adjust(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.careful_bytes = int(limit_bytes * CAREFUL_SHARE)

    @property
    def is_full(self) -> bool:
        return self.held_bytes >= self.limit_bytes

    def affordable_count(self, held_count: int) -> int:
        """How many more jobs, if they are as large as the average of `held_count` that hold all of it; at least one."""
        if self.held_bytes <= 0:
            return 1
        return max(1, (self.limit_bytes - self.held_bytes) * held_count // self.held_bytes)
