"""The Gearman servers, and the worker's links to them."""

from gearhorn.logs.event import error, info, warning

SERVER_AWAY = warning(
    "server.away",
    "Gearman server {server} ({purpose}) {what}: {reason}; trying again until it is back",
    meaning="The link for this purpose (jobs, copies) cannot be opened, or was lost. The worker goes on with others.",
    remedy="See that the server runs and can be reached, and what the reason says of TLS.",
    ended_by="server.back",
)
SERVER_BACK = info("server.back", "Gearman server {server} ({purpose}) is back", meaning="The link is up again.")
SERVER_COMPLAINED = warning(
    "server.complained",
    "Gearman server {server} complained: {complaint}",
    meaning="It sent an ERROR packet.",
    remedy="Nothing, for one; if it happens often, tell the developers.",
    comes_often=True,
)
SERVER_PACKET_BUG = error(
    "server.packet_bug",
    "a packet ran into a bug; those that came with it are handled all the same",
    meaning="A bug in gearhorn.",
    remedy="Report it, with the traceback.",
)
SERVER_UNASKED = warning(
    "server.unasked",
    "Gearman server {server} cannot be asked: {error}; no subscriber is taken for dead",
    meaning="It does not answer the admin command `status`, or is too slow.",
    remedy="See that the server runs.",
    ended_by="server.asked",
)
SERVER_ASKED = info(
    "server.asked",
    "Gearman server {server} can be asked for its queues again",
    meaning="Subscribers are looked after again.",
)
