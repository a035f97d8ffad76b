"""Settings, and the files that they come from."""

from gearhorn.logs.event import error, info, warning

FILE_OPEN_TO_ALL = warning(
    "file.open_to_all",
    "{option}: everybody on this host may read {path}, and there is a secret in it: chmod o-r",
    meaning="The file's mode lets every user of the host read a password or a key.",
    remedy="`chmod o-r` the file, or give it to the worker as a credential of systemd.",
)
SETTINGS_READ = info(
    "settings.read",
    "the settings were read anew: {summary}",
    meaning="After SIGHUP. What the line names counts from now on.",
    more=("changes",),
)
SETTINGS_KEPT = warning(
    "settings.kept",
    "these changes count after a restart only: {summary}",
    meaning="After SIGHUP: the files say other than what counts. Said each time until the worker is started again.",
    remedy="Restart the worker when it suits, or take the change back.",
    more=("changes",),
)
SETTINGS_BROKEN = error(
    "settings.broken",
    "{error}; the settings from before stay",
    meaning="After SIGHUP: the files cannot be used as they are, and nothing of them counts.",
    remedy="Mend what the line names, and send SIGHUP again.",
    ended_by="settings.read",
)
TLS_FILES_READ = info(
    "tls_files.read",
    "the TLS files were read anew: new connections use them",
    meaning="After SIGHUP: a certificate, a key or an authority has changed. Connections that are up stay as they are.",
)
