"""Pages that are made whole and look at nothing of a request but what kinds of answers it accepts."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from aiohttp import web


class Page(NamedTuple):
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200


# Gets what the request says that it accepts.
Answer = Callable[[str], Awaitable[Page]]


def routes_of(answers: Mapping[str, Answer]) -> list[web.RouteDef]:
    """By path. No answer may be kept by whoever passes it on: it is of this moment."""
    return [web.get(path, _handler(answer)) for path, answer in answers.items()]


def _handler(answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        page = await answer(request.headers.get("Accept", ""))
        headers = {"Content-Type": page.content_type, "Cache-Control": "no-store"}
        return web.Response(status=page.status, body=page.body, headers=headers)

    return handle
