"""gearhorn: broadcast for Gearman.

One job in the queue `fanout` becomes a copy on the queue of every subscriber of its topic.
"""

from importlib.metadata import version

__version__ = version("gearhorn")
