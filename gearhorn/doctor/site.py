"""What the checks look at: the settings, and what one look at the system has shown."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gearhorn.doctor.findings import NO_PLACES, Places
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.tls import TlsSettings
from gearhorn.overview.observer import Observer, Survey
from gearhorn.overview.views import Overview
from gearhorn.signing.signer import Signer
from gearhorn.store.base import Store
from gearhorn.store.opening import StoreSettings


class Skip(Exception):
    """There is nothing to check, or what the check needs is away: the text says which."""


class SecretFile(NamedTuple):
    """A file that holds a secret, and the option that names it."""

    option: str
    path: Path


@dataclass(frozen=True, slots=True)
class Site:
    """`tls` is None without TLS. `places` are the options of the command line that say where the system is."""

    observer: Observer
    survey: Survey
    overview: Overview
    store_settings: StoreSettings
    tls: TlsSettings | None = None
    secret_files: tuple[SecretFile, ...] = ()
    has_persistent_queue: bool = False
    dead_letter_queue: str = ""
    signer: Signer | None = None
    places: Places = NO_PLACES

    @property
    def servers(self) -> tuple[Address, ...]:
        return self.observer.settings.servers

    @property
    def link(self) -> LinkSettings:
        return self.observer.settings.link

    @property
    def reachable(self) -> list[Address]:
        """The Gearman servers that have answered."""
        away = {answer.address for answer in self.survey.answers if answer.trouble}
        return [address for address in self.servers if str(address) not in away]

    def store(self) -> Store:
        """Raises Skip while it is away."""
        if self.survey.found.store is None:
            raise Skip("the store is away")
        return self.survey.found.store
