"""How property tests run: the same examples every time, few enough for a busy machine, and with no eye on the clock.

HYPOTHESIS_PROFILE=long looks further, for whoever changes what they test: other examples in every run, and many.
"""

import os

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "unit",
    max_examples=60,
    stateful_step_count=50,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", settings.get_profile("unit"), max_examples=1000, derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unit"))
