"""What gearhorn.client says in the programs that use it, and in `gearhorn listen`."""

from gearhorn.logs.event import error, info, warning

SUBSCRIPTION_DENIED = error(
    "subscription.denied",
    "the subscription to topic {topic!r} could not be made again: {error}",
    meaning="The service refuses it, and will not be asked again.",
    remedy="See what the line says.",
)
SUBSCRIPTION_LAPSED = warning(
    "subscription.lapsed",
    "the subscription to topic {topic!r} could not be made again: {reason}; trying on",
    meaning="The service is away, or slow.",
    remedy="See that a gearhorn worker runs.",
    ended_by="subscription.renewed",
)
SUBSCRIPTION_RENEWED = info(
    "subscription.renewed",
    "subscribed again to topic {topic!r}",
    meaning="After a server was lost, or before its ttl ended.",
)
SUBSCRIPTION_LEFT = warning(
    "subscription.left",
    "could not unsubscribe: {error}",
    meaning="At the end of a subscriber: the service is away. Copies go on to be queued for it.",
    remedy="`gearhorn unsubscribe`.",
)
COPY_FAILED = error(
    "copy.failed",
    "a copy of topic {topic!r} came to nothing: {error}",
    meaning="The program's handler raised an error. A traceback follows unless it is one of gearhorn's own.",
    remedy="Mend the handler.",
)
COPIES_GIVEN_BACK = warning(
    "copies.given_back",
    "gave {copies_count} unfinished copies back to {server}",
    meaning="The subscriber was stopped before its handlers were done.",
    remedy="Nothing: the server gives the copies to the next worker of the queue.",
)
CLIENT_TLS_REFUSED = warning(
    "client.tls_refused",
    "no TLS with {host}:{port}: {reason}",
    meaning="Of the helpers on gear: the handshake failed. It is tried again every two seconds.",
    remedy="See to the certificates.",
    ended_by="client.tls_agreed",
)
CLIENT_TLS_AGREED = info("client.tls_agreed", "TLS with {host}:{port} again", meaning="The trouble before is over.")
CLIENT_SERVER_COMPLAINED = warning(
    "client.server_complained",
    "the server says {complaint!r}",
    meaning="Of the helpers on gear: the server sent an ERROR packet.",
    remedy="Nothing, for one; if it happens often, tell the developers.",
)
