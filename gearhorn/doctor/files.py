"""Checks who may read the files that hold secrets."""

import asyncio
import stat

from gearhorn.doctor.findings import Notes
from gearhorn.doctor.site import Site, Skip


async def check_files(site: Site, notes: Notes) -> None:
    if not site.secret_files:
        raise Skip("no file holds a secret")
    await asyncio.to_thread(_check, site, notes)


def _check(site: Site, notes: Notes) -> None:
    for file in site.secret_files:
        try:
            mode = file.path.stat().st_mode
        except OSError:
            continue  # who needs it says so
        if stat.S_ISREG(mode) and mode & stat.S_IROTH:
            what = f"{file.option}: everybody on this host can read {file.path}"
            notes.say("secret-readable", what, FILE=file.path)
