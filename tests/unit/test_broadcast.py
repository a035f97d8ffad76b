"""A fanout that was left to another worker says nothing more of its job."""

from gearhorn.bodies import FanoutRequest
from gearhorn.broadcast import Broadcast
from gearhorn.core.fanout import FanoutRun
from gearhorn.core.members import Members
from gearhorn.core.progress import Tally
from gearhorn.net.connection import LinkSettings
from gearhorn.net.dispatch import Dispatch
from gearhorn.resuming.journal import Journal
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import in_virtual_time, now_s

MEMBERS = Members.of([b"ann", b"bob"])


class Job:
    is_held = False

    def __init__(self) -> None:
        self.endings: list[tuple[str, bytes]] = []

    def complete(self, data: bytes = b"") -> None:
        self.endings.append(("complete", data))

    def refuse(self, text: bytes) -> None:
        self.endings.append(("refused", text))

    def weigh(self, size_bytes: int) -> None: ...


@in_virtual_time
async def test_an_abandoned_fanout_answers_nothing_and_closes_its_journal() -> None:
    """Whoever notes how jobs ended would take its answer for the job's."""
    job, heard = Job(), []
    run = FanoutRun(2, foreground=False, tally=Tally(MEMBERS))
    journal = Journal(MoodyStore(now_s), "one", "worker-1", run, MEMBERS, lambda: None)
    broadcast = Broadcast(job, FanoutRequest("news", b"x", background=True), MEMBERS, run)  # type: ignore[arg-type]
    broadcast.record(journal, heard.append)
    broadcast.start(Dispatch([], LinkSettings(), "test", retry_timeout_s=30.0), 30.0)
    broadcast.abandon()
    assert (job.endings, heard, broadcast.is_waiting) == ([], [False], False)
