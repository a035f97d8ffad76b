"""Runs benchmarks: fresh real servers per measurement, contestants in turn, medians with their spread.

Nothing here may be what is measured: the clocks run in the C programs of `../c`, and this package only starts, checks
and prints. The launchers of the tests are used, which are no installed package, hence the path.
"""

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

if str(PROJECT) not in sys.path:
    sys.path.insert(0, str(PROJECT))
