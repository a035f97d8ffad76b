"""Signed bodies, well and badly: by keys that may and may not, for this job and others, changed after the signing."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random

from gearhorn.signing.envelope import JOBS, Claims, seal
from tests.fuzz.bodies import Bodies

SECRETS = {"web": bytes(range(32)), "host": bytes(range(32, 64)), "old": bytes(range(64, 96))}

KEYS = f"""
[web]
secret = "{SECRETS["web"].hex()}"
publish = ["news", "memos"]

[host]
secret = "{SECRETS["host"].hex()}"
subscribe = ["*"]
unsubscribe = ["news"]
client_ids = ["a*", "b*"]

[old]
secret = "{SECRETS["old"].hex()}"
publish = ["*"]
not_after = 1970-01-02T00:00:00Z
"""

_TIMES = [0.0, 0.0, 0.0, 0.0, -100.0, 100.0, -1e4, 1e4, 1e300]


def write_keys(folder: Path) -> Path:
    path = folder / "keys.toml"
    path.write_text(KEYS)
    path.chmod(0o600)
    return path


class SignedBodies:
    """Signs most of the bodies of the same seed that can be signed. `now_s` is the time of the service."""

    def __init__(self, seed: int, now_s: float) -> None:
        self._random = Random(seed)
        self._plain = iter(Bodies(seed))
        self._now_s = now_s
        self._numbers = count()
        self._last = b"{}"

    def __iter__(self) -> Iterator[bytes]:
        random, choose = self._random.random, self._random.choice
        for body in self._plain:
            if random() < 0.1:
                yield body
            elif random() < 0.05:
                yield self._last  # once more
            else:
                self._last = self._rightly_signed() if random() < 0.4 else self._signed(body)
                yield self._last if random() < 0.7 else self._tampered(self._last)
            if random() < 0.001:
                yield b'{"signed":' + choose([b"[" * 5000, b"{}" * 9, b'"\\ud800"', b"1"]) + b"}"

    def _rightly_signed(self) -> bytes:
        """What is served in the right queue."""
        key_id, job = self._random.choice([("web", "fanout"), ("web", "fanout"), ("host", "subscribe")])
        names = {"topic": "news", "client_id": self._random.choice(["ann", "bob", "cy"]), "payload": "x"}
        claims = Claims(job, self._now_s, f"nonce-{next(self._numbers):016}")
        return seal(json.dumps(names).encode(), key_id, SECRETS[key_id], claims)

    def _signed(self, body: bytes) -> bytes:
        key_id = self._random.choice(list(SECRETS))
        secret = SECRETS[key_id] if self._random.random() < 0.9 else b"wrong" * 8
        nonce = f"nonce-{next(self._numbers):016}" if self._random.random() < 0.95 else "short"
        claims = Claims(self._random.choice(JOBS), self._now_s + self._random.choice(_TIMES), nonce)
        try:
            return seal(body, key_id, secret, claims)
        except UnicodeDecodeError:
            return seal(b'{"topic":"news","payload":"x"}', key_id, secret, claims)

    def _tampered(self, body: bytes) -> bytes:
        at = int(self._random.random() * len(body))
        changed = self._random.choice([b"", b'"', b"\\", b"a", b"\xff", b",", b"[[", b',"signed":"x"'])
        return body[:at] + changed + body[at + 1 :]
