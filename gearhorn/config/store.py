"""[store]: where the lists are, and the passwords for it."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from gearhorn.config.source import PASSWORD_FILES, Source
from gearhorn.store.opening import StoreSettings
from gearhorn.store.urls import add_login, holds_secret


def store_settings(source: Source) -> StoreSettings:
    """With the passwords in the URL, wherever they come from."""
    store = source.conf.store
    url = store.url or _default_url(source.environ)
    if holds_secret(url):
        source.warn_of_readers("url", "store")
    passwords = [source.read_secret("store", option) for option in PASSWORD_FILES]
    return StoreSettings(add_login(url, store.username, *passwords), store.prefix, store.timeout)


def _default_url(environ: Mapping[str, str]) -> str:
    folder = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if not folder:
        state = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
        folder = str(Path(state) / "gearhorn")
    return f"sqlite:///{quote(folder)}/gearhorn.db"
