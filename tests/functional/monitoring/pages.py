"""Reads the pages of a worker as a monitoring system does."""

import json
import re
import urllib.error
import urllib.request
from collections import Counter
from typing import Any, NamedTuple

from gearhorn.metrics.exposition import series
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.process import wait_until

PAGES = "[metrics]\nlisten = 127.0.0.1:0\n"

LIMIT_S = 20.0

_URL = re.compile(r"pages\.open: .*? (http://\S+)/metrics")

Key = tuple[str, ...]


class Got(NamedTuple):
    status: int
    content_type: str
    text: str


def url_of(worker: GearhornWorker) -> str:
    """Where the worker's pages are since its last start. They may be there a moment after it is ready."""
    found: list[str] = []

    def is_told() -> bool:
        found[:] = _URL.findall(worker.new_log)
        return bool(found)

    wait_until(is_told, "the worker to say where its pages are", LIMIT_S)
    return found[-1]


def get(worker: GearhornWorker, path: str, accept: str = "*/*") -> Got:
    request = urllib.request.Request(url_of(worker) + path, headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            return Got(answer.status, answer.headers["Content-Type"], answer.read().decode())
    except urllib.error.HTTPError as answer:
        with answer:
            return Got(answer.code, answer.headers["Content-Type"], answer.read().decode())


def metrics(worker: GearhornWorker) -> dict[str, dict[Key, float]]:
    """By name, and then by the values of its labels in the order of their names."""
    found: dict[str, dict[Key, float]] = {}
    for name, labels, value in series(get(worker, "/metrics").text):
        found.setdefault(name, {})[tuple(labels[label] for label in sorted(labels))] = value
    return found


def counted(found: dict[Key, float]) -> Counter[Key]:
    """Without what never happened."""
    return Counter({labels: int(value) for labels, value in found.items() if value})


def down(worker: GearhornWorker) -> dict[str, str]:
    """Parts that are down, and why."""
    return {one["part"]: one["reason"] for one in json.loads(get(worker, "/readyz").text)["down"]}


def readiness(worker: GearhornWorker) -> tuple[int, Any]:
    answer = get(worker, "/readyz")
    return answer.status, json.loads(answer.text)["status"]
