"""TLS towards Gearman servers."""

import contextlib
import hashlib
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gearhorn.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """PEM files. Without `ca_file` the system's certificate authorities are trusted. The password is the key's."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    check_hostname: bool = True
    key_password: str = field(default="", repr=False)


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
        _load_certificate(context, settings)
    elif settings.key_file:
        raise Misconfigured(f"there is a key file {settings.key_file!r} but no certificate for it")
    return context


def mark_of(settings: TlsSettings) -> str:
    """Differs when what is in the files differs. One that cannot be read counts as empty: `client_context` judges."""
    digest = hashlib.sha256()
    for name in (settings.ca_file, settings.cert_file, settings.key_file):
        content = b""
        with contextlib.suppress(OSError):
            content = Path(name).read_bytes() if name else b""
        digest.update(b"%d:%s" % (len(content), content))
    return digest.hexdigest()


def server_context(settings: TlsSettings) -> ssl.SSLContext:
    """A context that shows a certificate and lets in who has one of the authority. Raises Misconfigured for files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"the CA file {settings.ca_file!r} cannot be used: {_reason(error)}") from error
    _load_certificate(context, settings)
    return context


def _load_certificate(context: ssl.SSLContext, settings: TlsSettings) -> None:
    asked: list[bool] = []
    try:
        context.load_cert_chain(settings.cert_file, settings.key_file or None, _password_of(settings, asked))
    except (OSError, ssl.SSLError, ValueError) as error:
        files = " and ".join(repr(file) for file in (settings.cert_file, settings.key_file) if file)
        reason = "the password is not that of the key" if asked and settings.key_password else _reason(error)
        raise Misconfigured(f"the certificate {files} cannot be used: {reason}") from None


def _password_of(settings: TlsSettings, asked: list[bool]) -> Callable[[], str]:
    """Instead of the prompt at the terminal that OpenSSL would show for an encrypted key."""

    def answer() -> str:
        asked.append(True)
        if not settings.key_password:
            raise ValueError("the key is encrypted, and a service cannot be asked for its password")
        return settings.key_password

    return answer


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or str(error)
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


# What `explain` begins with: trouble that waiting does not mend.
TROUBLE = "TLS: "

_ABOUT_CERTIFICATES = re.compile("CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED")


def explain(error: ssl.SSLError) -> str:
    """Who refused what, in one line, for the operator of this side."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{TROUBLE}its certificate was refused: {error.verify_message.rstrip('.')}"
    reason = getattr(error, "reason", None) or str(error)
    _, is_alert, words = reason.partition("_ALERT_")
    if not is_alert:
        return f"{TROUBLE}{_in_words(reason)} (does it speak TLS on this port?)"
    what = "this side's certificate, or wants one" if _ABOUT_CERTIFICATES.search(words) else "the handshake"
    return f"{TROUBLE}it refused {what}: {_in_words(words)}"


def _in_words(reason: str) -> str:
    return reason.replace("_", " ").lower()
