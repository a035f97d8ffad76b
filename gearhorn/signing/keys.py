"""Keys: their secrets, and what they may do. Read from the text of a keys file, which has a TOML table for each."""

import base64
import binascii
import datetime
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gearhorn.errors import Misconfigured
from gearhorn.signing.envelope import FANOUT, KEY_ID, SUBSCRIBE, UNSUBSCRIBE
from gearhorn.signing.patterns import Patterns

# Shorter ones can be found by trying.
SECRET_LEAST_BYTES = 16

# What a key needs for each job; the words are those of the keys file.
RIGHTS = {FANOUT: "publish", SUBSCRIBE: "subscribe", UNSUBSCRIBE: "unsubscribe"}

_WORDS = ("secret", "secret_file", *RIGHTS.values(), "client_ids", "not_before", "not_after")

_HEX = re.compile(r"([0-9A-Fa-f]{2})+")


@dataclass(frozen=True, slots=True)
class Key:
    """`rights` has patterns of topics for each right. Times are Unix time in seconds, None: no limit."""

    key_id: str
    secret: bytes = field(repr=False)
    rights: dict[str, Patterns]
    client_ids: Patterns
    not_before_s: float | None = None
    not_after_s: float | None = None

    def may(self, job: str, topic: str) -> bool:
        return self.rights[RIGHTS[job]].fit(topic)

    def may_name(self, client_id: str) -> bool:
        """Whether it may change this client's subscriptions, as far as that goes by client ids."""
        return self.client_ids.fit(client_id)


Keys = dict[str, Key]


def parse_keys(text: str, read_secret: Callable[[str], str]) -> Keys:
    """`read_secret` is called with the name of each secret file, for its text. Raises Misconfigured, in one line that
    names the key, without anything secret.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"is not TOML: {error}") from None
    keys = [_key(key_id, table, read_secret) for key_id, table in tables.items()]
    _refuse_twins(keys)
    return {key.key_id: key for key in keys}


def decode_secret(text: str) -> bytes:
    """From hexadecimal digits, else from base64. Raises Misconfigured, and does not say what it was."""
    text = text.strip()
    try:
        secret = bytes.fromhex(text) if _HEX.fullmatch(text) else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Misconfigured("the secret is neither hexadecimal nor base64") from None
    if len(secret) < SECRET_LEAST_BYTES:
        raise Misconfigured(f"the secret has {len(secret)} bytes, less than {SECRET_LEAST_BYTES}")
    return secret


def _refuse_twins(keys: list[Key]) -> None:
    """The signature does not cover the key id: with the same secret one key could be taken for another."""
    owners: dict[bytes, str] = {}
    for key in keys:
        other = owners.setdefault(key.secret, key.key_id)
        if other != key.key_id:
            raise Misconfigured(f"keys {other!r} and {key.key_id!r} have the same secret")


def _key(key_id: str, table: Any, read_secret: Callable[[str], str]) -> Key:
    if not KEY_ID.fullmatch(key_id):
        raise Misconfigured(f"{key_id!r} is no key id: 1 to 64 of A-Z, a-z, 0-9, dot, dash and underscore")
    try:
        return _checked_key(key_id, table, read_secret)
    except Misconfigured as error:
        raise Misconfigured(f"key {key_id!r}: {error}") from None


def _checked_key(key_id: str, table: Any, read_secret: Callable[[str], str]) -> Key:
    if not isinstance(table, dict):
        raise Misconfigured(f"is no table: write [{key_id}] on a line of its own")
    for word in table:
        if word not in _WORDS:
            raise Misconfigured(f"{word!r} means nothing; what does is {', '.join(_WORDS)}")
    return Key(
        key_id,
        _secret(table, read_secret),
        {right: _patterns(right, table.get(right, [])) for right in RIGHTS.values()},
        _patterns("client_ids", table.get("client_ids", ["*"])),
        _time("not_before", table),
        _time("not_after", table),
    )


def _secret(table: dict[str, Any], read_secret: Callable[[str], str]) -> bytes:
    given = [word for word in ("secret", "secret_file") if word in table]
    if len(given) != 1:
        raise Misconfigured("needs either secret or secret_file")
    value = table[given[0]]
    if not isinstance(value, str):
        raise Misconfigured(f"{given[0]} is no string")
    return decode_secret(value if given[0] == "secret" else read_secret(value))


def _patterns(word: str, value: Any) -> Patterns:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Misconfigured(f"{word} is no list of patterns")
    return Patterns(value)


def _time(word: str, table: dict[str, Any]) -> float | None:
    value = table.get(word)
    if value is None:
        return None
    if not isinstance(value, datetime.datetime) or value.tzinfo is None:
        raise Misconfigured(f"{word} is no time with its zone, such as 2026-01-31T12:00:00Z")
    return value.timestamp()
