"""What receivers answer in pieces, until they end: bounded for each of them, and for all of a worker's together."""

from collections.abc import Iterable


class Answer:
    """One receiver's answer so far."""

    __slots__ = ("is_cut", "pieces", "size_bytes")

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.size_bytes = 0
        self.is_cut = False

    def join(self) -> bytes:
        return b"".join(self.pieces)


class Gathering:
    """All that is being gathered. What comes above a limit is dropped, and the answer known to be cut."""

    def __init__(self, answer_limit_bytes: int, total_limit_bytes: int) -> None:
        self.adjust(answer_limit_bytes, total_limit_bytes)
        self.held_bytes = 0

    def adjust(self, answer_limit_bytes: int, total_limit_bytes: int) -> None:
        """Other limits, for what comes from now on."""
        self._answer_limit_bytes = answer_limit_bytes
        self._total_limit_bytes = total_limit_bytes

    def add(self, answer: Answer, piece: bytes) -> None:
        old_bytes = answer.size_bytes
        _append(answer, piece, min(self._answer_limit_bytes - old_bytes, self._total_limit_bytes - self.held_bytes))
        self.held_bytes += answer.size_bytes - old_bytes

    def finish(self, answer: Answer, piece: bytes) -> None:
        """Adds the last piece, which is not held: the answer is for its reader now."""
        self.drop([answer])
        _append(answer, piece, self._answer_limit_bytes - answer.size_bytes)

    def admit(self, answer: Answer, backlog_bytes: int) -> None:
        """Before a finished answer is passed on to where `backlog_bytes` wait already: it goes without what it says
        when there is no room for that.
        """
        if answer.pieces and backlog_bytes + self.held_bytes > self._total_limit_bytes:
            answer.pieces.clear()
            answer.is_cut = True

    def drop(self, answers: Iterable[Answer]) -> None:
        """These are held no longer."""
        for answer in answers:
            self.held_bytes -= answer.size_bytes


def _append(answer: Answer, piece: bytes, room_bytes: int) -> None:
    if len(piece) > room_bytes:
        piece = piece[: max(room_bytes, 0)]
        answer.is_cut = True
    if piece:
        answer.pieces.append(piece)
        answer.size_bytes += len(piece)


NO_LIMITS = Gathering(1 << 62, 1 << 62)
