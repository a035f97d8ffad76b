"""Where drained payloads go: nowhere, to a file, or to a Gearman queue. Each as a line of JSON, one object."""

import asyncio
import base64
import os
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from gearhorn.errors import ServerUnavailable
from gearhorn.net.client_link import ClientLink
from gearhorn.wire import packets

# A server that has not confirmed a letter for so long is not waited for any longer; the letter is sent again.
CONFIRM_LIMIT_S = 10.0


class Letter(NamedTuple):
    """One payload that nobody took. `dropped_at_s` is Unix time."""

    topic: str
    client_id: str
    payload: bytes
    dropped_at_s: float


class _Written(msgspec.Struct, omit_defaults=True):
    topic: str
    client_id: str
    payload: str
    dropped_at: float
    encoding: str | None = None


_encode = msgspec.json.Encoder().encode


def render_letter(letter: Letter) -> bytes:
    """The payload is a string, or base64 with `encoding` beside it where it is not UTF-8."""
    try:
        payload, encoding = letter.payload.decode(), None
    except UnicodeDecodeError:
        payload, encoding = base64.b64encode(letter.payload).decode(), "base64"
    return _encode(_Written(letter.topic, letter.client_id, payload, round(letter.dropped_at_s, 3), encoding))


class LetterBox(Protocol):
    """`fate` says in the log what became of the payloads."""

    fate: str

    async def keep(self, letters: Sequence[Letter]) -> None:
        """Returns when they are safe. Raises OSError or ServerUnavailable; some of them may be kept then, and are kept
        again when the call is repeated.
        """


class NoLetterBox:
    fate = "deleted"

    async def keep(self, letters: Sequence[Letter]) -> None:
        pass


class LetterFile:
    """A line for each, on the disk before anybody hears that it was kept. Only the service's user may read it."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self.fate = f"kept in {path}"

    async def keep(self, letters: Sequence[Letter]) -> None:
        lines = b"".join(render_letter(letter) + b"\n" for letter in letters)
        await asyncio.to_thread(self._append, lines)

    def _append(self, lines: bytes) -> None:
        """What is left of a line that did not fit on the disk is taken back."""
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            end = os.fstat(file).st_size
            try:
                rest = lines
                while rest:
                    rest = rest[os.write(file, rest) :]
                os.fsync(file)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(file, end)
                raise
        finally:
            os.close(file)


class LetterQueue:
    """Background jobs on the first server that is up, confirmed by it."""

    def __init__(self, links: Sequence[ClientLink], queue: str) -> None:
        self._links = links
        self._queue = queue.encode()
        self._token = secrets.token_hex(8)
        self._sent_count = 0
        self.fate = f"sent to the queue {queue}"

    async def keep(self, letters: Sequence[Letter]) -> None:
        link = next((link for link in self._links if link.is_up), None)
        if link is None:
            raise ServerUnavailable("no Gearman server is up")
        sending = _Sending(len(letters))
        link.submit(sending, 0, len(letters), [self._pack(letter) for letter in letters], foreground=False)
        try:
            await asyncio.wait_for(sending.done, CONFIRM_LIMIT_S)
        except TimeoutError:
            raise ServerUnavailable(f"{link.address} has not confirmed it within {CONFIRM_LIMIT_S:g} s") from None

    def _pack(self, letter: Letter) -> bytes:
        """With a unique key of its own: of those with one key gearmand's queue on disk keeps the last one only."""
        self._sent_count += 1
        unique = f"{self._token}-{self._sent_count}".encode()
        return packets.pack(packets.SUBMIT_JOB_BG, self._queue, unique, render_letter(letter))


class _Sending:
    """A Submitter whose `done` says when all is confirmed, or what went wrong."""

    def __init__(self, count: int) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open_count = count

    def confirmed(self, first: int, count: int) -> None:
        self._open_count -= count
        if not self._open_count and not self.done.done():
            self.done.set_result(None)

    def refused(self, position: int, reason: str) -> None:
        self._fail(f"it was refused: {reason}")

    def reported(self, position: int, kind: int, data: bytes) -> None:
        pass

    def lost(self, positions: Iterable[int]) -> None:
        self._fail("the connection was lost")

    def _fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(ServerUnavailable(reason))
