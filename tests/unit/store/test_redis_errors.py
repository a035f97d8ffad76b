import ssl

import pytest
import redis.exceptions as theirs
from redis.asyncio.sentinel import MasterNotFoundError

from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.store.redis_errors import translate

PASSING = [
    theirs.ConnectionError("Error 111 connecting to host:1. Connection refused."),
    theirs.TimeoutError("Timeout reading from host:1"),
    theirs.BusyLoadingError("Redis is loading the dataset in memory"),
    theirs.ReadOnlyError("You can't write against a read only replica."),
    theirs.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
    theirs.MasterDownError("Link with MASTER is down and replica-serve-stale-data is set to 'no'."),
    theirs.ClusterDownError("Hash slot not served"),
    theirs.TryAgainError("Multiple keys request during rehashing of slot"),
    theirs.MaxConnectionsError("Too many connections"),
    theirs.ConnectionError("max number of clients reached"),
    theirs.ResponseError("MISCONF Redis is configured to save RDB snapshots, but it's unable to persist to disk."),
    theirs.ResponseError("NOREPLICAS Not enough good replicas to write."),
    theirs.ResponseError("BUSY Redis is busy running a script."),
    theirs.ResponseError("ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed"),
    theirs.InvalidResponse("Protocol Error"),
    MasterNotFoundError("No master found for 'mymaster' : <Redis(password=s3cret)> - ConnectionError()"),
    OSError("network is down"),
    ssl.SSLEOFError(8, "EOF occurred in violation of protocol"),
]

OPERATORS = [
    theirs.AuthenticationError("WRONGPASS invalid username-password pair or user is disabled."),
    theirs.AuthenticationError("Authentication required."),
    theirs.AuthenticationError("invalid password"),
    theirs.ResponseError("Protocol error: unauthenticated multibulk length"),
    theirs.AuthenticationWrongNumberOfArgsError("wrong number of arguments for 'auth' command"),
    theirs.NoPermissionError("this user has no permissions to run the 'evalsha' command"),
    theirs.ResponseError("ERR The user executing the script can't run this command or subcommand"),
    theirs.ResponseError("The user executing the script can't access at least one of the keys mentioned"),
    theirs.ResponseError("ERR Error running script (call to f_1): @user_script:1: -WRONGTYPE Operation against a key"),
    theirs.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"),
    theirs.MovedError("3999 127.0.0.1:6381"),
    theirs.ClusterCrossSlotError("Keys in request don't hash to the same slot"),
    theirs.ResponseError("ERR unknown command 'EVALSHA', with args beginning with:"),
    theirs.ResponseError("ERR DB index is out of range"),
    theirs.ConnectionError("Invalid Database"),
    MasterNotFoundError("No master found for 'mymaster' : <Redis(password=s3cret)> - AuthenticationError('no')"),
]


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_what_passes_is_unavailable(error: Exception) -> None:
    translated = translate(error, "Redis at host:1")
    assert type(translated) is StoreUnavailable
    assert_is_one_line_without_secrets(translated)


@pytest.mark.parametrize("error", OPERATORS, ids=repr)
def test_what_only_the_operator_can_mend_is_a_misconfiguration(error: Exception) -> None:
    translated = translate(error, "Redis at host:1")
    assert type(translated) is Misconfigured
    assert_is_one_line_without_secrets(translated)


def assert_is_one_line_without_secrets(error: Exception) -> None:
    assert str(error).startswith("Redis at host:1")
    assert "s3cret" not in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("CERTIFICATE_VERIFY_FAILED", Misconfigured),
        ("WRONG_VERSION_NUMBER", Misconfigured),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", Misconfigured),
        ("TLSV1_ALERT_UNKNOWN_CA", Misconfigured),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", Misconfigured),
        ("TLSV1_ALERT_INTERNAL_ERROR", StoreUnavailable),
        ("UNEXPECTED_EOF_WHILE_READING", StoreUnavailable),
    ],
)
def test_a_tls_error_is_found_however_deep_it_was_wrapped(reason: str, expected: type[Exception]) -> None:
    with pytest.raises(theirs.ConnectionError) as caught:
        raise_wrapped(reason)
    assert type(translate(caught.value, "Redis at host:1")) is expected


def raise_wrapped(reason: str) -> None:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    try:
        try:
            raise error
        except OSError as wrapped:
            raise theirs.ConnectionError(str(wrapped))  # noqa: B904 - as redis-py does
    except theirs.ConnectionError as inner:
        raise theirs.ConnectionError(str(inner)) from inner


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Error 111 connecting to host:1. Connect call failed ('127.0.0.1', 1).", "Connection refused"),
        ("Error 111 connecting to host:1. Connection refused.", "Connection refused"),
        (
            "Error Multiple exceptions: [Errno 111] Connect call failed ('::1', 1, 0, 0), "
            "[Errno 113] Connect call failed ('127.0.0.1', 1) connecting to localhost:1.",
            "Connection refused, No route to host",
        ),
        ("Error 2 connecting to unix socket: /run/redis. No such file or directory.", "No such file or directory"),
        ("Error -2 connecting to host:1. Name or service not known.", "Name or service not known."),
        ("Connection closed by server.", "Connection closed by server."),
    ],
)
def test_a_connection_that_fails_is_told_in_the_systems_words_without_its_address_again(said: str, words: str) -> None:
    assert str(translate(theirs.ConnectionError(said), "Redis at host:1")) == f"Redis at host:1: {words}"
