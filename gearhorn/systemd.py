"""Tells systemd how the service is doing, when it was started by systemd.

Source: sd_notify(3). A datagram to the socket named by NOTIFY_SOCKET; a name that begins with @ is an abstract one.
"""

import os
import socket

from gearhorn.logs.event import log_for
from gearhorn.logs.events.life import SYSTEMD_BACK, SYSTEMD_DEAF
from gearhorn.logs.trouble import Trouble

log = log_for(__name__)

_trouble = Trouble()


def notify(state: str) -> None:
    """Sends e.g. "READY=1". Does nothing without systemd; never raises, since it only tells."""
    name = os.environ.get("NOTIFY_SOCKET", "")
    if not name:
        return
    address = "\0" + name[1:] if name.startswith("@") else name
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.connect(address)
            out.send(state.encode())
    except OSError as error:
        if _trouble.begins():
            log.say(SYSTEMD_DEAF, state=state, reason=error.strerror)
    else:
        if _trouble.ends():
            log.say(SYSTEMD_BACK)
