"""What a worker does with the rest of a large fanout whose job came from a server that is gone."""

from tests.functional.contract.clients import encode
from tests.functional.crash.drain import drain
from tests.functional.crash.ledger import Ledger
from tests.functional.crash.lists import subscribe_many
from tests.functional.trouble.scene import Scene, fanout
from tests.servers.gearman import GearmanServer
from tests.servers.process import wait_until

COUNT = 20_000
HALF = COUNT * 48 // 100  # hashes share them out, not to the last one


def test_the_copies_for_other_servers_go_on_when_the_one_with_the_job_ends(scene: Scene) -> None:
    """Nobody else would send them: the job is lost with its server."""
    ledger, store = Ledger(), f"sqlite:///{scene.folder}/lists.db"
    client_ids = subscribe_many(ledger, store, "news", COUNT)
    first, second = scene.gearmand(), scene.gearmand()
    proxy = scene.proxy(second)
    scene.worker(first.address, proxy.address)
    client = scene.client(first)
    proxy.stall()  # so that the fanout is under way for as long as it takes
    client.submit(b"fanout", b"", encode(fanout("news", background=True)))
    wait_until(lambda: _copy_count(scene, first) >= HALF, "half of the copies to be on the first one")
    first.kill()
    proxy.resume()
    wait_until(lambda: _copy_count(scene, second) >= HALF, "the other half to be on the second one", limit_s=60)
    queues = [f"news_{client_id}".encode() for client_id in client_ids]
    found = [queue for queue, _ in drain(second, queues)]
    assert len(found) == len(set(found)) >= HALF


def _copy_count(scene: Scene, server: GearmanServer) -> int:
    rows = scene.client(server).table(b"status")
    return sum(int(total) for name, total, *_ in rows if name.startswith(b"news_"))
