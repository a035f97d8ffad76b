"""Asks a Gearman server whether it knows a queue, in its admin protocol."""

import asyncio
import contextlib

from gearhorn.errors import ServerUnavailable
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings

# gearmand tells of 100,000 queues in a tenth of a second.
LIMIT_S = 10.0
PIECE_BYTES = 256 << 10


class ServerEnded(ServerUnavailable):
    """Nobody listens at the server's address."""


async def knows_queue(address: Address, settings: LinkSettings, name: bytes) -> bool:
    """Whether `status` names it. Raises ServerEnded, and ServerUnavailable when that is not known either."""
    try:
        async with asyncio.timeout(LIMIT_S):
            return await _find(address, settings, b"\n" + name + b"\t")
    except ConnectionRefusedError as error:
        raise ServerEnded(f"{address}: nobody listens there") from error
    except (TimeoutError, OSError) as error:
        raise ServerUnavailable(f"{address}: {error or 'no answer in time'}") from error


async def _find(address: Address, settings: LinkSettings, line_start: bytes) -> bool:
    host = None if settings.tls is None else address.host if settings.tls.check_hostname else ""
    reader, writer = await asyncio.open_connection(address.host, address.port, ssl=settings.tls, server_hostname=host)
    try:
        writer.write(b"status\n")
        seen = b"\n"
        while not seen.endswith(b"\n.\n"):
            piece = await reader.read(PIECE_BYTES)
            if not piece:
                raise ServerUnavailable(f"{address} closed the connection in the middle of its status")
            if line_start in (seen := seen[-len(line_start) - 4 :] + piece):
                return True
        return False
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
