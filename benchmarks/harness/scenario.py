"""What a scenario of the suite is: a question, contestants that take turns, the figures, and the aims they are held to.

Every module of `scenarios` has one `SCENARIO`. Runner, page and plots know nothing of it but what stands here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.rounds import Spread
from harness.sites import Setup

Turn = Callable[[], float]

OURS = "gearhorn"


def is_ours(contestant: str) -> bool:
    """The service's own contestants are named `gearhorn`, or `gearhorn, …`: table and plots make them stand out."""
    return contestant.startswith(OURS)


@dataclass(frozen=True, slots=True)
class Pace:
    """How thorough a run is. `is_quick`: a smoke test of the suite, with the smallest sizes that say something."""

    round_count: int
    is_quick: bool = False
    setup: Setup = field(default_factory=Setup)


@dataclass(frozen=True, slots=True)
class Series:
    """What one contestant measured at one point (say "10,000 subscribers"), round by round.

    `x` is the point as a number, for plots of curves; series that have none become bars.
    """

    contestant: str
    point: str
    unit: str
    figures: Sequence[float]
    x: float | None = None


@dataclass(frozen=True, slots=True)
class Aim:
    """A figure that was wanted, mostly a ratio taken round by round, and the one that was measured."""

    what: str
    measured: Spread
    wanted: float
    is_least: bool = True  # whether `wanted` is the least that will do, or the most
    unit: str = "times"

    @property
    def is_reached(self) -> bool:
        return self.measured.median >= self.wanted if self.is_least else self.measured.median <= self.wanted


@dataclass(frozen=True, slots=True)
class Outcome:
    """`remarks` are sentences for the page: what was seen that the figures do not tell."""

    series: Sequence[Series]
    aims: Sequence[Aim] = ()
    remarks: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Plot:
    """How the series of one unit are drawn: as curves over `x_label` if that is given, else as bars."""

    unit: str
    x_label: str = ""
    is_log: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """`name` is the word for it on the command line, `question` what it asks, in a sentence or two.

    `contestants` tells of each what it does less, and what more, than the service. `profile` tells, in paragraphs, what
    was found out by hand: where the time goes, why an aim is out of reach, what was tried.
    """

    name: str
    title: str
    question: str
    contestants: Mapping[str, str]
    run: Callable[[Pace], Outcome]
    plots: Sequence[Plot] = ()
    profile: Sequence[str] = ()
