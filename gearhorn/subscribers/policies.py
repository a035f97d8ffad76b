"""What is done about subscribers that are gone, topic by topic."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from gearhorn.core.health import HealthLimits

OFF = "off"
REPORT = "report"
PAUSE = "pause"
DROP = "drop"
POLICIES = (REPORT, PAUSE, DROP, OFF)


@dataclass(frozen=True, slots=True)
class ReaperSettings:
    """`policies` are patterns of topics, as a shell's for files, each with a policy; the first that fits counts, and
    `policy` where none does. What was drained goes to `dead_letter_queue` or to `dead_letter_file`, if one is named.
    """

    policy: str = REPORT
    policies: tuple[tuple[str, str], ...] = ()
    interval_s: float = 30.0
    limits: HealthLimits = field(default_factory=HealthLimits)
    dead_letter_queue: str = ""
    dead_letter_file: str = ""

    def policy_of(self, topic: str) -> str:
        return next((policy for pattern, policy in self.policies if fnmatchcase(topic, pattern)), self.policy)

    @property
    def is_off(self) -> bool:
        """For all topics: nobody need watch."""
        return {self.policy, *(policy for _, policy in self.policies)} == {OFF}
