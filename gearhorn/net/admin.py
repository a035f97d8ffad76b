"""Asks a server over its admin protocol, on a connection of its own: geard answers no other command, and late."""

import asyncio
from typing import Any

from gearhorn.errors import ServerUnavailable
from gearhorn.net.address import Address
from gearhorn.net.connection import Connection, LinkSettings, connect
from gearhorn.wire.admin import AdminRole
from gearhorn.wire.status import Answered, StatusRole


async def ask_status(address: Address, link: LinkSettings, role: StatusRole) -> float:
    """Has `role` hear the answer and read it, and returns the seconds that the answer took. The server has the usual
    time for it. Raises ServerUnavailable.
    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[None] = loop.create_future()

    def hear(_: Answered) -> None:
        if not answered.done():
            answered.set_result(None)

    connection: Connection[Answered] = Connection(role, hear, lambda: None)
    await connect(address, link, lambda: connection)
    asked_at_s = loop.time()
    connection.flush()
    try:
        events: set[asyncio.Future[Any]] = {answered, connection.closed}
        await asyncio.wait(events, timeout=link.answer_timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if not answered.done():
            raise ServerUnavailable(_reason(connection, link))
        took_s = loop.time() - asked_at_s
    finally:
        connection.abort("it was asked and has answered")
    for _ in role.read():
        await asyncio.sleep(0)
    return took_s


def _reason(connection: Connection[Answered], link: LinkSettings) -> str:
    if connection.closed.done():
        return connection.closed.result()
    return f"no answer to status within {link.answer_timeout_s:g} s"


async def ask_admin(address: Address, link: LinkSettings, command: str, *, is_list: bool = False) -> list[str]:
    """The lines of the answer to any other admin command. Raises ServerUnavailable, also for a server that is silent,
    as geard is for commands that it does not know.
    """
    role = AdminRole(command, is_list=is_list)
    await ask_status(address, link, role)
    return role.lines
