"""Sites for checks: what was seen of a system, without any system."""

from collections.abc import Iterable, Mapping
from typing import Any

from gearhorn.clock import steady_s
from gearhorn.doctor.findings import Finding, Notes
from gearhorn.doctor.site import Site
from gearhorn.net.address import parse_addresses
from gearhorn.overview.observer import Observer, ObserverSettings, Survey
from gearhorn.overview.owners import Shares
from gearhorn.overview.servers import Answer
from gearhorn.overview.source import Found, already_open
from gearhorn.overview.views import StoreView, WorkerView
from gearhorn.store.base import TopicCount
from gearhorn.store.opening import StoreSettings
from gearhorn.wire.loads import Load
from tests.unit.moody_store import MoodyStore

SERVED = {name.encode(): Load(0, 0, 1) for name in ObserverSettings(()).queues.all()}


def site(
    *,
    workers: Iterable[WorkerView] = (),
    servers: Mapping[str, dict[bytes, Load] | str] | None = None,
    versions: Mapping[str, str] | None = None,
    topics: Mapping[str, int] | None = None,
    strangers: Mapping[bytes, Load] | None = None,
    store: MoodyStore | None = None,
    is_store_away: bool = False,
    store_kind: str = "redis",
    **more: Any,
) -> Site:
    """`servers`: loads by address, or why one cannot be asked."""
    store = store or MoodyStore(steady_s)
    servers = {"a.example:4730": SERVED} if servers is None else servers
    addresses = tuple(parse_addresses(list(servers)))
    observer = Observer(ObserverSettings(addresses), already_open(store))
    view = StoreView(store_kind, f"{store_kind}://x", not is_store_away, "gone" if is_store_away else "", 0.001)
    counts = [TopicCount(topic, count) for topic, count in (topics or {}).items()]
    found = Found(view, None if is_store_away else store, tuple(workers), counts)
    answers = [_answer(address, told, (versions or {}).get(address, "1.1.20")) for address, told in servers.items()]
    survey = Survey(found, answers, {}, Shares({}, dict(strangers or {})))
    return Site(observer, survey, observer.picture(survey), StoreSettings(f"{store_kind}://x:1"), **more)


def _answer(address: str, told: dict[bytes, Load] | str, version: str) -> Answer:
    if isinstance(told, str):
        return Answer(address, 0.0, told)
    return Answer(address, 0.0, "", 0.01, version, len(told), told)


async def findings_of(check: Any, of: Site) -> tuple[Finding, ...]:
    notes = Notes(of.places)
    await check(of, notes)
    return notes.findings


async def found(check: Any, of: Site) -> list[str]:
    """The codes."""
    return [finding.code for finding in await findings_of(check, of)]
