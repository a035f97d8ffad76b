"""The helpers for Python and `gearhorn listen` use the queues of a topic, with a certificate for nothing else."""

import subprocess
import sys
from collections.abc import Iterator

import gear
import pytest

from gearhorn.client.geared_client import GearhornClient
from gearhorn.client.geared_subscriber import GearhornSubscriber
from gearhorn.client.publisher import Publisher
from gearhorn.client.subscriber import Subscriber
from gearhorn.errors import GearhornError, Unavailable
from tests.functional.access.site import SecureStandalone
from tests.servers.certificates import Certificates
from tests.servers.commands import run_gearhorn
from tests.servers.process import wait_until
from tests.servers.standalone import clean_environment

RIGHTS = r"""
[news]
register = news_[^_]+
invoke = (fanout|subscribe_fanout|unsubscribe_fanout)\.news
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureStandalone]:
    folder = tmp_path_factory.mktemp("site")
    settings = folder / "topics.conf"
    settings.write_text("[worker]\ntopic_queues = news, memos\n")
    with SecureStandalone(folder, Certificates(folder / "pki"), RIGHTS, [f"--config-file={settings}"]) as started:
        yield started


async def test_publisher_and_subscriber(site: SecureStandalone) -> None:
    tls = site.context_of("news")
    async with (
        Publisher(site.address, tls=tls, topic_queues=True) as publisher,
        Subscriber("ann", site.address, tls=tls, topic_queues=True) as ann,
    ):
        await ann.subscribe("news", lambda copy: copy.payload.upper())
        result = await publisher.publish("news", "hello", wait=True, results=True)
        assert [each.data for each in result.results] == [b"HELLO"]
        await publisher.subscribe("news", "other")
        await publisher.unsubscribe("news", "other")
        await ann.unsubscribe("news")
        assert (await publisher.publish("news", "hello")).receivers == 0
        for forbidden in (publisher.publish("memos", "hello"), ann.subscribe("memos", print, timeout=5)):
            with pytest.raises(GearhornError, match="denied"):
                await forbidden


async def test_without_the_option_the_general_queues_are_asked_and_denied(site: SecureStandalone) -> None:
    tls = site.context_of("news")
    async with Publisher(site.address, tls=tls) as publisher:
        with pytest.raises(GearhornError, match="Permission denied by ACL"):
            await publisher.publish("news", "hello", timeout=5)


def test_the_helpers_on_gear(site: SecureStandalone) -> None:
    certificate, key = site.certificates.issue("news")
    client, bob = GearhornClient(topic_queues=True), GearhornSubscriber("bob", topic_queues=True)
    try:
        for end in (client, bob):
            end.addServer("127.0.0.1", site.port, str(key), str(certificate), str(site.certificates.ca_file))
            end.waitForServer(20)
        bob.subscribe("news")
        job = gear.TextJob("news", "hello")
        client.submitJob(job)
        copy = bob.getJob()
        copy.sendWorkComplete()
        assert copy.arguments == b"hello"
        wait_until(lambda: job.complete, "the answer")
        bob.unsubscribe("news")
        with pytest.raises((Unavailable, gear.GearmanError)):
            bob.subscribe("memos", timeout=2)
    finally:
        client.shutdown()
        bob.shutdown()


def test_listen(site: SecureStandalone) -> None:
    certificate, key = site.certificates.issue("news")
    place = [f"--ssl-ca={site.certificates.ca_file}", f"--ssl-cert={certificate}", f"--ssl-key={key}"]
    place += [f"--gearman={site.address}", "--topic-queue", "news"]
    command = [sys.executable, "-m", "gearhorn", "listen", "--client-id=carl", "--count=1", *place]
    environ = clean_environment(site.folder)
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as listener:
        try:
            assert listener.stderr is not None
            assert "listening" in listener.stderr.readline()
            assert run_gearhorn(site.folder, "publish", *place, "hello").returncode == 0
            assert listener.communicate(timeout=60)[0] == "hello\n"
        finally:
            listener.kill()


def test_who_is_denied_is_told_so(site: SecureStandalone) -> None:
    certificate, key = site.certificates.issue("news")
    place = [f"--ssl-ca={site.certificates.ca_file}", f"--ssl-cert={certificate}", f"--ssl-key={key}"]
    done = run_gearhorn(site.folder, "publish", "news", "hello", f"--gearman={site.address}", *place)
    print(done.stderr)
    assert done.returncode not in (0, 3)
    assert "Permission denied by ACL" in done.stderr
