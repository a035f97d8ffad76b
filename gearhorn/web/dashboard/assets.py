"""The few files that pages need: in memory, named by what is in them, so that a browser may keep them for good."""

import hashlib
from importlib import resources
from typing import NamedTuple

from aiohttp import web

from gearhorn.web.dashboard.guard import dress

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_KEPT_FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}
_ASK_AGAIN = {"Cache-Control": "no-cache"}


class Asset(NamedTuple):
    """`digest` is another one whenever the content is."""

    body: bytes
    digest: str
    content_type: str


def read_assets() -> dict[str, Asset]:
    """All there are, by file name."""
    assets = {}
    for file in resources.files(__package__).joinpath("static").iterdir():
        content_type = _TYPES.get(file.name[file.name.rfind(".") :])
        if content_type is not None:
            body = file.read_bytes()
            assets[file.name] = Asset(body, hashlib.sha256(body).hexdigest()[:16], content_type)
    return assets


class Assets:
    """`href` is where a page finds one; `serve` answers there."""

    def __init__(self) -> None:
        self._assets = read_assets()

    def href(self, name: str) -> str:
        return f"static/{name}?v={self._assets[name].digest}"

    async def serve(self, request: web.Request) -> web.Response:
        asset = self._assets.get(request.match_info["name"])
        if asset is None:
            return web.Response(status=404, text="there is no such file\n")
        is_named = request.query.get("v") == asset.digest
        response = web.Response(body=asset.body, content_type=asset.content_type, charset="utf-8")
        response.etag = asset.digest
        dress(response, _KEPT_FOR_GOOD if is_named else _ASK_AGAIN)
        return response
