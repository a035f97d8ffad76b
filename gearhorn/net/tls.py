"""TLS towards Gearman servers."""

import ssl
from dataclasses import dataclass

from gearhorn.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """PEM files. Without `ca_file` the system's certificate authorities are trusted."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    check_hostname: bool = True


def client_context(settings: TlsSettings) -> ssl.SSLContext:
    """A context that verifies the server. Raises Misconfigured for files that cannot be used.

    The version is negotiated: geard speaks TLS 1.2 only, others can do 1.3.
    """
    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"the CA file {settings.ca_file!r} cannot be used: {_reason(error)}") from error
    context.check_hostname = settings.check_hostname
    if settings.cert_file:
        try:
            context.load_cert_chain(settings.cert_file, settings.key_file or None, _no_password)
        except (OSError, ssl.SSLError, ValueError) as error:
            files = " and ".join(repr(file) for file in (settings.cert_file, settings.key_file) if file)
            raise Misconfigured(f"the certificate {files} cannot be used: {_reason(error)}") from error
    elif settings.key_file:
        raise Misconfigured(f"there is a key file {settings.key_file!r} but no certificate for it")
    return context


def _no_password() -> str:
    """Instead of the prompt at the terminal that OpenSSL would show for an encrypted key."""
    raise ValueError("the key is encrypted, and a service cannot be asked for its password")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or str(error)
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
