"""A server, two workers that require signatures everywhere, and clients that sign without a line of gearhorn's."""

import contextlib
import hmac
import json
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tests.functional.contract.clients import Answer, Client, Receiver
from tests.functional.facts.raw import Kind
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import GearmanServer
from tests.servers.stores import Redis

SECRETS = {name: hmac.new(b"tests", name.encode(), "sha256").hexdigest() for name in ("web", "host-1", "admin", "next")}

KEYS = f"""
[web]
secret = "{SECRETS["web"]}"
publish = ["news"]

[host-1]
secret_file = "host-1.secret"
subscribe = ["news"]
unsubscribe = ["news"]
client_ids = ["host-1"]

[admin]
secret = "{SECRETS["admin"]}"
publish = ["*"]
subscribe = ["*"]
unsubscribe = ["*"]
"""

QUEUES = {"fanout": "fanout", "subscribe": "subscribe_fanout", "unsubscribe": "unsubscribe_fanout"}


def signed(job: str, key: str, /, secret: str = "", **body: Any) -> dict[str, str]:
    body = {"job": job, "time": time.time(), "nonce": secrets.token_hex(16), "topic": "news", **body}
    text = json.dumps(body)
    digest = hmac.new(bytes.fromhex(secret or SECRETS[key]), text.encode(), "sha256").hexdigest()
    return {"signed": text, "key": key, "hmac": digest}


class Scene:
    """`prepare` is called with the store's URL before the workers start."""

    def __init__(
        self,
        folder: Path,
        server: GearmanServer,
        settings: str = "required_topics = *",
        prepare: Callable[[str], None] = lambda store_url: None,
    ) -> None:
        self.server = server
        self._prepare = prepare
        self.keys_file = folder / "keys.toml"
        self.write_keys(KEYS)
        (folder / "host-1.secret").write_text(SECRETS["host-1"] + "\n")
        (folder / "host-1.secret").chmod(0o600)
        # not SQLite: a worker that is stopped in the middle of a change would have its file locked
        self._redis = Redis(folder / "redis")
        self._stack = ExitStack()
        self.workers = [self._worker(folder, number, settings) for number in range(2)]

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._redis)
            self._prepare(self.store_url)
            for worker in self.workers:
                stack.enter_context(worker)
            self.client = Client(self.server)
            stack.callback(self.client.close)
            self.receiver = Receiver(self.server)
            stack.callback(self.receiver.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.__exit__(None, None, None)

    def _worker(self, folder: Path, number: int, settings: str) -> GearhornWorker:
        own = folder / f"worker{number}"
        own.mkdir()
        (own / "gearhorn.conf").write_text(f"[signing]\nkeys_file = {self.keys_file}\n{settings}\n")
        return GearhornWorker([self.server.address], self.store_url, own)

    @property
    def store_url(self) -> str:
        return f"redis://{self._redis.address}"

    @property
    def log(self) -> str:
        return "".join(worker.log for worker in self.workers)

    def write_keys(self, text: str) -> None:
        new = self.keys_file.with_suffix(".new")
        new.write_text(text)
        new.chmod(0o600)
        new.rename(self.keys_file)

    def ask(self, job: str, body: dict[str, Any] | bytes) -> Answer:
        return self.client.request(QUEUES[job], body)

    def do(self, job: str, key: str, **body: Any) -> str:
        """The answer to what is signed as it should be."""
        answer = self.ask(job, signed(job, key, **body))
        assert answer.kind == Kind.WORK_COMPLETE, answer
        return answer.data.decode()

    def refusal(self, job: str, body: dict[str, Any] | bytes) -> str:
        answer = self.ask(job, body)
        assert answer.kind == Kind.WORK_EXCEPTION, answer
        return answer.data.decode()

    @contextlib.contextmanager
    def on_worker(self, number: int) -> Iterator[None]:
        """Within the block the other worker takes no jobs.

        A job wakes both. What the other one asked the server for before it was stopped could still bring it a job,
        which would wait there: it is stopped anew until jobs get their answers.
        """
        other = self.workers[1 - number]
        while True:
            other.signal(signal.SIGSTOP)
            if all(self._is_answered() for _ in range(3)):
                break
            other.signal(signal.SIGCONT)
        yield
        other.signal(signal.SIGCONT)

    def _is_answered(self) -> bool:
        handle = self.client.start("fanout", {"topic": "news", "payload": "unsigned"})
        deadline_s = time.monotonic() + 2.0
        while not self.client.has_ended(handle) and time.monotonic() < deadline_s:
            self.client.catch_up()
        return self.client.has_ended(handle)

    def delivered(self, topic: str, client_id: str) -> list[bytes]:
        """What is queued for a subscriber, and takes it."""
        self.receiver.can_do(f"{topic}_{client_id}".encode())
        jobs = self.receiver.take_all()
        for job in jobs:
            self.receiver.report(job, Kind.WORK_COMPLETE, b"")
        return [job.payload for job in jobs]
