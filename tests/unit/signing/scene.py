"""Handlers with a guard, over a store in memory, and several who sign. Time is the test's."""

import asyncio
import hashlib
import hmac
import itertools
import json
import os
from pathlib import Path
from typing import Any

from gearhorn.handlers import Handlers, HandlerSettings
from gearhorn.metrics import Counters
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.net.dispatch import Dispatch
from gearhorn.patience import Patience, PatienceSettings
from gearhorn.resuming.ledger import Ledger, ResumingSettings
from gearhorn.signing.guard import Guard, SigningSettings
from gearhorn.store.base import Store
from gearhorn.subscribers.pauses import Pauses
from gearhorn.wire.worker_events import Assigned
from tests.unit.directories import directory_of

NOW_S = 1_000_000.0
MAX_AGE_S = 300.0

WEB, HOST, ADMIN = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
SECRETS = {"web": WEB, "host": HOST, "admin": ADMIN}

KEYS = f"""
[web]
secret = "{WEB.hex()}"
publish = ["news", "news.*"]

[host]
secret = "{HOST.hex()}"
subscribe = ["news"]
unsubscribe = ["news"]
client_ids = ["host-?"]

[admin]
secret = "{ADMIN.hex()}"
publish = ["*"]
subscribe = ["*"]
unsubscribe = ["*"]
"""

# Of all servers, so that two jobs have the same one only where a test wants it.
_handles = itertools.count(1000)

Ending = tuple[str, bytes]


class Job:
    """Stands in for a held job: remembers its endings."""

    def __init__(
        self,
        queue: str,
        payload: bytes,
        handle: bytes,
        port: int = 4730,
        *,
        unique: bytes = b"",
        requeues: bool = True,
        is_held: bool = True,
    ) -> None:
        self.assigned = Assigned(handle, queue.encode(), unique, payload)
        self.address = Address("lap", port)
        self.requeues = requeues
        self.mark = b""
        self.endings: list[Ending] = []
        self.ended = asyncio.Event()
        self.is_held = is_held

    def complete(self, data: bytes = b"") -> None:
        self._end("complete", data)

    def refuse(self, text: bytes) -> None:
        self._end("refused", text)

    def send_status(self, done_count: int, total_count: int) -> None: ...

    def weigh(self, weight_bytes: int) -> None: ...

    def _end(self, how: str, data: bytes) -> None:
        self.endings.append((how, data))
        self.ended.set()


class Scene:
    """A worker. Several may share a store. `now_s` is what its clock says."""

    def __init__(self, store: Store, keys_file: Path, **settings: Any) -> None:
        self.store = store
        self.now_s = NOW_S
        self.directory = directory_of(store, PatienceSettings(retry_timeout_s=0.0))
        dispatch = Dispatch([], LinkSettings(), "test", retry_timeout_s=0.0)
        signing = SigningSettings(str(keys_file), settings.pop("required_topics", ("*",)), MAX_AGE_S, **settings)
        patience = Patience(PatienceSettings(retry_timeout_s=0.0))
        self.guard = Guard(signing, store, patience, 5.0, lambda: self.now_s)
        ledger = Ledger(ResumingSettings(), store, LinkSettings(), dispatch.go_on)
        self.handlers = Handlers(
            HandlerSettings(),
            self.directory,
            dispatch,
            ledger,
            lambda: self.now_s,
            Pauses(),
            Counters(),
            self.guard,
        )

    async def do(self, queue: str, payload: bytes, handle: bytes = b"", port: int = 4730, **more: Any) -> Ending:
        job = Job(queue, payload, handle or b"H:lap:%d" % next(_handles), port, **more)
        self.handlers.take(job)  # type: ignore[arg-type]
        await job.ended.wait()
        for _ in range(20):  # the ending is noted, and whoever would end it twice has the time to
            await asyncio.sleep(0)
        (ending,) = job.endings
        return ending

    async def refusal(self, queue: str, payload: bytes, **job: Any) -> str:
        how, text = await self.do(queue, payload, **job)
        assert how == "refused", text
        return text.decode()

    async def subscribers(self, topic: str) -> list[str]:
        return sorted(each.client_id for each in await self.store.subscriptions(topic))

    async def close(self) -> None:
        await self.handlers.close()
        await self.directory.close()


async def cut_short(scene: Scene, body: bytes, handle: bytes, queue: str = "fanout", **more: Any) -> None:
    """As if the worker died as soon as it had begun the job."""
    job = Job(queue, body, handle, **more)
    scene.handlers.take(job)  # type: ignore[arg-type]
    for _ in range(100):
        await asyncio.sleep(0)
    await scene.close()
    assert job.endings == []


class Stuck:
    """A store in which no list is ever read, so that what has begun does not end."""

    def __init__(self, store: object) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def read(self, topics: object) -> None:
        await asyncio.Event().wait()

    read_short = apply = read


class Keeping:
    """A store in which nothing is dropped: as if whoever would drop it had died."""

    def __init__(self, store: object) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def drop_record(self, *_: object) -> None: ...


def write_keys(path: Path, text: str = KEYS) -> Path:
    path.write_text(text)
    os.chmod(path, 0o600)
    return path


_count = itertools.count()


def signed(job: str, key_id: str, secret: bytes = b"", /, **fields: Any) -> bytes:
    """With a fresh nonce and the time of the scene, unless told otherwise. Keys that are None are left out."""
    claims = {"job": job, "time": NOW_S, "nonce": f"nonce-{next(_count):016}"}
    body = {"topic": "news", **({"payload": "hello"} if job == "fanout" else {"client_id": "host-1"}), **claims}
    text = json.dumps({key: value for key, value in {**body, **fields}.items() if value is not None})
    return wrap(text, key_id, secret or SECRETS[key_id])


def wrap(text: str, key_id: str, secret: bytes) -> bytes:
    return Envelope(text, key_id, secret).encode()


class Envelope(dict[str, Any]):
    def __init__(self, text: str, key_id: str, secret: bytes) -> None:
        digest = hmac.new(secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        super().__init__(signed=text, key=key_id, hmac=digest)

    def encode(self) -> bytes:
        return json.dumps(self).encode()
