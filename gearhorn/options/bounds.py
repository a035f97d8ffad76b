"""Numbers that bounds of options are made of: seconds, and bytes."""

HOUR_S = 3600
DAY_S = 24 * HOUR_S
MONTH_S = 31 * DAY_S

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
TIB = 1 << 40
