"""Asks a Gearman server whether it is still the one that a mark was left on; see WorkerRole.leave_mark."""

import errno

from gearhorn.errors import ServerUnavailable
from gearhorn.net.address import Address
from gearhorn.net.admin import ask_status
from gearhorn.net.connection import LinkSettings, error_numbers
from gearhorn.wire.status import NO_OTHERS, StatusRole


class ServerEnded(ServerUnavailable):
    """Nobody listens at the server's address."""


async def knows_queue(address: Address, settings: LinkSettings, name: bytes) -> bool:
    """Whether the server's `status` names it. Raises ServerEnded, and ServerUnavailable when that is not known either.

    gearmand tells of 100,000 queues in a tenth of a second.
    """
    role = StatusRole(NO_OTHERS, [name])
    try:
        await ask_status(address, settings, role)
    except ServerUnavailable as error:
        if error_numbers(error.__cause__) == {errno.ECONNREFUSED}:
            raise ServerEnded(f"{address}: nobody listens there") from error
        raise
    return name in role.counts
