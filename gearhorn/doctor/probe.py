"""A message goes the whole way: it is published through each server, and this process receives it.

What is made for it ends by itself should this process be killed: the subscription has a ttl, and copies that somebody
waits for vanish with who waits.
"""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Sequence
from dataclasses import replace

from gearhorn.client.copies import Copy
from gearhorn.client.publisher import Publisher
from gearhorn.client.subscriber import Subscriber
from gearhorn.doctor.findings import Notes
from gearhorn.doctor.site import Site, Skip
from gearhorn.errors import BadRequest, GearhornError, ServerUnavailable, TimedOut
from gearhorn.names import queue_name
from gearhorn.net.address import Address
from gearhorn.net.admin import ask_admin
from gearhorn.net.connection import LinkSettings
from gearhorn.overview.views import RAN_OUT

PROBE_TOPIC = "gearhorn-doctor"
SUBSCRIPTION_TTL_S = 60.0
# For each of: to subscribe, to publish, to unsubscribe.
STEP_LIMIT_S = 4.0
DROP_LIMIT_S, DROP_AGAIN_S = 1.0, 0.05

# What may be the matter with workers that are there.
WAITING = "it hangs, or lets changes wait for one lease_ttl after the store was started again or a worker was lost"


async def check_round_trip(site: Site, notes: Notes) -> None:
    """Copies may come over any server that a worker is connected to: so all of them are listened to."""
    servers = [address for address in site.reachable if _is_served(site, address)]
    if not servers:
        raise Skip("no Gearman server has a worker")
    client_id = _client_id()
    hasty = replace(site.link, connect_timeout_s=STEP_LIMIT_S, answer_timeout_s=STEP_LIMIT_S)
    heard: set[bytes] = set()
    subscriber = Subscriber(
        client_id,
        site.reachable,
        unsubscribe_at_end=True,
        drain_limit_s=STEP_LIMIT_S,
        connect_limit_s=STEP_LIMIT_S,
        settings=hasty,
        queues=site.observer.settings.queues,
        signer=site.signer,
    )

    def hear(copy: Copy) -> None:
        heard.add(copy.payload)

    try:
        async with subscriber:
            await subscriber.subscribe(PROBE_TOPIC, hear, SUBSCRIPTION_TTL_S, timeout=STEP_LIMIT_S)
            await asyncio.gather(*(_try(site, notes, hasty, address, client_id, heard) for address in servers))
    except BadRequest as error:
        notes.say("probe-refused", f"the service refused a subscription to {PROBE_TOPIC}: {error}")
    except GearhornError as error:
        site.store()  # raises Skip while it is away: that the service waits for it then is no news
        notes.say("probe-failed", f"a subscription to {PROBE_TOPIC} could not be made: {_explain(site, error)}")
    finally:
        await _forget_queue(site.reachable, hasty, client_id)


async def _try(
    site: Site, notes: Notes, link: LinkSettings, address: Address, client_id: str, heard: set[bytes]
) -> None:
    """Both ways of the service: the subscription is made again through this server, then a message is published."""
    nonce = f"{address} {secrets.token_hex(8)}"
    queues, where = site.observer.settings.queues, f"through Gearman server {address}"
    publisher = Publisher(
        [str(address)], connect_limit_s=STEP_LIMIT_S, settings=link, queues=queues, signer=site.signer
    )
    try:
        async with publisher:
            await publisher.subscribe(PROBE_TOPIC, client_id, SUBSCRIPTION_TTL_S, timeout=STEP_LIMIT_S)
            result = await publisher.publish(PROBE_TOPIC, nonce, wait=True, timeout=STEP_LIMIT_S)
    except BadRequest as error:
        notes.say("probe-refused", f"a message {where} was refused: {error}")
    except GearhornError as error:
        notes.say("probe-failed", f"a message {where} came to nothing: {_explain(site, error)}")
    else:
        if nonce.encode() not in heard:
            reasons = ", ".join(failure.reason for failure in result.failures) or "the service sent no copy here"
            notes.say("probe-failed", f"a message {where} did not come back: {reasons}")


def _explain(site: Site, error: GearhornError) -> str:
    """That no worker answers is the service's guess. Where the store knows of some, they rather wait themselves."""
    if isinstance(error, TimedOut) and any(worker.state != RAN_OUT for worker in site.overview.workers):
        return f"no answer within {STEP_LIMIT_S:g} s, though a worker's lease lasts: {WAITING}"
    return str(error)


def _is_served(site: Site, address: Address) -> bool:
    """That nobody serves a server is another check's finding, and need not be waited for."""
    unserved = {server for queue in site.overview.queues for server in queue.unserved_on}
    return str(address) not in unserved


def _client_id() -> str:
    """One for each host, as servers never forget the name of a queue; two check-ups at a time do no harm."""
    return "".join(character if character.isprintable() else "-" for character in socket.gethostname())


async def _forget_queue(servers: Sequence[Address], link: LinkSettings, client_id: str) -> None:
    """gearmand can drop the name that it would go on listing; the others list it until they end."""
    name = queue_name(PROBE_TOPIC, client_id).decode()
    await asyncio.gather(*(_drop(address, link, name) for address in servers))


async def _drop(address: Address, link: LinkSettings, name: str) -> None:
    """gearmand refuses it as long as it has not noticed that the last worker has left."""
    with contextlib.suppress(ServerUnavailable, TimeoutError):
        async with asyncio.timeout(DROP_LIMIT_S):  # geard keeps silent
            while True:
                lines = await ask_admin(address, link, f"drop function {name}")
                if not any("still connected" in line for line in lines):
                    return
                await asyncio.sleep(DROP_AGAIN_S)
