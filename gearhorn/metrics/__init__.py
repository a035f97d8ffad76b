"""What a worker counts and measures for whoever watches over it: plain numbers, which cost next to nothing to keep.

Labels, formats and the library that Prometheus reads from come in only when somebody asks: see exposition.py. What each
number means stands in catalogue.py.
"""

from gearhorn.metrics.counters import Counters

__all__ = ["Counters"]
