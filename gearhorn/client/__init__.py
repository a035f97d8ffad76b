"""What users import to publish and to subscribe. Each name is loaded when it is first used."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gearhorn.client.answers import Failure, ReceiverResult
    from gearhorn.client.copies import Copy
    from gearhorn.client.geared_client import GearhornClient
    from gearhorn.client.geared_subscriber import GearhornSubscriber
    from gearhorn.client.publisher import Publisher, PublishResult
    from gearhorn.client.subscriber import Subscriber
    from gearhorn.signing.signer import Signer

# GearhornClient and GearhornSubscriber are built on gear, the others on asyncio.
__all__ = [
    "Copy",
    "Failure",
    "GearhornClient",
    "GearhornSubscriber",
    "PublishResult",
    "Publisher",
    "ReceiverResult",
    "Signer",
    "Subscriber",
]

_HOMES = {
    "Copy": "gearhorn.client.copies",
    "Failure": "gearhorn.client.answers",
    "GearhornClient": "gearhorn.client.geared_client",
    "GearhornSubscriber": "gearhorn.client.geared_subscriber",
    "PublishResult": "gearhorn.client.publisher",
    "Publisher": "gearhorn.client.publisher",
    "ReceiverResult": "gearhorn.client.answers",
    "Signer": "gearhorn.signing.signer",
    "Subscriber": "gearhorn.client.subscriber",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
