"""Checks when certificates end: those in files of the configuration, and those that the Gearman servers show."""

import asyncio
import re
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

from gearhorn.doctor.findings import Notes
from gearhorn.doctor.site import Site, Skip
from gearhorn.doctor.x509 import Validity, read_validity
from gearhorn.errors import GearhornError, Misconfigured
from gearhorn.net.address import Address
from gearhorn.net.tls import TlsSettings, client_context
from gearhorn.overview.rendering import time_of
from gearhorn.store.redis_urls import read_url

SOON_S = 30 * 86400.0
SHOWN_LIMIT_S = 5.0

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


async def check_certificates(site: Site, notes: Notes) -> None:
    files = dict(_files_of(site))
    if not files and site.tls is None:
        raise Skip("no TLS is configured")
    for path, option in files.items():
        await asyncio.to_thread(_check_file, notes, option, path)
    if site.tls is not None:
        context = _lenient_context(site.tls)
        await asyncio.gather(*(_check_server(notes, context, address) for address in site.servers))


def _files_of(site: Site) -> Iterator[tuple[str, str]]:
    """Path and what names it."""
    if site.tls is not None:
        yield from ((path, f"[gearman] {name}") for name, path in _gearman_files(site.tls) if path)
    if site.overview.store.kind.startswith("rediss"):
        tls = read_url(site.store_settings.url).tls or {}
        yield from (
            (str(tls[name]), f"[store] url, {name}") for name in ("ssl_ca_certs", "ssl_certfile") if tls.get(name)
        )


def _gearman_files(tls: TlsSettings) -> tuple[tuple[str, str], ...]:
    return (("ca_file", tls.ca_file), ("cert_file", tls.cert_file))


def _check_file(notes: Notes, option: str, path: str) -> None:
    """Of a file with several the one that ends first."""
    try:
        found = [
            read_validity(ssl.PEM_cert_to_DER_cert(text)) for text in _PEM.findall(Path(path).read_text("latin-1"))
        ]
        first = min(found, key=lambda validity: validity.not_after_s)
    except (OSError, ValueError):
        notes.say("certificate-unreadable", f"{option}: no certificate can be read from {path}", FILE=path)
        return
    _judge(notes, first, f"the certificate of {option}, {path},", f"openssl x509 -noout -subject -enddate -in {path}")


async def _check_server(notes: Notes, context: ssl.SSLContext, address: Address) -> None:
    """What a server shows; one that shows nothing is another check's finding."""
    der = await _shown_by(context, address)
    if der is None:
        return
    command = f"openssl s_client -connect {address} < /dev/null | openssl x509 -noout -subject -enddate"
    _judge(notes, read_validity(der), f"the certificate of Gearman server {address}", command)


def _judge(notes: Notes, validity: Validity, whose: str, command: str) -> None:
    now_s = time.time()
    if now_s < validity.not_before_s:
        what = f"{whose} is not valid before {time_of(validity.not_before_s)}"
        notes.say("certificate-expired", what, COMMAND=command)
    elif now_s > validity.not_after_s:
        notes.say("certificate-expired", f"{whose} ended at {time_of(validity.not_after_s)}", COMMAND=command)
    elif now_s > validity.not_after_s - SOON_S:
        notes.say("certificate-expires", f"{whose} ends at {time_of(validity.not_after_s)}", COMMAND=command)


def _lenient_context(tls: TlsSettings) -> ssl.SSLContext:
    """Takes any certificate, since it is to be looked at and nothing is sent; our own is shown to who wants one."""
    try:
        context = client_context(tls)
    except Misconfigured:
        context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _shown_by(context: ssl.SSLContext, address: Address) -> bytes | None:
    try:
        async with asyncio.timeout(SHOWN_LIMIT_S):
            _, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    except (OSError, TimeoutError, GearhornError):
        return None
    try:
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return bytes(der) if der else None
    finally:
        writer.transport.abort()
