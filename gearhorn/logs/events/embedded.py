"""The Gearman server in `gearhorn standalone`."""

from gearhorn.logs.event import debug, error, info, warning

DOOR_STUCK = error(
    "door.stuck",
    "no connection can be accepted: {reason}",
    meaning="The process has too many files open, as a rule.",
    remedy="Raise the limit (LimitNOFILE=, `ulimit -n`).",
    ended_by="door.open",
)
DOOR_OPEN = info("door.open", "connections are accepted again", meaning="The trouble before is over.")
GUEST_LOST = debug(
    "guest.lost", "a connection of {guest} was lost: {error}", meaning="It hung up before it was let in."
)
GUEST_REFUSED = info(
    "guest.refused",
    "refused a connection of {guest}: no TLS handshake: {reason}",
    meaning="It speaks no TLS, or has no certificate that is trusted.",
    comes_often=True,
)
RIGHT_MISSING = info(
    "right.missing",
    "{subject} may not {verb} {queue!r}",
    meaning="`--acl` gives this certificate no such right.",
    comes_often=True,
)
RIGHT_GRANTED = info(
    "right.granted", "{by} granted {verb} to {subject}: {pattern}", meaning="Somebody used the admin command `acl`."
)
RIGHT_REVOKED = info("right.revoked", "{by} revoked {verb} of {subject}", meaning="The same.")
GRANT_REFUSED = warning(
    "grant.refused",
    "{by} may not grant anything, and tried to: {verb} to {subject}",
    meaning="A certificate without the right `grant` used the admin command `acl`.",
    remedy="Find out who holds that certificate.",
    comes_often=True,
)
REVOKE_REFUSED = warning(
    "revoke.refused",
    "{by} may not revoke anything of others, and tried to: {verb} of {subject}",
    meaning="The same.",
    remedy="Find out who holds that certificate.",
    comes_often=True,
)
