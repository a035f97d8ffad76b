"""Says which servers a fact is true of."""

import pytest


def on(*kinds: str) -> pytest.MarkDecorator:
    """Asks each of these servers ("gearmand", "geard", "perl") in turn; the test takes it as `server`."""
    return pytest.mark.parametrize("server", kinds, indirect=True)


on_every = on("gearmand", "geard", "perl")
