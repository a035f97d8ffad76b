"""Makes a certificate authority with one server and one client, for tests of TLS."""

import itertools
import ssl
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives import serialization

_numbers = itertools.count()


class Certificates:
    """PEM files in `folder`: the authority's certificate, and certificate and key of a server and of a client.

    The server's is good for 127.0.0.1 and localhost; the client's common name is `client_name`.
    """

    def __init__(self, folder: Path, client_name: str = "a client") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._authority = authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        server = authority.issue_cert("127.0.0.1", "localhost")
        self.server_certificate, self.server_key = _write(server, folder / "server")
        client = authority.issue_cert("client.test", common_name=client_name)
        self.client_certificate, self.client_key = _write(client, folder / "client")

    def client_context(self, *, with_certificate: bool = True) -> ssl.SSLContext:
        """What a client needs that checks the server's name and, if asked to, shows its own certificate."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if with_certificate:
            context.load_cert_chain(self.client_certificate, self.client_key)
        return context

    def issue(self, common_name: str | None, *hosts: str, **details: Any) -> tuple[Path, Path]:
        """Certificate and key for one more; `details` are trustme's."""
        hosts = hosts or (f"client{next(_numbers)}.test",)
        leaf = self._authority.issue_cert(*hosts, common_name=common_name, **details)
        return _write(leaf, self._folder / f"more{next(_numbers)}")

    def context_of(self, common_name: str | None) -> ssl.SSLContext:
        """What a client of that name needs."""
        context = self.client_context(with_certificate=False)
        context.load_cert_chain(*self.issue(common_name))
        return context


def encrypted(key: Path, password: str = "secret") -> bytes:
    """The PEM text of a key, locked with a password."""
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    return loaded.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password.encode()),
    )


def _write(leaf: trustme.LeafCert, stem: Path) -> tuple[Path, Path]:
    certificate, key = stem.with_suffix(".pem"), stem.with_suffix(".key")
    leaf.cert_chain_pems[0].write_to_path(certificate)
    leaf.private_key_pem.write_to_path(key)
    key.chmod(0o600)
    return certificate, key
