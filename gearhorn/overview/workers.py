"""Workers as their leases tell of them. Nothing that a worker of another version wrote is taken on trust."""

import math
from collections.abc import Mapping
from typing import Any, TypeVar

from gearhorn.overview.views import HELD, RAN_OUT, REVOKED, Reading, WorkerView
from gearhorn.process_marks import is_alive
from gearhorn.store.leases import Lease, read_info

Kind = TypeVar("Kind")


def view_worker(lease: Lease) -> WorkerView:
    told = read_info(lease)
    return WorkerView(
        worker_id=lease.key.worker_id,
        state=_state(lease),
        lease_left_s=lease.left_s,
        since_s=_number(told.get("since")),
        version=_told(told.get("version"), str),
        address=_told(told.get("address"), str),
        servers=tuple(map(str, _told(told.get("servers"), list) or ())),
        topics_count=_told(told.get("topics"), int),
        subscribers_count=_told(told.get("subscribers"), int),
        lease_ttl_s=_number(told.get("lease_ttl")),
        reading=_reading(told),
        earlier=_reading(_told(told.get("earlier"), dict) or {}),
        local_pid=_local_pid(_told(told.get("process"), dict) or {}),
    )


def _state(lease: Lease) -> str:
    if lease.left_s <= 0:
        return RAN_OUT
    return REVOKED if lease.is_revoked else HELD


def _reading(told: Mapping[str, Any]) -> Reading | None:
    at_s, counters = _number(told.get("at")), _told(told.get("counters"), dict)
    if counters is None:
        return None
    counts = {str(name): count for name, count in counters.items() if type(count) is int}
    return Reading(math.nan if at_s is None else at_s, counts)


def _local_pid(mark: Mapping[str, Any]) -> int | None:
    return int(str(mark["pid"])) if is_alive({str(key): str(value) for key, value in mark.items()}) else None


def _told(value: object, kind: type[Kind]) -> Kind | None:
    return value if isinstance(value, kind) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
