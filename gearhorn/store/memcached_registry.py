"""The leases of all workers as one value in memcached, and its changes. Pure: no network, no clock, no chance.

Times are those of the memcached process that holds the value, in µs; see `ServerClock`.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

from gearhorn.store.leases import Lease, LeaseKey
from gearhorn.store.versions import MICROSECONDS_PER_S

_HEAD = b"gearhorn leases\n"  # JSON follows

LOST_REMEMBERED = 8

Kind = TypeVar("Kind", "Record", "Registry")


@dataclass(frozen=True, slots=True)
class Record:
    """One lease. `is_over`: somebody has gone by it that it ran out, and for that reason it is not renewed any more.

    `handed_out_us`: when a renewal was told last that it ran out; 0: none was.
    """

    token: str
    runs_out_us: int
    info: str
    is_revoked: bool = False
    is_over: bool = False
    handed_out_us: int = 0

    def lasts(self, now_us: int) -> bool:
        return self.runs_out_us > now_us


@dataclass(frozen=True, slots=True)
class Registry:
    """`records` by worker id. A change that is none returns the registry itself; a lease that is put there is one.

    `incarnation` is new whenever leases may have been lost, and `lost` names those before it, as far as is known.
    `held_until_us`: until then lost leases may last. `longest_ttl_us`: of all leases there were.
    """

    incarnation: str
    process: str
    held_until_us: int = 0
    longest_ttl_us: int = 0
    lost: tuple[str, ...] = ()
    records: Mapping[str, Record] = field(default_factory=dict)

    def find(self, key: LeaseKey) -> Record | None:
        record = self.records.get(key.worker_id)
        return record if record is not None and record.token == key.token else None

    def can_renew(self, key: LeaseKey, now_us: int) -> bool:
        record = self.find(key)
        return record is not None and record.lasts(now_us) and not (record.is_revoked or record.is_over)

    def lease(self, worker_id: str, now_us: int) -> Lease:
        record = self.records[worker_id]
        left_s = (record.runs_out_us - now_us) / MICROSECONDS_PER_S
        return Lease(LeaseKey(worker_id, record.token), left_s, record.is_revoked, record.info)

    def leases(self, now_us: int) -> list[Lease]:
        """All, by worker id."""
        return [self.lease(worker_id, now_us) for worker_id in sorted(self.records)]

    def put(self, worker_id: str, record: Record, ttl_us: int) -> "Registry":
        longest_ttl_us = max(self.longest_ttl_us, ttl_us)
        return replace(self, longest_ttl_us=longest_ttl_us, records={**self.records, worker_id: record})

    def remove(self, key: LeaseKey) -> "Registry":
        if self.find(key) is None:
            return self
        return replace(self, records={name: record for name, record in self.records.items() if name != key.worker_id})

    def revoke(self, keys: Iterable[LeaseKey], now_us: int) -> "Registry":
        """Keeps these from being renewed, and with them whatever has run out."""
        revoked = {key.worker_id: replace(record, is_revoked=True) for key in keys if (record := self.find(key))}
        lasting = {worker_id: record for worker_id, record in revoked.items() if record.lasts(now_us)}
        return self._with({**self.records, **lasting}).pass_over(now_us)

    def pass_over(self, now_us: int) -> "Registry":
        """What has run out is over for good: who goes by that must not be belied by a renewal that is under way."""
        return self._with(
            {
                worker_id: record if record.lasts(now_us) else replace(record, is_over=True)
                for worker_id, record in self.records.items()
            }
        )

    def hand_out(self, now_us: int, ttl_us: int) -> "Registry":
        """Notes that somebody is told of leases that ran out, save those that another was told of within the ttl."""
        records = {
            worker_id: replace(record, handed_out_us=now_us) if _is_left(record, now_us, ttl_us) else record
            for worker_id, record in self.records.items()
        }
        return replace(self, records=records)

    def handed_out(self, before: "Registry") -> set[LeaseKey]:
        """What the registry before this one had not handed out yet."""
        return {
            LeaseKey(worker_id, record.token)
            for worker_id, record in self.records.items()
            if worker_id in before.records and record.handed_out_us != before.records[worker_id].handed_out_us
        }

    def _with(self, records: Mapping[str, Record]) -> "Registry":
        return self if records == self.records else replace(self, records=records)

    def is_taken(self, key: LeaseKey, now_us: int, replaceable: Collection[str]) -> bool:
        """Whether another lease is in the way of this one."""
        record = self.records.get(key.worker_id)
        return record is not None and record.lasts(now_us) and record.token not in replaceable

    def succeed(self, lost: Iterable[str], held_until_us: int, longest_ttl_us: int) -> "Registry":
        """The same after the loss of these incarnations, itself not among them."""
        known = [one for one in dict.fromkeys([*self.lost, *lost]) if one != self.incarnation]
        return replace(
            self,
            lost=tuple(known[-LOST_REMEMBERED:]),
            held_until_us=max(self.held_until_us, held_until_us),
            longest_ttl_us=max(self.longest_ttl_us, longest_ttl_us),
        )


def encode_registry(registry: Registry) -> bytes:
    return _HEAD + json.dumps(asdict(registry), separators=(",", ":")).encode()


def decode_registry(data: bytes) -> Registry:
    """Raises ValueError for what `encode_registry` did not write. Passes over what later releases may add."""
    if not data.startswith(_HEAD):
        raise ValueError("no registry of leases")
    try:
        values = json.loads(data[len(_HEAD) :])
        records = {worker_id: _pick(Record, record) for worker_id, record in values["records"].items()}
        return replace(_pick(Registry, values), lost=tuple(values["lost"]), records=records)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"no registry of leases: {error!r}") from error


def _pick(kind: type[Kind], values: Mapping[str, Any]) -> Kind:
    return kind(**{one.name: values[one.name] for one in fields(kind) if one.name in values})


def _is_left(record: Record, now_us: int, ttl_us: int) -> bool:
    """Whether it ran out and nobody is at it."""
    return not record.lasts(now_us) and (record.handed_out_us == 0 or now_us - record.handed_out_us >= ttl_us)
