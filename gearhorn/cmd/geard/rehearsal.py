"""A TLS handshake in memory, before anybody connects: what does not fit together is found at the start."""

import ssl
from collections.abc import Callable
from typing import NamedTuple

from gearhorn.errors import Misconfigured


class Shown(NamedTuple):
    """What each side has seen of the other: the client's certificate as DER, and the names that the server's is for."""

    client: bytes
    server_names: tuple[tuple[str, str], ...]


def rehearse(server: ssl.SSLContext, client: ssl.SSLContext) -> Shown:
    """Raises Misconfigured when one does not accept the other's certificate."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_side=False)
    far = server.wrap_bio(to_server, to_client, server_side=True)
    pending: dict[str, Callable[[], None]] = {"service": near.do_handshake, "server": far.do_handshake}
    while pending:
        pending = {who: step for who, step in pending.items() if not _is_done(who, step)}
    certificate = far.getpeercert(binary_form=True)
    names = (near.getpeercert() or {}).get("subjectAltName", ())
    if certificate is None:
        raise Misconfigured("the service shows no certificate to the server of this process")
    return Shown(certificate, names)  # type: ignore[arg-type]  # of pairs, and nothing else


def _is_done(who: str, step: Callable[[], None]) -> bool:
    try:
        step()
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLCertVerificationError as error:
        other = {"service": "server", "server": "service"}[who]
        raise Misconfigured(
            f"the {who} of this process refuses the certificate of the {other}: {error.verify_message}"
        ) from None
    except ssl.SSLError as error:
        raise Misconfigured(f"the {who} of this process cannot shake hands: {error.reason or error}") from None
    return True
