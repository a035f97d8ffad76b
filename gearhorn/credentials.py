"""Secrets from files, so that they stand in no command line, environment or setting.

What a file holds enters no message, whatever is wrong with it.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from gearhorn.errors import Misconfigured
from gearhorn.logs.event import log_for
from gearhorn.logs.events.settings import FILE_OPEN_TO_ALL
from gearhorn.logs.trouble import Troubles

log = log_for(__name__)

_open_files = Troubles()

# Where systemd puts what LoadCredential= and SetCredentialEncrypted= name; see systemd.exec(5).
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"

SECRET_LIMIT_BYTES = 4096


def read_secret(option: str, name: str, environ: Mapping[str, str] = os.environ) -> str:
    """The one line of a file, without its end. A relative name is one of systemd's credentials.

    `option` is what messages call it. Raises Misconfigured when there is no such file, or not one line of UTF-8 in it.
    """
    path = find_file(option, name, environ)
    try:
        with path.open("rb") as file:
            data = file.read(SECRET_LIMIT_BYTES + 1)
    except OSError as error:
        raise Misconfigured(f"{option}: the file {path} cannot be read: {error.strerror}") from None
    warn_of_readers(option, path)
    return _judge(option, path, data)


def find_file(option: str, name: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Raises Misconfigured for a relative name where systemd passes no credentials."""
    if Path(name).is_absolute():
        return Path(name)
    folder = environ.get(CREDENTIALS_VARIABLE, "")
    if not folder:
        raise Misconfigured(
            f"{option}: {name!r} is no absolute path, and systemd passes no credentials (${CREDENTIALS_VARIABLE})"
        )
    return Path(folder, name)


def warn_of_readers(option: str, path: Path) -> None:
    """Says so in the log when everybody on this host may read a file with a secret in it."""
    try:
        mode = path.stat().st_mode
    except OSError:  # who needs the file will say so
        return
    if not (stat.S_ISREG(mode) and mode & stat.S_IROTH):
        _open_files.end(str(path))
    elif _open_files.begin(str(path)):  # else it was said when the settings were read before
        log.say(FILE_OPEN_TO_ALL, option=option, path=path)


def _judge(option: str, path: Path, data: bytes) -> str:
    if len(data) > SECRET_LIMIT_BYTES:
        raise Misconfigured(f"{option}: the file {path} has more than {SECRET_LIMIT_BYTES} bytes")
    try:
        secret = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Misconfigured(f"{option}: the file {path} is not text in UTF-8") from None
    if not secret:
        raise Misconfigured(f"{option}: the file {path} is empty")
    if not secret.isprintable():
        raise Misconfigured(f"{option}: the file {path} has more than one line, or control characters")
    return secret
