"""ARGUMENTS: the command `gearhorn` with these; its worker records the progress of every second large fanout only.

So a fanout with records and one without can be told apart by nothing else: one process, one server, one list.
"""

import sys

from gearhorn import fanouts
from gearhorn.cmd.main import main
from gearhorn.core.progress import UNRECORDED_LIMIT


class EverySecond:
    """Stands in for the size above which fanouts are recorded. The first of them is not."""

    def __init__(self) -> None:
        self._large_count = 0

    def __lt__(self, copy_count: int) -> bool:
        if copy_count <= UNRECORDED_LIMIT:
            return False
        self._large_count += 1
        return self._large_count % 2 == 0


if __name__ == "__main__":
    setattr(fanouts, "UNRECORDED_LIMIT", EverySecond())  # noqa: B010 - no part of what the module promises
    sys.exit(main())
