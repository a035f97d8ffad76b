"""The options as read, and the environment beside them: what settings are made of."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from oslo_config import cfg

from gearhorn.credentials import CREDENTIALS_VARIABLE, find_file, read_secret, warn_of_readers
from gearhorn.options.reading import written
from gearhorn.store.urls import holds_secret

TLS_FILES = ("ca_file", "cert_file", "key_file", "key_password_file")

PASSWORD_FILES = ("password_file", "sentinel_password_file")
LOGIN_OPTIONS = ("username", *PASSWORD_FILES)


class Source:
    def __init__(self, conf: cfg.ConfigOpts, environ: Mapping[str, str]) -> None:
        self.conf = conf
        self.environ = environ

    def read_secret(self, group: str, option: str) -> str:
        """Empty if the option is."""
        name = self.conf[group][option]
        return read_secret(f"[{group}] {option}", name, self.environ) if name else ""

    def find_tls_file(self, name: str) -> str:
        """A relative name may be that of one of systemd's credentials."""
        folder = self.environ.get(CREDENTIALS_VARIABLE, "")
        credential = Path(folder, name)
        return str(credential) if folder and name and credential.exists() else name

    def warn_of_readers(self, option: str, group: str) -> None:
        if path := self.file_that_says(option, group):
            warn_of_readers(written(group, option), path)

    def file_that_says(self, option: str, group: str) -> Path | None:
        where = self.conf.get_location(option, group)
        return Path(where.detail) if where is not None and where.location is cfg.Locations.user else None

    def secret_files(self) -> Iterator[tuple[str, Path]]:
        """Every file with a secret in it, and the option that names it."""
        if holds_secret(self.conf.store.url or "") and (path := self.file_that_says("url", "store")):
            yield written("store", "url"), path
        for group, option in (*(("store", name) for name in PASSWORD_FILES), ("gearman", "key_password_file")):
            if name := self.conf[group][option]:
                yield written(group, option), find_file(written(group, option), name, self.environ)
        if key := self.find_tls_file(self.conf.gearman.key_file or self.conf.gearman.cert_file):
            yield written("gearman", "key_file"), Path(key)
        if name := self.conf.signing.keys_file:
            yield written("signing", "keys_file"), find_file(written("signing", "keys_file"), name, self.environ)
