"""The embedded server's `--ssl-*` and `--acl`, named as geard's, and how the service in the same process gets in."""

import argparse
import ssl
from dataclasses import dataclass, replace
from pathlib import Path

from gearhorn.cmd.geard.rehearsal import rehearse
from gearhorn.cmd.geard.rights import read_rights
from gearhorn.cmd.geard.server import PLAIN, Manner
from gearhorn.config import Config
from gearhorn.credentials import warn_of_readers
from gearhorn.errors import Misconfigured
from gearhorn.net.address import Address
from gearhorn.net.tls import TlsSettings, client_context, server_context

_OPTIONS = ("server_ca", "server_cert", "server_key")


@dataclass(frozen=True, slots=True)
class Guard:
    """How the server behaves, and what a client needs: its context and the options of our commands.

    `names` are those that the server's certificate is for, as pairs of kind and name.
    """

    manner: Manner = PLAIN
    client: ssl.SSLContext | None = None
    options: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()

    def name_in(self, address: Address) -> Address:
        """The same place under a name that the certificate is for, if there is one."""
        if self.client is None or ("IP Address", address.host) in self.names:
            return address
        hosts = [name for kind, name in self.names if kind == "DNS" and "*" not in name]
        chosen = "localhost" if "localhost" in hosts else next(iter(hosts), address.host)
        return Address(chosen, address.port)


def add_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("who is let in")
    for option, destination, what in (
        ("--ssl-ca", "server_ca", "of the authority whose certificates are let in: nobody else is"),
        ("--ssl-cert", "server_cert", "of the Gearman server's certificate"),
        ("--ssl-key", "server_key", "of its key"),
    ):
        group.add_argument(option, dest=destination, metavar="FILE", help=f"speak TLS only; PEM file {what}")
    group.add_argument(
        "--acl",
        type=Path,
        metavar="FILE",
        help="file, as geard's, that says which common names of certificates may register and invoke which queues",
    )


def is_wanted(arguments: argparse.Namespace) -> bool:
    """Whether TLS is. Raises Misconfigured for less than it takes: geard would go on in the clear."""
    files = [getattr(arguments, name) for name in _OPTIONS]
    if any(files) and not all(files):
        raise Misconfigured("TLS needs --ssl-ca, --ssl-cert and --ssl-key")
    if arguments.acl and not any(files):
        raise Misconfigured("--acl needs --ssl-ca, --ssl-cert and --ssl-key: without certificates nobody has a name")
    return all(files)


def set_up(arguments: argparse.Namespace, config: Config) -> Guard:
    """Raises Misconfigured for files that cannot be used, or do not fit together."""
    if not is_wanted(arguments):
        return Guard()
    wished = config.tls_settings()
    ca_file, cert_file, key_file = (str(Path(getattr(arguments, name)).absolute()) for name in _OPTIONS)
    warn_of_readers("--ssl-key", Path(key_file))
    of_server = TlsSettings(ca_file, cert_file, key_file, key_password=wished.key_password)
    of_client = _own(wished, of_server)
    server, client = server_context(of_server), client_context(of_client)
    shown = rehearse(server, client)
    rights = read_rights(arguments.acl) if arguments.acl else None
    options = _as_options(of_client) + (_settings(arguments) if of_client.key_password else ())
    return Guard(Manner(server, rights, shown.client), client, options, shown.server_names)


def _own(wished: TlsSettings, server: TlsSettings) -> TlsSettings:
    """What the service shows: what the configuration says, or else the server's own certificate.

    The name is not checked: it reaches its own process, at an address that the certificate need not be for.
    """
    shown = wished if wished.cert_file else replace(wished, cert_file=server.cert_file, key_file=server.key_file)
    return replace(shown, ca_file=wished.ca_file or server.ca_file, check_hostname=False)


def _settings(arguments: argparse.Namespace) -> tuple[str, ...]:
    return tuple(f"--config-file={name}" for name in arguments.config_file or ())


def _as_options(settings: TlsSettings) -> tuple[str, ...]:
    files = {"--ssl-ca": settings.ca_file, "--ssl-cert": settings.cert_file, "--ssl-key": settings.key_file}
    return tuple(word for option, file in files.items() if file for word in (option, file))
