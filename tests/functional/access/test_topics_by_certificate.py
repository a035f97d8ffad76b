"""`[worker] topic_queues` and certificates: who has one for a topic is held to it, by the server of `standalone`.

Each thing that is forbidden is tried, beside the same thing where it is allowed.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gearhorn.cmd import exits
from tests.functional.access.site import SecureStandalone
from tests.functional.contract.clients import Client, Receiver
from tests.functional.facts.raw import Kind, Packet, packet, submit
from tests.servers.certificates import Certificates
from tests.servers.commands import run_gearhorn

DENIED = Packet(Kind.ERROR, b"0\0Permission denied by ACL\0")

# The file that doc/access.md shows.
RIGHTS = r"""
[news]
register = news_[^_]+
invoke = (fanout|subscribe_fanout|unsubscribe_fanout)\.news

[memos]
register = memos_[^_]+
invoke = (fanout|subscribe_fanout|register_fanout_subscriber|unsubscribe_fanout)\.memos

[admin]
register = .*
invoke = .*
grant = true
"""

SERVICE_QUEUES = ["fanout", "subscribe_fanout", "register_fanout_subscriber", "unsubscribe_fanout"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureStandalone]:
    folder = tmp_path_factory.mktemp("site")
    settings = folder / "topics.conf"
    settings.write_text("[worker]\ntopic_queues = news, memos\n")
    with SecureStandalone(folder, Certificates(folder / "pki"), RIGHTS, [f"--config-file={settings}"]) as started:
        yield started


@pytest.fixture
def client(site: SecureStandalone) -> Iterator[Client]:
    """Somebody with the certificate for `news`."""
    client = Client(site, tls=site.context_of("news"))  # type: ignore[arg-type]
    yield client
    client.close()


@pytest.fixture
def receiver(site: SecureStandalone) -> Iterator[Receiver]:
    """The same."""
    receiver = Receiver(site, tls=site.context_of("news"))  # type: ignore[arg-type]
    yield receiver
    receiver.close()


def told(text: str) -> tuple[int, bytes]:
    return Kind.WORK_EXCEPTION, text.encode()


def test_who_has_a_certificate_for_a_topic_subscribes_publishes_receives(client: Client, receiver: Receiver) -> None:
    receiver.can_do(b"news_bob")
    assert client.request("subscribe_fanout.news", {"topic": "news", "client_id": "bob"}).kind == Kind.WORK_COMPLETE
    handle = client.start("fanout.news", {"topic": "news", "payload": "hello"})
    copy = receiver.take()
    assert (copy.function, copy.payload) == (b"news_bob", b"hello")
    receiver.report(copy, Kind.WORK_COMPLETE, b"thanks")
    assert client.finish(handle).count == 1
    assert client.request("unsubscribe_fanout.news", {"topic": "news", "client_id": "bob"}).kind == Kind.WORK_COMPLETE
    assert client.request("fanout.news", {"topic": "news", "payload": "hello"}).count == 0


@pytest.mark.parametrize("kind", [Kind.SUBMIT_JOB, Kind.SUBMIT_JOB_BG, Kind.SUBMIT_JOB_HIGH, Kind.SUBMIT_JOB_LOW_BG])
@pytest.mark.parametrize(
    "queue",
    [
        *SERVICE_QUEUES,
        *(f"{queue}.memos" for queue in SERVICE_QUEUES),
        "fanout.newsroom",  # as geard takes it, `fanout\.news` would let in here
        "xfanout.news",
        "memos_bob",  # a message forged past the service
        "news_bob",
        "__matchmaking_host",
    ],
)
def test_other_queues_take_nothing_from_it(client: Client, queue: str, kind: Kind) -> None:
    body = b'{"topic":"memos","client_id":"mallory","payload":"forged"}'
    assert client.ask_one(submit(queue.encode(), b"", body, kind)) == DENIED


@pytest.mark.parametrize("queue", ["fanout.news", "subscribe_fanout.news", "unsubscribe_fanout.news"])
def test_its_own_queues_do_nothing_for_another_topic(client: Client, queue: str) -> None:
    ending = client.request(queue, {"topic": "memos", "client_id": "mallory", "payload": "forged"})
    assert ending[:2] == told(f"topic: the queue {queue!r} is for the topic 'news' only")


@pytest.mark.parametrize(
    "queue",
    [*SERVICE_QUEUES, "fanout.news", "subscribe_fanout.news", "memos_bob", "news", "news_a_b", "__matchmaking_host"],
)
@pytest.mark.parametrize("how", [Kind.CAN_DO, Kind.CAN_DO_TIMEOUT])
def test_it_receives_from_no_other_queue(site: SecureStandalone, receiver: Receiver, queue: str, how: Kind) -> None:
    """news_a_b may be the queue of topic `news_a`."""
    admin = Client(site, tls=site.context_of("admin"))  # type: ignore[arg-type]
    before = admin.counts_of(queue.encode())
    words = [queue.encode()] if how is Kind.CAN_DO else [queue.encode(), b"10"]
    assert receiver.ask(packet(how, *words)) == []
    assert admin.counts_of(queue.encode()) == before
    admin.close()


def test_it_takes_no_job_of_another_queue(site: SecureStandalone, receiver: Receiver) -> None:
    admin = Client(site, tls=site.context_of("admin"))  # type: ignore[arg-type]
    admin.start("memos_eve", b"secret", Kind.SUBMIT_JOB_BG)
    receiver.ask(packet(Kind.CAN_DO, b"memos_eve"))
    assert receiver.grab() is None
    admin.close()


@pytest.mark.parametrize("kind", [Kind.WORK_COMPLETE, Kind.WORK_FAIL, Kind.WORK_EXCEPTION, Kind.WORK_DATA])
@pytest.mark.parametrize("is_running", [True, False])
def test_it_ends_no_job_of_others_whose_handle_it_guesses(
    site: SecureStandalone, receiver: Receiver, kind: Kind, is_running: bool
) -> None:
    memos = Client(site, tls=site.context_of("admin"))  # type: ignore[arg-type]
    worker = Receiver(site, tls=site.context_of("memos"))  # type: ignore[arg-type]
    worker.can_do(b"memos_eve")
    worker.take_all()
    handle = memos.start("memos_eve", b"work")
    if is_running:
        assert worker.take().handle == handle
    assert receiver.ask(packet(kind, handle, b"forged"), packet(Kind.WORK_STATUS, handle, b"1", b"2")) == []
    if not is_running:
        assert worker.take().handle == handle
    assert worker.ask(packet(Kind.WORK_COMPLETE, handle, b"right")) == []
    assert memos.finish(handle) == (Kind.WORK_COMPLETE, b"right", [])
    memos.close()
    worker.close()


def test_it_cancels_no_job_of_others(site: SecureStandalone, client: Client) -> None:
    admin = Client(site, tls=site.context_of("admin"))  # type: ignore[arg-type]
    handle = admin.start("memos_carol", b"work", Kind.SUBMIT_JOB_BG)
    assert client.text(b"cancel job " + handle) == b"ERR PERMISSION_DENIED\n"
    assert admin.text(b"cancel job " + handle) == b"OK\n"
    admin.close()


# Administration


@pytest.mark.parametrize(
    "command",
    [
        b"acl grant invoke news .*",
        b"acl grant register news .*",
        b"acl grant grant news",
        b"acl grant invoke newcomer .*",
        b"acl revoke invoke memos",
        b"acl revoke all admin",
        b"acl revoke grant admin",
    ],
)
def test_it_changes_no_rights(site: SecureStandalone, client: Client, command: bytes) -> None:
    admin = Client(site, tls=site.context_of("admin"))  # type: ignore[arg-type]
    before = admin.table(b"acl list")
    assert client.text(command) == b"ERR PERMISSION_DENIED\n"
    assert admin.table(b"acl list") == before
    assert len(before) == 3
    admin.close()


def test_it_sees_its_own_rights_only(client: Client) -> None:
    assert [row[0] for row in client.table(b"acl list")] == [b"news"]


def test_rights_are_granted_and_revoked_while_it_runs(site: SecureStandalone) -> None:
    """As gear comes, `acl grant register` never works."""
    admin = Client(site, tls=site.context_of("admin"))  # type: ignore[arg-type]
    new = Receiver(site, tls=site.context_of("newcomer"))  # type: ignore[arg-type]
    assert new.ask_one(submit(b"fanout.news")) == DENIED
    for command in (rb"acl grant invoke newcomer fanout\.news", b"acl grant register newcomer news_new"):
        assert admin.text(command) == b"OK\n"
    assert [each.kind for each in new.ask(submit(b"fanout.news", b"", b"{}"))] == [Kind.JOB_CREATED]
    assert new.ask_one(submit(b"fanout.memos")) == DENIED
    new.can_do(b"news_new")
    assert admin.counts_of(b"news_new") == [0, 0, 1]
    assert admin.text(b"acl revoke invoke newcomer") == b"OK\n"
    assert new.ask_one(submit(b"fanout.news")) == DENIED
    assert new.text(b"acl self-revoke all") == b"OK\n"
    assert new.table(b"acl list") == []
    admin.close()
    new.close()


@pytest.mark.parametrize("name", ["stranger", None, "News", "news ", "DEFAULT"])
def test_a_name_without_an_entry_may_do_nothing(site: SecureStandalone, name: str | None) -> None:
    peer = Receiver(site, tls=site.context_of(name))  # type: ignore[arg-type]
    for queue in ("fanout", "fanout.news", "news_bob"):
        assert peer.ask_one(submit(queue.encode())) == DENIED
    assert peer.text(b"acl grant invoke me .*") == b"ERR PERMISSION_DENIED\n"
    assert peer.table(b"acl list") == []
    peer.close()


# The command line


def test_the_commands_go_by_way_of_the_queues_of_the_topic(site: SecureStandalone, tmp_path: Path) -> None:
    certificate, key = site.certificates.issue("news")
    place = [f"--ssl-ca={site.certificates.ca_file}", f"--ssl-cert={certificate}", f"--ssl-key={key}"]
    place.append(f"--gearman={site.address}")

    def run(*words: str) -> int:
        done = run_gearhorn(tmp_path, *words, *place, "--timeout=5")
        print(done.stderr)
        return done.returncode

    assert run("subscribe", "news", "carl", "--topic-queue") == exits.OK
    assert run("publish", "news", "hello", "--topic-queue") == exits.OK
    assert run("unsubscribe", "news", "carl", "--topic-queue") == exits.OK
    assert run("publish", "news", "hello", "--topic-queue") == exits.NOBODY_SUBSCRIBED
    for words in (["publish", "news", "hello"], ["publish", "memos", "hello", "--topic-queue"]):
        assert run(*words) not in (exits.OK, exits.NOBODY_SUBSCRIBED)
