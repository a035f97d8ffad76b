"""Connections that break and servers that go away, between the worker and the copies' queues."""

from tests.functional.contract.clients import Client
from tests.functional.facts.raw import Kind
from tests.functional.trouble.scene import Scene, fanout, names, subscribe
from tests.servers.process import wait_until

MANY = names(3000)
# In the middle of the 3,000 copies of some 140 bytes each, and of a packet.
HALF_WAY_BYTES = 200_001

IMPATIENT = "[gearman]\nanswer_timeout = 1\n"


def test_copies_cut_off_in_the_middle_are_sent_again(scene: Scene) -> None:
    gearmand = scene.gearmand()
    proxy = scene.proxy(gearmand)
    scene.worker(proxy.address)
    client = scene.client(gearmand)
    subscribe(client, "news", MANY)
    proxy.cut_after(HALF_WAY_BYTES)
    assert client.request("fanout", fanout("news", background=True)).count == len(MANY)
    copies = scene.copies(gearmand, "news", MANY)
    assert set(copies) == set(MANY)
    assert copies.total() > len(MANY)  # or nothing was cut: some were taken and never confirmed


def test_copies_that_one_server_did_not_confirm_go_to_another(scene: Scene) -> None:
    near, far = scene.gearmand(), scene.gearmand()
    proxy = scene.proxy(far)
    scene.worker(near.address, proxy.address)
    client = scene.client(near)
    subscribe(client, "news", MANY)
    proxy.cut_after(HALF_WAY_BYTES // 2)
    answer = client.start("fanout", fanout("news", background=True))
    proxy.refuse()
    assert client.finish(answer).count == len(MANY)
    on_near, on_far = scene.copies(near, "news", MANY), scene.copies(far, "news", MANY)
    assert set(on_near) | set(on_far) == set(MANY)
    assert on_far
    assert set(on_near) & set(on_far)  # taken by the one, not confirmed, sent to the other


def test_two_servers_share_the_queues_and_each_queue_stays_where_it_is(scene: Scene) -> None:
    one, other = scene.gearmand(), scene.gearmand()
    scene.worker(one.address, other.address)
    client = scene.client(one)
    subscribe(client, "news", MANY)
    rounds = []
    for server in (one, other):
        assert scene.client(server).request("fanout", fanout("news", background=True)).count == len(MANY)
        rounds.append((scene.copies(one, "news", MANY), scene.copies(other, "news", MANY)))
    (on_one, on_other), again = rounds
    assert set(on_one.values()) | set(on_other.values()) == {1}
    assert on_one.keys() | on_other.keys() == set(MANY)
    assert not on_one.keys() & on_other.keys()
    assert min(len(on_one), len(on_other)) > len(MANY) // 3
    assert again == (on_one, on_other)


def test_with_one_of_two_servers_down_the_other_takes_everything(scene: Scene) -> None:
    one, other = scene.gearmand(), scene.gearmand()
    worker = scene.worker(one.address, other.address)
    client = scene.client(one)
    subscribe(client, "news", MANY)
    other.kill()
    wait_until(lambda: worker.log.count("is gone") == 2, "both links to be given up")
    assert client.request("fanout", fanout("news", background=True)).count == len(MANY)
    assert scene.copies(one, "news", MANY).keys() == set(MANY)


def test_a_server_that_was_killed_is_served_again_when_it_is_back(scene: Scene) -> None:
    gearmand = scene.gearmand()
    worker = scene.worker(gearmand.address)
    subscribe(scene.client(gearmand), "news", ["bob"])
    gearmand.kill()
    gearmand.start()
    client = scene.client(gearmand)
    assert client.request("fanout", fanout("news", background=True)).count == 1
    assert scene.copies(gearmand, "news", ["bob"]) == {"bob": 1}
    assert worker.log.count("(jobs) is gone") == worker.log.count("(jobs) is back") == 1
    assert "Traceback" not in worker.log


def test_receivers_that_were_waited_for_on_a_lost_server_are_asked_on_another(scene: Scene) -> None:
    near, far = scene.gearmand(), scene.gearmand()
    scene.worker(near.address, far.address)
    few = names(20)
    client = scene.client(near)
    subscribe(client, "news", few)
    answer = client.start("fanout", fanout("news"))
    there = scene.receiver(far, "news", few)
    first = there.take()  # some are on the far server, and none of them will be answered there
    far.kill()
    here = scene.receiver(near, "news", few)
    answered = set()
    while len(answered) < len(few):
        job = here.take()
        answered.add(job.function)
        here.report(job, Kind.WORK_COMPLETE, b"")
    assert first.function in answered
    assert client.finish(answer).count == len(few)


def test_a_server_that_falls_silent_is_given_up_for_another(scene: Scene) -> None:
    near, far = scene.gearmand(), scene.gearmand()
    proxy = scene.proxy(far)
    worker = scene.worker(near.address, proxy.address, settings=IMPATIENT)
    client = scene.client(near)
    subscribe(client, "news", MANY)
    proxy.stall()
    assert client.request("fanout", fanout("news", background=True)).count == len(MANY)
    assert scene.copies(near, "news", MANY).keys() == set(MANY)
    assert "no answer for 1 s" in worker.log


def test_copies_that_a_silent_server_did_not_confirm_in_time_are_reported_as_not_sent(scene: Scene) -> None:
    near, far = scene.gearmand(), scene.gearmand()
    proxy = scene.proxy(far)
    scene.worker(near.address, proxy.address)
    few = names(20)
    client = scene.client(near)
    subscribe(client, "news", few)
    proxy.stall()
    failures = client.request("fanout", fanout("news", timeout=0.5)).failures
    on_near = scene.copies(near, "news", few)
    unconfirmed = "not sent: the Gearman server has not confirmed it in time"
    assert 0 < len(on_near) < len(few)
    assert failures == {name: "timeout" if name in on_near else unconfirmed for name in few}


def test_a_publisher_that_leaves_its_waiting_fanout_disturbs_nobody(scene: Scene) -> None:
    gearmand = scene.gearmand()
    worker = scene.worker(gearmand.address)
    leaver, client = Client(gearmand), scene.client(gearmand)
    subscribe(client, "news", ["bob"])
    receiver = scene.receiver(gearmand, "news", ["bob"])
    leaver.start("fanout", fanout("news"))
    copy = receiver.take()
    leaver.close()
    assert client.request("fanout", fanout("nobody")).count == 0
    receiver.report(copy, Kind.WORK_COMPLETE, b"")
    answer = client.start("fanout", fanout("news"))
    receiver.report(receiver.take(), Kind.WORK_COMPLETE, b"")
    assert client.finish(answer).count == 1
    assert "Traceback" not in worker.log


def test_a_stopped_worker_leaves_its_jobs_to_the_next(scene: Scene) -> None:
    gearmand = scene.gearmand()
    worker = scene.worker(gearmand.address)
    client = scene.client(gearmand)
    subscribe(client, "news", ["bob"])
    answer = client.start("fanout", fanout("news"))
    receiver = scene.receiver(gearmand, "news", ["bob"])
    receiver.take()
    worker.kill()
    scene.worker(gearmand.address)
    receiver.report(receiver.take(), Kind.WORK_COMPLETE, b"")
    assert client.finish(answer).count == 1
