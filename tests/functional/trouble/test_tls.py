"""TLS between the worker and its Gearman server: geard's, since Debian's gearmand speaks none."""

from pathlib import Path

import pytest

from tests.functional.contract.clients import Client
from tests.functional.facts.raw import Kind
from tests.functional.trouble.scene import Scene
from tests.servers.certificates import Certificates
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import Geard
from tests.servers.process import wait_until


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "pki")


@pytest.fixture
def server(scene: Scene, certificates: Certificates) -> Geard:
    return scene.geard(tls=certificates)


def settings(certificates: Certificates, *more: str) -> str:
    lines = [
        "[gearman]",
        "tls = true",
        f"ca_file = {certificates.ca_file}",
        f"cert_file = {certificates.client_certificate}",
        f"key_file = {certificates.client_key}",
        *more,
    ]
    return "\n".join(lines)


def started(scene: Scene, address: str, configuration: str) -> GearhornWorker:
    """A worker that is not expected to become ready."""
    folder = scene.folder / "refused"
    folder.mkdir()
    (folder / "gearhorn.conf").write_text(configuration)
    worker = GearhornWorker([address], "memory://", folder)
    worker.is_ready = lambda: "cannot be reached" in worker.log  # type: ignore[method-assign]
    scene.stack.enter_context(worker)
    return worker


def test_the_service_works_over_tls_with_a_client_certificate(
    scene: Scene, server: Geard, certificates: Certificates
) -> None:
    scene.worker(server.address, settings=settings(certificates))
    client = Client(server, tls=certificates.client_context())
    scene.stack.callback(client.close)
    subscribed = client.request("subscribe_fanout", {"topic": "news", "client_id": "bob"})
    assert subscribed.kind == Kind.WORK_COMPLETE
    assert client.request("fanout", {"topic": "news", "payload": "x", "background": True}).count == 1


def test_a_server_of_another_authority_is_refused(
    scene: Scene, server: Geard, certificates: Certificates, tmp_path: Path
) -> None:
    stranger = Certificates(tmp_path / "other")
    configuration = settings(certificates).replace(str(certificates.ca_file), str(stranger.ca_file))
    worker = started(scene, server.address, configuration)
    assert "its certificate was refused" in worker.log


def test_a_server_that_wants_a_certificate_is_not_reached_without_one(
    scene: Scene, server: Geard, certificates: Certificates
) -> None:
    lines = settings(certificates).splitlines()
    worker = started(scene, server.address, "\n".join(line for line in lines if not line.startswith(("cert", "key"))))
    assert " ready: " not in worker.log
    worker.stop()
    scene.worker(server.address, settings=settings(certificates))


def test_a_server_that_bears_another_name_is_refused_unless_the_check_is_off(
    scene: Scene, server: Geard, certificates: Certificates
) -> None:
    elsewhere = f"127.1:{server.port}"  # resolves to 127.0.0.1, which the certificate is for, and is another name
    worker = started(scene, elsewhere, settings(certificates))
    assert "its certificate was refused" in worker.log
    worker.stop()
    scene.worker(elsewhere, settings=settings(certificates, "check_hostname = false"))


def test_a_server_without_tls_is_refused_where_tls_was_asked_for(scene: Scene, certificates: Certificates) -> None:
    worker = started(scene, scene.gearmand().address, settings(certificates))
    wait_until(lambda: "does it speak TLS" in worker.log, "the hint")
    assert " ready: " not in worker.log
