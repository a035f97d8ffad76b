"""Other servers and clients that the service is measured beside: one module each, which starts it and runs it."""

import harness  # noqa: F401 - puts the launchers of the tests on the path
