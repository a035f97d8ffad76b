"""The same figures for statsd, which geard's users have: what was counted since the last time, and what is so now.

In UDP datagrams of our own making: a line is a name, a colon and a number, and the `statsd` library would look the
host's name up, and wait for that, in the event loop.

Of a histogram statsd gets the number of what ended since the last time, and how long the middle one and the slowest
twentieth of them took, in milliseconds, as far as the histogram's bounds tell.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

from gearhorn.logs.event import log_for
from gearhorn.logs.events.pages import STATSD_AWAY, STATSD_BACK
from gearhorn.logs.trouble import Trouble
from gearhorn.metrics.catalogue import COUNTER, Metric
from gearhorn.metrics.readings import Labels, Reading, Spread
from gearhorn.monitoring.settings import StatsdSettings

log = log_for(__name__)

# What passes any network in one piece.
DATAGRAM_BYTES = 1400
QUANTILES = {"p50": 0.5, "p95": 0.95}

# What would end a name, or begin another level of it.
_FOREIGN = re.compile(r"[^A-Za-z0-9_-]+")


class Differences:
    """Puts readings into lines, counters as what they have grown by since the last time."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._counts: dict[str, float] = {}
        self._spreads: dict[str, Spread] = {}

    def lines(self, readings: Iterable[Reading]) -> Iterator[str]:
        counts: dict[str, float] = {}
        spreads: dict[str, Spread] = {}
        for reading in readings:
            for labels, value in reading.values.items():
                name = self._name(reading.metric, labels)
                if reading.metric.kind == COUNTER:
                    counts[name] = counts.get(name, 0) + value
                else:
                    yield f"{name}:{value:.15g}|g"
            for labels, spread in reading.spreads.items():
                spreads[self._name(reading.metric, labels)] = spread
        for name, count in counts.items():
            if grown := _grown(count, self._counts.get(name, 0)):
                yield f"{name}:{grown:.15g}|c"
        for name, spread in spreads.items():
            yield from _timings(name, spread, self._spreads.get(name))
        self._counts, self._spreads = counts, spreads

    def _name(self, metric: Metric, labels: Labels) -> str:
        own = metric.name.removeprefix("gearhorn_").removesuffix("_total")
        parts = (self._prefix, "gearhorn", own, *map(_word, labels))
        return ".".join(part for part in parts if part)


def _grown(count: float, before: float) -> float:
    """A topic that was gone and is back begins at nothing."""
    return count - before if count >= before else count


def _word(label: str) -> str:
    return _FOREIGN.sub("_", label) or "_"


def _timings(name: str, spread: Spread, before: Spread | None) -> Iterator[str]:
    olds = [0] * len(spread.rising) if before is None else [count for _, count in before.rising]
    rising = [(bound_s, count - old) for (bound_s, count), old in zip(spread.rising, olds, strict=True)]
    total_count = rising[-1][1]
    if not total_count:
        return
    yield f"{name}.count:{total_count}|c"
    longest_s = max(bound_s for bound_s, _ in rising[:-1])
    for word, share in QUANTILES.items():
        bound_s = next(bound_s for bound_s, count in rising if count >= share * total_count)
        yield f"{name}.{word}:{1000 * min(bound_s, longest_s):.15g}|ms"


def datagrams(lines: Iterable[str]) -> Iterator[bytes]:
    gathered = b""
    for line in lines:
        encoded = line.encode()
        if gathered and len(gathered) + 1 + len(encoded) > DATAGRAM_BYTES:
            yield gathered
            gathered = b""
        gathered = gathered + b"\n" + encoded if gathered else encoded
    if gathered:
        yield gathered


class Statsd:
    """`send` never waits for statsd, nor minds if nobody listens."""

    def __init__(self, settings: StatsdSettings) -> None:
        self._settings = settings
        self._differences = Differences(settings.prefix)
        self._transport: asyncio.DatagramTransport | None = None
        self._trouble = Trouble()

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, settings: StatsdSettings) -> "AsyncIterator[Statsd]":
        statsd = cls(settings)
        try:
            yield statsd
        finally:
            if statsd._transport is not None:
                statsd._transport.close()

    async def send(self, readings: Sequence[Reading]) -> None:
        try:
            transport = self._transport or await self._connect()
        except (OSError, UnicodeError) as error:
            if self._trouble.begins():
                log.say(STATSD_AWAY, address=self._settings.address, error=error)
            return
        if self._trouble.ends():
            log.say(STATSD_BACK, address=self._settings.address)
        self._send(readings, transport)

    def send_last(self, readings: Sequence[Reading]) -> None:
        """What was counted since the last time, if anything was sent before."""
        if self._transport is not None:
            self._send(readings, self._transport)

    def _send(self, readings: Sequence[Reading], transport: asyncio.DatagramTransport) -> None:
        for datagram in datagrams(self._differences.lines(readings)):
            transport.sendto(datagram)

    async def _connect(self) -> asyncio.DatagramTransport:
        """Looks the host's name up, in a thread."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=self._settings.address
        )
        return self._transport
