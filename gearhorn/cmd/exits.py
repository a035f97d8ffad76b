"""Exit statuses of the command `gearhorn`."""

OK = 0
ERROR = 1
USAGE = 2  # argparse's own
NOBODY_SUBSCRIBED = 3
NO_WORKER = 3  # nobody there, either
SOME_FAILED = 4
TIMED_OUT = 5
UNREACHABLE = 6
TROUBLE = 7  # of the system that was looked at, not of the command
WARNING = 8  # nothing is down, and something should be seen to
MISCONFIGURED = 78  # EX_CONFIG of sysexits(3): the units of systemd do not start it again after this one

# As shells report an end by these signals, whose usual effect we replace by one that leaves no traceback.
BY_SIGINT = 128 + 2
BY_SIGPIPE = 128 + 13
