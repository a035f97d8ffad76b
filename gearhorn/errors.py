"""The exception tree, sorted by who must act.

| class           | who must act                              | what the service does                        |
| --------------- | ----------------------------------------- | -------------------------------------------- |
| `BadRequest`    | the publisher, who sent what cannot be    | answers with WORK_EXCEPTION, at once         |
| `Unavailable`   | nobody yet: a peer is away                | waits with backoff, says so once             |
| `ListLost`      | the operator, or whoever subscribes       | answers with WORK_EXCEPTION, says so aloud   |
| `Misconfigured` | the operator: waiting will not mend it    | ends the start with one line and a status    |

Anything else that is raised is a bug of ours. Exceptions of other libraries are translated into these where they
enter the program.
"""


class GearhornError(Exception):
    """The root of everything that gearhorn raises on purpose."""


class BadRequest(GearhornError):
    """What a publisher or subscriber asked for cannot be done, and asking again will not help.

    `key` names the part of the request that is wrong (empty when it is the whole), `reason` says why. `str()` is one
    line that may be shown to a user.
    """

    def __init__(self, key: str, reason: str) -> None:
        self.key = key
        self.reason = reason
        super().__init__(f"{key}: {reason}" if key else reason)


class Unavailable(GearhornError):
    """A peer does not answer now and may answer later."""


class StoreUnavailable(Unavailable):
    """The store cannot be reached, or went away in the middle of a call (which may or may not have happened)."""


class ServerUnavailable(Unavailable):
    """A Gearman server cannot be reached, or the connection to it was lost."""


class TimedOut(Unavailable):
    """The service did not answer in time. What was asked of it may have been done, or may be done later."""


class ProtocolViolation(ServerUnavailable):
    """A Gearman server sent bytes that are not its protocol. The connection is of no more use."""


class ListLost(GearhornError):
    """The store has lost a topic's list of subscribers: who they are cannot be told until they subscribe again."""


class Misconfigured(GearhornError):
    """An option, URL, file or credential is wrong. Only the operator can mend it."""
