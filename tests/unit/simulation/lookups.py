"""Finds the list of each fanout, as a worker does: in its memory, or in the store by a read that begins then."""

from gearhorn.core.matchmaking import Matchmaking
from gearhorn.core.members import Members
from tests.unit.simulation.history import History
from tests.unit.simulation.process import Process
from tests.unit.simulation.store import NO_ANSWER, StoreLink

RETRY_S = 0.5


class Lookups:
    """Each fanout has a read of its own, so that there are often several of one list under way."""

    def __init__(self, process: Process, link: StoreLink, matchmaking: Matchmaking, history: History) -> None:
        self._process = process
        self._link = link
        self._matchmaking = matchmaking
        self._history = history

    def fan_out(self, topic: str, submitted: int) -> None:
        """A fanout that was submitted at that moment of the history is taken now."""
        members = self.find(topic)
        if members is None:
            self._process.run(self._read_patiently(topic, submitted))
        else:
            self._history.use(self._process.name, topic, submitted, members, from_memory=True)

    def find(self, topic: str) -> frozenset[str] | None:
        members = self._matchmaking.find(topic, self._process.now_s())
        return None if members is None else names_of(members)

    async def _read_patiently(self, topic: str, submitted: int) -> None:
        while (members := await self._read(topic)) is None:
            await self._process.sleep(RETRY_S)
        self._history.use(self._process.name, topic, submitted, names_of(members), from_memory=False)

    async def _read(self, topic: str) -> Members | None:
        reading = self._matchmaking.begin_read([topic])
        answer = await self._link.ask(self._process, "read", [topic])
        found: dict[str, tuple[int, Members]] = {}
        if answer is not NO_ANSWER:
            version, client_ids = answer.value[0]
            found[topic] = version, Members.of(client_ids)
        self._matchmaking.end_read(reading, found)
        return found[topic][1] if found else None


def names_of(members: Members) -> frozenset[str]:
    return frozenset(client_id.decode() for client_id in members)
