"""Translates what redis-py raises, in one table."""

import os
import re
import ssl

import redis.exceptions as theirs
from redis.asyncio.sentinel import MasterNotFoundError

from gearhorn.errors import GearhornError, Misconfigured, StoreUnavailable

# What a server says that only the operator can mend. Every other error answer passes: the server is loading, full, a
# replica without its master, busy with a script, cannot save. The words stand at the beginning of an answer, or, when
# Redis before 7 quotes what a script met, somewhere in it.
_OPERATORS = {
    # "unauthenticated" is what Redis says instead of NOAUTH of a command with more than ten words.
    r"WRONGPASS|NOAUTH|invalid password|unauthenticated|without any password": "refuses the user or password",
    r"NOPERM|can't run this command|can't access at least one": "does not permit what gearhorn needs",
    r"MOVED|CROSSSLOT": "is a Redis Cluster, which cannot hold the lists: use one master, with replicas if need be",
    r"WRONGTYPE": "holds something else under the keys of the lists: choose another prefix",
    r"unknown command": "lacks a command: gearhorn needs Redis 5 or newer",
    r"DB index|Invalid Database": "has no database of that number",
}

_AUTHENTICATION = (
    theirs.AuthenticationError,
    theirs.AuthorizationError,
    theirs.AuthenticationWrongNumberOfArgsError,
)

# TLS errors that waiting does not mend, by OpenSSL's name: no trust in either direction, or no TLS on the other side.
_TLS_REASONS = re.compile("CERTIFICATE|WRONG_VERSION|UNSUPPORTED_PROTOCOL|ALERT_(HANDSHAKE|UNKNOWN_CA|ACCESS|PROTOCOL)")

# How redis-py tells that it could not connect. Names that cannot be looked up have negative numbers.
_SYSTEM_ERRORS = re.compile(r"^Error (\d+) connecting to |\[Errno (\d+)\] Connect call failed")
_CONNECTING = re.compile(r"^Error -\d+ connecting to \S+ ")


def translate(error: Exception, store: str) -> GearhornError:
    """The exception of ours for one of redis-py's. `store` is what the message calls the store."""
    tls = _find_tls_error(error)
    reason = getattr(tls, "reason", None) or ""
    if _TLS_REASONS.search(reason):
        explained = tls.verify_message if isinstance(tls, ssl.SSLCertVerificationError) else reason.replace("_", " ")
        return Misconfigured(f"{store}: no TLS connection: {explained}")
    if isinstance(error, MasterNotFoundError):
        return _explain_sentinels(error, store)
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    for words, meaning in _OPERATORS.items():
        if isinstance(error, theirs.RedisError) and re.search(words, _in_full(error, said)):
            return Misconfigured(f"{store} {meaning}: {said}")
    if isinstance(error, _AUTHENTICATION):
        return Misconfigured(f"{store} refuses the user or password: {said}")
    return StoreUnavailable(f"{store}: {_plain(said)}")


def _plain(said: str) -> str:
    """The system's words for a connection that could not be made: the address, which redis-py adds, is told already."""
    numbers = {int(first or more) for first, more in _SYSTEM_ERRORS.findall(said)}
    if numbers:
        return ", ".join(map(os.strerror, sorted(numbers)))
    return _CONNECTING.sub("", said)


def _explain_sentinels(error: MasterNotFoundError, store: str) -> GearhornError:
    """Its text is not passed on: redis-py tells in it how it asked the sentinels, older releases with the password."""
    if "AuthenticationError" in str(error):
        return Misconfigured(f"{store}: a sentinel refuses the user or password for sentinels")
    return StoreUnavailable(f"{store}: no sentinel answers that knows it and takes it to be up")


def _in_full(error: theirs.RedisError, said: str) -> str:
    """redis-py takes the code off the answers that it has an exception for; its class tells which it was."""
    codes: dict[type, str] = {
        theirs.NoPermissionError: "NOPERM",
        theirs.MovedError: "MOVED",
        theirs.ClusterCrossSlotError: "CROSSSLOT",
    }
    return f"{codes.get(type(error), '')} {said}"


def _find_tls_error(error: BaseException) -> ssl.SSLError | None:
    """redis-py wraps what the socket raised in an exception of its own, one or two deep."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None
