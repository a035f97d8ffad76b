"""What users import to publish and to subscribe. Each name is loaded when it is first used."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gearhorn.client.geared_client import GearhornClient
    from gearhorn.client.geared_subscriber import GearhornSubscriber

__all__ = ["GearhornClient", "GearhornSubscriber"]

_HOMES = {
    "GearhornClient": "gearhorn.client.geared_client",
    "GearhornSubscriber": "gearhorn.client.geared_subscriber",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
