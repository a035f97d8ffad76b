"""`python -m gearhorn` is `gearhorn`."""

import sys

from gearhorn.cmd.main import main

sys.exit(main())
