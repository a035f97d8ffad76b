"""[gearman]: servers, links to them, and TLS."""

from pathlib import Path

from gearhorn.config.source import TLS_FILES, Source
from gearhorn.credentials import warn_of_readers
from gearhorn.errors import Misconfigured
from gearhorn.net.address import Address, parse_addresses
from gearhorn.net.connection import LinkSettings
from gearhorn.net.tls import TlsSettings, client_context, mark_of
from gearhorn.options.gearman import DEFAULT_SERVER


def servers(source: Source) -> tuple[Address, ...]:
    """The configuration's servers, else those of GEARMAN_SERVERS, which libgearman reads too."""
    texts = source.conf.gearman.servers or [source.environ.get("GEARMAN_SERVERS", "")]
    return tuple(parse_addresses(texts) or parse_addresses([DEFAULT_SERVER]))


def link_settings(source: Source) -> LinkSettings:
    gearman = source.conf.gearman
    if not gearman.tls and any(gearman[name] for name in TLS_FILES):
        raise Misconfigured("[gearman] names TLS files but tls is not on")
    tls = tls_settings(source) if gearman.tls else None
    return LinkSettings(
        connect_timeout_s=gearman.connect_timeout,
        answer_timeout_s=gearman.answer_timeout,
        keepalive_s=gearman.keepalive,
        tls=client_context(tls) if tls else None,
        tls_mark=mark_of(tls) if tls else "",
    )


def tls_settings(source: Source) -> TlsSettings:
    """What is to be used if TLS is on."""
    gearman = source.conf.gearman
    ca_file, cert_file, key_file = (source.find_tls_file(gearman[name]) for name in TLS_FILES[:3])
    password = source.read_secret("gearman", "key_password_file")
    if key := key_file or cert_file:
        warn_of_readers("[gearman] key_file", Path(key))
    return TlsSettings(ca_file, cert_file, key_file, gearman.check_hostname, password)
