"""One job on its way through one server: what is heard of it, and how it ends."""

import asyncio
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from gearhorn.errors import ServerUnavailable
from gearhorn.wire import packets
from gearhorn.wire.client_events import ENDINGS


class Answer(NamedTuple):
    """How a job ended: with the data of its completion, or with the text of its exception."""

    is_complete: bool
    data: bytes


class Hearing(Protocol):
    """Whoever wants to know what the service says before its answer."""

    def began(self) -> None:
        """The job was submitted; once more when it was lost with its server, and all that was heard is void."""

    def heard(self, kind: int, data: bytes) -> None:
        """The service sent a packet of type `kind`. May raise: then the asking ends with that."""


class Deaf:
    """Hears nothing."""

    def began(self) -> None: ...

    def heard(self, kind: int, data: bytes) -> None: ...


class Caller:
    """Who asks, over all attempts. `on_first_word` is called when the service is heard of for the first time."""

    def __init__(self, hearing: Hearing, on_first_word: Callable[[], None]) -> None:
        self.hearing = hearing
        self._on_first_word = on_first_word
        self.has_heard = False

    def heard(self, kind: int, data: bytes) -> None:
        if not self.has_heard:
            self.has_heard = True
            self._on_first_word()
        self.hearing.heard(kind, data)


class Attempt:
    """One submit. `ended` gets the answer, or WORK_FAIL for a failure without a word, or None if the server is lost."""

    def __init__(self, caller: Caller) -> None:
        self.ended: asyncio.Future[Answer | int | None] = asyncio.get_running_loop().create_future()
        self._caller = caller
        self._warning: bytes | None = None
        caller.hearing.began()

    def confirmed(self, first: int, length: int) -> None: ...

    def refused(self, position: int, reason: str) -> None:
        self._raise(ServerUnavailable(f"the Gearman server does not take the job: {reason}"))

    def lost(self, positions: Iterable[int]) -> None:
        self._end(None)

    def reported(self, position: int, kind: int, data: bytes) -> None:
        if self.ended.done():
            return
        if kind == packets.WORK_WARNING:
            self._warning = data
        if kind in ENDINGS:
            self._end(self._answer(kind, data))
            return
        try:
            self._caller.heard(kind, data)
        except Exception as error:  # noqa: BLE001 - the caller's own; the link must not suffer from it
            self._raise(error)

    def _answer(self, kind: int, data: bytes) -> Answer | int:
        """The service says why in a warning, too, for clients and on servers where exceptions do not come through."""
        if kind != packets.WORK_FAIL:
            return Answer(kind == packets.WORK_COMPLETE, data)
        return packets.WORK_FAIL if self._warning is None else Answer(False, self._warning)

    def _end(self, ending: Answer | int | None) -> None:
        if not self.ended.done():
            self.ended.set_result(ending)

    def _raise(self, error: Exception) -> None:
        if not self.ended.done():
            self.ended.set_exception(error)
