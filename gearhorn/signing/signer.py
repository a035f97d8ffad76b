"""Who signs: a key's id and secret, a clock and chance."""

import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

from gearhorn.errors import Misconfigured
from gearhorn.signing.envelope import KEY_ID, Claims, seal
from gearhorn.signing.key_file import KeyFile
from gearhorn.signing.keys import decode_secret

# 128 bits in 22 characters.
NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs as `key_id`. `secret` is hexadecimal or base64, as in a keys file. Raises Misconfigured if it is neither.

    `now_s` is Unix time in seconds.
    """

    key_id: str
    secret: str = field(repr=False)
    now_s: Callable[[], float] = field(default=time.time, repr=False)
    _secret: bytes = field(default=b"", init=False, repr=False)

    def __post_init__(self) -> None:
        if not KEY_ID.fullmatch(self.key_id):
            raise Misconfigured(f"{self.key_id!r} is no key id")
        object.__setattr__(self, "_secret", decode_secret(self.secret))

    @classmethod
    def from_file(cls, key_id: str, path: str, environ: Mapping[str, str] = os.environ) -> Self:
        """With the secret that the keys file at `path` has for `key_id`. Raises Misconfigured."""
        key = KeyFile(path, environ.get("CREDENTIALS_DIRECTORY", "")).keys().get(key_id)
        if key is None:
            raise Misconfigured(f"the keys file {path} has no key {key_id!r}")
        return cls(key_id, key.secret.hex())

    def sign(self, job: str, body: bytes) -> bytes:
        """`body` for the job `job` (see envelope.py), signed now. Each result is good for one job: sign again to send
        again.
        """
        return seal(body, self.key_id, self._secret, Claims(job, self.now_s(), secrets.token_urlsafe(NONCE_BYTES)))
