"""The benchmarks are no installed package: their folder has to be on the path."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3] / "benchmarks"))
