"""Workers that lack one of the safeguards of matchmaking: whoever judges runs must find out."""

import sys

from tests.servers.gearhorn_worker import GearhornWorker

# What takes a safeguard away, in Python.
SAFEGUARDS = {
    "acknowledgements are waited for": (
        "from gearhorn.core.round import Round as R; R.is_over = lambda self, now_s: True"
    ),
    "only a valid lease lets serve from memory": (
        "from gearhorn.core.lease import Lease as L; L.is_valid = lambda self, now_s: True"
    ),
}

_GO_ON = "import sys; from gearhorn.cmd.main import main; sys.exit(main())"


def take_away(safeguard: str, worker: GearhornWorker) -> None:
    """To be called before the worker is started; it takes effect with each start."""
    assert worker.argv[1:3] == ["-m", "gearhorn"]
    worker.argv = [sys.executable, "-c", f"{SAFEGUARDS[safeguard]}; {_GO_ON}", *worker.argv[3:]]
