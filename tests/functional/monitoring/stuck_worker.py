"""ARGUMENTS: the command `gearhorn` with these, whose event loop stands still on SIGUSR1 for as long as there is a file
named `stuck` in the folder where it runs. A file `stands` says that it does.
"""

import asyncio
import signal
import sys
import time
from pathlib import Path

from gearhorn.cmd import worker
from gearhorn.cmd.main import main

serve = worker.serve


def stand_still() -> None:
    Path("stands").touch()
    while Path("stuck").exists():
        time.sleep(0.01)
    Path("stands").unlink()


async def serve_until_stuck(*arguments: object, **options: object) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, stand_still)
    await serve(*arguments, **options)  # type: ignore[arg-type]


if __name__ == "__main__":
    worker.serve = serve_until_stuck  # type: ignore[assignment]
    sys.exit(main())
