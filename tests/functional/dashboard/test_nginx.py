"""The proxy of doc/dashboard.md: nginx itself is asked whether it understands it, and passes everything on."""

import base64
import html
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin

import pytest

from tests.functional.dashboard.conftest import System
from tests.servers.certificates import Certificates
from tests.servers.ports import PortReservation
from tests.servers.process import accepts_connections, find_program, wait_until

PAGE = Path(__file__).parents[3] / "doc/dashboard.md"

FRAME = """
daemon off;
user root; # heeded where root runs the tests, whose files nobody else may read
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""


def block() -> str:
    found = re.search(r"```nginx[^\n]*\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    return found[1]


class Proxied(NamedTuple):
    """The dashboard behind the proxy."""

    url: str
    certificates: Certificates

    def ask(self, path: str, password: str = "secret") -> str:
        """What comes first: a stream never ends."""
        request = urllib.request.Request(f"{self.url}{path}")
        request.add_header("Authorization", f"Basic {base64.b64encode(f'ann:{password}'.encode()).decode()}")
        context = self.certificates.client_context(with_certificate=False)
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            return str(answer.read1(20_000).decode())


@pytest.fixture
def proxied(system: System, tmp_path: Path) -> Iterator[Proxied]:
    certificates, reservation = Certificates(tmp_path / "tls"), PortReservation()
    (tmp_path / "users").write_text("ann:{PLAIN}secret\n")
    places = {
        "listen 443": f"listen 127.0.0.1:{reservation.port}",
        "/etc/ssl/certs/gearhorn.pem": str(certificates.server_certificate),
        "/etc/ssl/private/gearhorn.key": str(certificates.server_key),
        "/etc/nginx/gearhorn.htpasswd": str(tmp_path / "users"),
        "http://127.0.0.1:9474/": f"{system.url}/",
    }
    text = block()
    for usual, here in places.items():
        assert usual in text
        text = text.replace(usual, here)
    (tmp_path / "nginx.conf").write_text(FRAME.format(folder=tmp_path, server=text))
    command = [find_program("nginx"), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-e", "stderr"]
    nginx = subprocess.Popen(command)
    try:
        wait_until(lambda: nginx.poll() is not None or accepts_connections(reservation.port), "nginx")
        yield Proxied(f"https://127.0.0.1:{reservation.port}/gearhorn/", certificates)
    finally:
        nginx.terminate()
        nginx.wait()
        reservation.release()


def test_the_proxy_of_the_page_passes_everything_on_to_who_may_see_it(proxied: Proxied) -> None:
    assert "All is well" in proxied.ask("")
    for link in re.findall(r'(?:href|src)="([^"#]+)"', proxied.ask("topic?name=news")):
        target = urljoin(proxied.url, html.unescape(link))
        assert target.startswith(proxied.url)
        assert proxied.ask(target.removeprefix(proxied.url)), link
    assert "retry: " in proxied.ask("?format=events")  # at once, and not when a buffer is full
    with pytest.raises(urllib.error.HTTPError, match="401"):
        proxied.ask("", "wrong")
