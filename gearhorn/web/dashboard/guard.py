"""What stands before every page: whose name it is asked by, and what a browser may do with it.

A page that a browser was lured to may have its own name resolve to 127.0.0.1 (DNS rebinding), and then reads what is
there as if it were its own. It cannot choose what the browser sends as Host: so names that nobody here goes by are
refused, while plain addresses, which need no resolver, are good.
"""

import ipaddress
import socket
from collections.abc import Collection, Mapping

from aiohttp import web

from gearhorn.web.site import Handler

# Nothing from elsewhere, nothing inline, nowhere to send a form but here, and in nobody's frame.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "gearhorn",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# What a page says is true for a moment, and not for everybody.
NOT_KEPT: Mapping[str, str] = {"Cache-Control": "no-store"}


class Guard:
    """`hosts` are the names that this dashboard goes by besides `localhost` and this machine's own."""

    def __init__(self, hosts: Collection[str] = ()) -> None:
        names = ("localhost", socket.gethostname(), *hosts)
        self._names = {name.rstrip(".").lower() for name in names if name}

    def watch(self, handler: Handler) -> Handler:
        """The same handler behind the guard."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            if not self.knows(request.headers.get("Host", "")):
                return _refuse(request.headers.get("Host", ""))
            response = await handler(request)
            if not response.prepared:
                dress(response)
            return response

        return guarded

    def knows(self, host: str) -> bool:
        """Whether the header Host names this dashboard, or an address."""
        name = host_of(host)
        return name in self._names or name.endswith(".localhost") or _is_address(name)


def dress(response: web.StreamResponse, headers: Mapping[str, str] = NOT_KEPT) -> None:
    """To be called before a response is prepared. What it has already stays."""
    for name, value in (*HEADERS.items(), *headers.items()):
        response.headers.setdefault(name, value)


def host_of(header: str) -> str:
    """`[::1]:80`, `LOCALHOST.:80` and `10.0.0.1` without port, brackets, last dot and capitals."""
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _refuse(host: str) -> web.Response:
    name = host_of(host)
    text = f"this dashboard does not go by the name {name!r}: [dashboard] hosts lists the names that it may have\n"
    response = web.Response(status=421, text=text)
    dress(response)
    return response
