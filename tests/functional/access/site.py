"""A standalone service that speaks TLS only, and those who come with certificates."""

import ssl
from collections.abc import Sequence
from pathlib import Path

from tests.servers.certificates import Certificates
from tests.servers.standalone import Standalone


class SecureStandalone(Standalone):
    """With certificates of `certificates`; `rights` is the text of its ACL file."""

    kind = "geard"

    def __init__(
        self, folder: Path, certificates: Certificates, rights: str | None = None, extra_args: Sequence[str] = ()
    ) -> None:
        self.certificates = certificates
        arguments = [
            f"--ssl-ca={certificates.ca_file}",
            f"--ssl-cert={certificates.server_certificate}",
            f"--ssl-key={certificates.server_key}",
        ]
        folder.mkdir(parents=True, exist_ok=True)
        if rights is not None:
            (folder / "acl").write_text(rights)
            arguments.append(f"--acl={folder / 'acl'}")
        super().__init__(folder, [*arguments, *extra_args])

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def context_of(self, common_name: str | None) -> ssl.SSLContext:
        return self.certificates.context_of(common_name)
