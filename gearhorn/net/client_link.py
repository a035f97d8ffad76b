"""The client's link to one server: submits go out, what becomes of them goes to whoever submitted."""

from collections.abc import Callable, Iterable
from typing import Protocol

from gearhorn.logs.event import log_for
from gearhorn.logs.events.servers import SERVER_COMPLAINED
from gearhorn.net.address import Address
from gearhorn.net.connection import Connection, LinkSettings, connect
from gearhorn.net.keeper import Keeper
from gearhorn.wire.client import ClientRole
from gearhorn.wire.client_events import ClientEvent, Confirmed, Refused, Reported
from gearhorn.wire.framing import BODY_LIMIT_BYTES

log = log_for(__name__)

# So many submits are worth a write of their own: the server begins with them while more is being done here.
MANY = 256


class Submitter(Protocol):
    """Whoever submits jobs. Submits are told apart by their positions, which the submitter chooses."""

    def confirmed(self, first: int, count: int) -> None:
        """The server has the submits from position `first` on."""

    def refused(self, position: int, reason: str) -> None:
        """The server does not take this submit."""

    def reported(self, position: int, kind: int, data: bytes) -> None:
        """A foreground job's worker sent a packet of type `kind`."""

    def lost(self, positions: Iterable[int]) -> None:
        """The connection is gone; what became of these submits will never be known."""


class ClientLink:
    """Submits jobs on one server.

    `on_turn` is called after each read, when more may be sent; `on_up` when the link comes up; `on_answered` when the
    server has then said its first word, so that it is one; `on_down` when the link goes down, before the submits that
    are open are reported lost; `on_trouble` with the reason, whenever a try to connect
    fails or a connection has ended. `purpose` is the word for this link in the log, which hears nothing of one without.
    What is reported of a job beyond `answer_limit_bytes` is dropped (see ClientRole).
    """

    def __init__(
        self,
        address: Address,
        settings: LinkSettings,
        client_id: str,
        on_turn: Callable[[], None] = lambda: None,
        on_up: Callable[[], None] = lambda: None,
        on_down: Callable[[], None] = lambda: None,
        on_answered: Callable[[], None] = lambda: None,
        on_trouble: Callable[[str], None] = lambda _: None,
        purpose: str = "copies",
        answer_limit_bytes: int = BODY_LIMIT_BYTES,
    ) -> None:
        self.address = address
        self._settings = settings
        self._client_id = client_id
        self._answer_limit_bytes = answer_limit_bytes
        self._on_turn = on_turn
        self._on_up = on_up
        self._on_down = on_down
        self._on_answered = on_answered
        self._role: ClientRole[Submitter] | None = None
        self._connection: Connection[ClientEvent[Submitter]] | None = None
        self._keeper = Keeper(address, purpose, settings, self._connect, self._care, on_trouble)

    async def run(self) -> None:
        """Keeps the link up until cancelled."""
        try:
            await self._keeper.run()
        finally:
            if self._connection is not None:
                self._connection.abort("the link was shut down")

    def adjust(self, settings: LinkSettings, answer_limit_bytes: int) -> None:
        """Other settings: for the next connection, save for the limits of time and length of an answer."""
        self._settings = settings
        self._answer_limit_bytes = answer_limit_bytes
        if self._role is not None:
            self._role.adjust(answer_limit_bytes)

    @property
    def is_up(self) -> bool:
        return self._role is not None

    def ask_for_word(self) -> None:
        """Has the server say something, if the link is up: geard answers nothing that is sent at the start."""
        if self._role is not None and self._connection is not None and not self._role.awaits_answer:
            self._role.probe()
            self._connection.flush_soon()

    @property
    def has_answered(self) -> bool:
        """Whether it is up, and not only accepted by something."""
        return self._connection is not None and self._connection.answered.done()

    @property
    def trouble(self) -> str:
        """Why the link is not up, as was last heard; empty when there was none."""
        return self._keeper.trouble

    @property
    def unconfirmed_count(self) -> int:
        """Submits that the server has not answered yet."""
        return self._role.unconfirmed_count if self._role is not None else 0

    @property
    def awaited_count(self) -> int:
        """Foreground jobs whose workers have not ended them yet."""
        return self._role.awaited_count if self._role is not None else 0

    def submit(
        self, submitter: Submitter, first: int, count: int, encoded: bytes | list[bytes], *, foreground: bool
    ) -> None:
        """Sends submit packets. To be called only while the link is up."""
        assert self._role is not None
        assert self._connection is not None
        self._role.submit(submitter, first, count, encoded, foreground=foreground)
        if count < MANY:
            self._connection.flush_soon()
        else:
            self._connection.flush()

    async def _connect(self) -> Connection[ClientEvent[Submitter]]:
        role: ClientRole[Submitter] = ClientRole(self._answer_limit_bytes)
        connection = Connection(role, self._handle, self._on_turn)
        await connect(self.address, self._settings, lambda: connection)
        connection.closed.add_done_callback(lambda _: self._disconnected(role))
        connection.answered.add_done_callback(lambda _: self._on_answered())
        role.set_client_id(self._client_id.encode())
        role.request_exceptions()
        connection.flush_soon()
        self._role, self._connection = role, connection
        self._on_up()
        return connection

    def _disconnected(self, role: ClientRole[Submitter]) -> None:
        if self._role is not role:
            return
        self._role = self._connection = None
        self._on_down()
        for lost in role.close():
            lost.owner.lost(lost.positions)

    def _care(self, connection: Connection[ClientEvent[Submitter]]) -> None:
        """A server that owes an answer and is silent for too long is given up; one that owes none is asked for one."""
        if self._role is None:
            return
        if not self._role.awaits_answer:
            self._role.probe()
            connection.flush_soon()
        elif connection.silent_s() > self._settings.answer_timeout_s:
            connection.abort(f"no answer for {self._settings.answer_timeout_s:g} s")

    def _handle(self, event: ClientEvent[Submitter]) -> None:
        if isinstance(event, Confirmed):
            event.owner.confirmed(event.first, event.length)
        elif isinstance(event, Reported):
            event.owner.reported(event.position, event.kind, event.data)
        elif isinstance(event, Refused):
            event.owner.refused(event.position, event.reason)
        else:
            log.say(SERVER_COMPLAINED, server=self.address, complaint=event)
