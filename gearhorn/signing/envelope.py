"""The envelope of a signed job: JSON bytes in, and what they say; the other way round for those who sign.

    {"signed": "<the body proper, as text>", "key": "<key id>", "hmac": "<64 hexadecimal digits>"}

The HMAC-SHA256 is that of the text's UTF-8 bytes as they are: nobody has to agree on a canonical form, and nothing in
the body is left out of it. Nothing outside the text counts, so that an envelope with anything else in it is refused.
See doc/signing.md, which is written for those who sign in other languages. No clock, chance or file enters.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from gearhorn.errors import BadRequest

# What a signed body says that it is for, in its key `job`.
FANOUT, SUBSCRIBE, UNSUBSCRIBE = "fanout", "subscribe", "unsubscribe"
JOBS = (FANOUT, SUBSCRIBE, UNSUBSCRIBE)

KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

# A nonce of sixteen random characters comes twice among billions of jobs at the earliest, and only a few minutes count.
NONCE = re.compile(r"[!-~]{16,64}")

_HMAC = re.compile(r"[0-9a-f]{64}")

# No JSON text has these bytes inside of a string, where a quotation mark has a backslash before it.
_MARK = b'"signed"'

# The keys and what stands between them. Where there is more than that a key comes twice.
_AROUND_BYTES = 1000


class Envelope(NamedTuple):
    """Read, and not believed yet: see `is_by`."""

    signed: bytes
    key_id: str
    hmac: str

    def is_by(self, secret: bytes) -> bool:
        """Whether who wrote this has the secret. Takes as long for a wrong signature as for the right one."""
        return hmac.compare_digest(_hmac_of(self.signed, secret), self.hmac)


class Claims(msgspec.Struct, frozen=True):
    """What a signed body has more than others. `time` is Unix time in seconds."""

    job: str
    time: float
    nonce: str


def seal(body: bytes, key_id: str, secret: bytes, claims: Claims) -> bytes:
    """The signed job with what `body`, a JSON object with something in it, asks for."""
    text = body.decode().rstrip().removesuffix("}") + "," + msgspec.json.encode(claims).decode().removeprefix("{")
    envelope = {"signed": text, "key": key_id, "hmac": _hmac_of(text.encode(), secret)}
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()


def find_envelope(body: bytes) -> Envelope | None:
    """None where `body` is none, also when it is nothing that can be read. Raises BadRequest for a wrong one."""
    if _MARK not in body:
        return None
    texts = _top_level(body)
    if "signed" not in texts:
        return None
    is_more = len(body) > sum(map(len, texts.values())) + _AROUND_BYTES
    if is_more or sorted(texts) != ["hmac", "key", "signed"]:
        raise _not_an_envelope()
    for key, text in texts.items():
        if not text.startswith(b'"'):
            raise BadRequest(key, "must be a string")
    try:
        pairs = json.loads(body.decode(), object_pairs_hook=tuple)
    except (ValueError, RecursionError):  # a string in it is none: whoever reads the body will say so
        return None
    if len(pairs) != len(texts):
        raise _not_an_envelope()
    return _envelope(**dict(pairs))


def read_claims(signed: bytes, job: str) -> Claims:
    """Raises BadRequest for what is missing or wrong in a body that is signed, or is for another job than `job`."""
    try:
        claims = _decode_claims(signed)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadRequest("signed", f"is no body with job, time and nonce: {error}") from None
    if _MARK in signed and "signed" in _top_level(signed):
        raise BadRequest("signed", "has a signed job inside")
    if claims.job != job:
        raise BadRequest("job", f"the signature is for {_shown(claims.job)}, not for {job!r}")
    if not NONCE.fullmatch(claims.nonce):
        raise BadRequest("nonce", "must be 16 to 64 characters of printable ASCII without spaces")
    return claims


_decode_claims = msgspec.json.Decoder(Claims).decode


def _envelope(signed: str, key: str, hmac: str) -> Envelope:
    if not KEY_ID.fullmatch(key):
        raise BadRequest("key", "is no key id: 1 to 64 of A-Z, a-z, 0-9, dot, dash and underscore")
    if not _HMAC.fullmatch(hmac):
        raise BadRequest("hmac", "must be 64 hexadecimal digits, small letters")
    try:
        return Envelope(signed.encode(), key, hmac)
    except UnicodeEncodeError:
        raise BadRequest("signed", "has half of a surrogate pair, which is no character") from None


def _top_level(body: bytes) -> Mapping[str, bytes]:
    """The keys of a JSON object, and the text of each value, the last one of a repeated key; nothing of anything else.

    Values are not looked into: who need not prove anything must not be able to have millions of objects made.
    """
    try:
        return {key: bytes(raw) for key, raw in _decode_texts(body).items()}
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}


_decode_texts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _not_an_envelope() -> BadRequest:
    return BadRequest("signed", "a signed job has the keys signed, key and hmac, each once, and no others")


def _hmac_of(signed: bytes, secret: bytes) -> str:
    return hmac.new(secret, signed, hashlib.sha256).hexdigest()


def _shown(text: str) -> str:
    return repr(text) if text in JOBS else "something else"
