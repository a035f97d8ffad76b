"""How long a worker takes from its start until it serves, with an empty store and with a full one."""

import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack

from harness import lists, sites
from harness.rounds import sum_up, take_turns
from harness.scenario import Aim, Outcome, Pace, Plot, Scenario, Series
from harness.topics import Topic

from tests.servers.process import wait_until

AIM_S = 1.0
READY_LIMIT_S = 30.0
EMPTY, FULL, INTERPRETER = "gearhorn, empty store", "gearhorn, full store", "python -c pass"
UNIT = "s until it serves"


class Starts:
    """Ends the worker of a site and starts it anew, again and again: that is what the clock runs for."""

    def __init__(self, site: sites.Site) -> None:
        self.site = site
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(str(site.folder / "notices"))
        self.notices.settimeout(READY_LIMIT_S)

    def measure_s(self) -> float:
        """Until the process has said READY=1 as systemd asks for it, and gearmand has a worker for `fanout`."""
        worker = self.site.worker
        worker.stop()
        wait_until(lambda: not worker.is_ready(), "gearmand to forget the worker")
        environment = {**(worker.env or os.environ), "NOTIFY_SOCKET": str(self.notices.getsockname())}
        start_s = time.monotonic()
        with (worker.folder / "log").open("ab") as log:
            worker.process = subprocess.Popen(worker.argv, stdout=log, stderr=log, cwd=worker.folder, env=environment)
        while b"READY=1" not in self.notices.recv(4096).split(b"\n"):
            pass
        wait_until(worker.is_ready, "gearmand to know the worker")
        return time.monotonic() - start_s


def start_interpreter_s() -> float:
    start_s = time.monotonic()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.monotonic() - start_s


def run(pace: Pace) -> Outcome:
    topic_count, subscriber_count = (10, 100) if pace.is_quick else (10, 10_000)
    with ExitStack() as stack:
        empty, full = (stack.enter_context(sites.open_site(pace.setup)) for _ in range(2))
        for number in range(topic_count):
            lists.fill(full, Topic(f"topic{number}", subscriber_count))
        turns = {EMPTY: Starts(empty).measure_s, FULL: Starts(full).measure_s, INTERPRETER: start_interpreter_s}
        if pace.setup.store == "memory":  # which is empty after every start
            del turns[FULL]
        measured = take_turns(turns, pace.round_count)
    stored = {EMPTY: "an empty store", FULL: f"{topic_count * subscriber_count:,} subscriptions in the store"}
    aims = [
        Aim(f"from its start until it serves, {stored[name]}", sum_up(figures), AIM_S, is_least=False, unit="s")
        for name, figures in measured.items()
        if name in stored
    ]
    return Outcome([Series(name, "", UNIT, figures) for name, figures in measured.items()], aims)


SCENARIO = Scenario(
    name="start",
    title="Start to ready",
    question="How long is a worker away when it is restarted: from the start of its process until it serves? "
    "The full store has 100,000 subscriptions on ten topics.",
    contestants={
        EMPTY: "until it has told systemd that it is ready, and gearmand has it as a worker",
        FULL: "the same; lists are read when the first fanout asks for them, which is not part of this",
        INTERPRETER: "for scale: a Python that starts and does nothing",
    },
    run=run,
    plots=[Plot(UNIT)],
)
