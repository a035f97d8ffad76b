"""Settings, and the files that they come from."""

from gearhorn.logs.event import warning

FILE_OPEN_TO_ALL = warning(
    "file.open_to_all",
    "{option}: everybody on this host may read {path}, and there is a secret in it: chmod o-r",
    meaning="The file's mode lets every user of the host read a password or a key.",
    remedy="`chmod o-r` the file, or give it to the worker as a credential of systemd.",
)
