"""A TCP proxy in a thread that does to connections what networks do: cuts, stalls and refuses them on request.

It knows nothing of any protocol. Bytes pass unchanged and in order, or not at all.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Self, TypeVar

from tests.servers.ports import PortReservation
from tests.servers.proxied import Link, Traffic

COMMAND_LIMIT_S = 10.0
T = TypeVar("T")


class Proxy:
    """Passes connections to its `port` on to `target_port`, both on 127.0.0.1. To be used in a `with` statement.

    Every method returns when its effect is there: after `stall()` no further byte passes, after `refuse()` a connect
    is refused. While the target refuses connections, clients are accepted and reset at once.
    """

    def __init__(self, target_port: int) -> None:
        self._traffic = Traffic(target_port)
        self._reservation = PortReservation()
        self.port = self._reservation.port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._listener: asyncio.Server | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def connection_count(self) -> int:
        """How many clients are connected through it now."""
        return self._do(lambda: self._traffic.client_count)

    @property
    def bytes_to_server_count(self) -> int:
        """How many bytes have passed to the server so far, over all connections."""
        return self._do(lambda: self._traffic.bytes_to_server_count)

    def cut(self, *, reset: bool = True) -> None:
        """Ends all connections on both sides, with RST or else with FIN. New ones are welcome."""
        self._do(lambda: self._traffic.cut(reset=reset))

    def cut_after(self, bytes_to_server: int) -> None:
        """Lets that many more bytes (at least 1) pass to the server, over all connections; then ends all of them.

        The server gets exactly these bytes and FIN; clients get RST in place of any answer.
        """
        if bytes_to_server < 1:
            raise ValueError("to end connections now there is cut()")
        self._do(lambda: self._set_cut(bytes_to_server))

    def stall(self) -> None:
        """No byte passes either way, as when a cable is pulled; connections stay open, and new ones are accepted."""
        self._do(lambda: self._traffic.set_stalled(True))

    def resume(self) -> None:
        """What piled up since `stall` passes, and everything after it."""
        self._do(lambda: self._traffic.set_stalled(False))

    def refuse(self) -> None:
        """Stops listening. Connections that exist go on."""
        self._do(self._stop_listening)

    def listen(self) -> None:
        """Listens again, on the same port."""
        asyncio.run_coroutine_threadsafe(self._start_listening(), self._loop).result(COMMAND_LIMIT_S)

    def __enter__(self) -> Self:
        self._thread.start()
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(COMMAND_LIMIT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._reservation.release()

    def _do(self, command: Callable[[], T]) -> T:
        async def run() -> T:
            return command()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(COMMAND_LIMIT_S)

    def _set_cut(self, bytes_to_server: int) -> None:
        self._traffic.cut_at_count = self._traffic.bytes_to_server_count + bytes_to_server

    async def _start_listening(self) -> None:
        if self._listener is None:
            self._listener = await self._loop.create_server(lambda: Link(self._traffic).client, "127.0.0.1", self.port)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _end(self) -> None:
        """Leaves nothing behind: no listener, no connection, no task that is half way through connecting."""
        self._stop_listening()
        connecting = asyncio.all_tasks() - {asyncio.current_task()}
        for task in connecting:
            task.cancel()
        await asyncio.gather(*connecting, return_exceptions=True)
        self._traffic.cut(reset=True)
        await asyncio.sleep(0)  # transports report their end in the next turn of the loop
