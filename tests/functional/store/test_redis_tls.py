"""Redis over TLS: both sides are checked, and what is wrong is the operator's to mend."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gearhorn.errors import Misconfigured, StoreUnavailable
from tests.functional.store.conftest import OpenUrl
from tests.functional.store.questions import subscribe
from tests.servers.certificates import Certificates
from tests.servers.stores import Redis, Sentinel


async def test_tls_with_both_certificates_works(tmp_path: Path, open_url: OpenUrl) -> None:
    certificates = Certificates(tmp_path / "tls")
    with Redis(tmp_path, tls=certificates) as server:
        store = await open_url(f"rediss://localhost:{server.port}?{tls_options(certificates)}")
        assert (await subscribe(store, "news", "bob")).changed


def tls_options(certificates: Certificates, **others: object) -> str:
    options = {
        "ssl_ca_certs": certificates.ca_file,
        "ssl_certfile": certificates.client_certificate,
        "ssl_keyfile": certificates.client_key,
    } | others
    return "&".join(f"{name}={value}" for name, value in options.items() if value is not None)


async def test_tls_without_the_authority_is_a_misconfiguration(tmp_path: Path, open_url: OpenUrl) -> None:
    certificates, others = Certificates(tmp_path / "tls"), Certificates(tmp_path / "others")
    with Redis(tmp_path, tls=certificates) as server:
        for ca_file in (None, others.ca_file):
            options = tls_options(certificates, ssl_ca_certs=ca_file)
            with pytest.raises(Misconfigured, match=r"no TLS connection: .*certificate"):
                await open_url(f"rediss://localhost:{server.port}?{options}")


async def test_tls_checks_the_name_of_the_host(tmp_path: Path, open_url: OpenUrl) -> None:
    certificates = Certificates(tmp_path / "tls")
    with Redis(tmp_path, tls=certificates) as server:
        place = f"rediss://127.0.0.2:{server.port}"
        server.stop()
        server.argv[server.argv.index("--bind") + 1] = "127.0.0.2"
        server.start()
        with pytest.raises(Misconfigured, match=r"no TLS connection: .*127\.0\.0\.2"):
            await open_url(f"{place}?{tls_options(certificates)}")
        store = await open_url(f"{place}?{tls_options(certificates, ssl_check_hostname='false')}")
        assert (await subscribe(store, "news", "bob")).changed


async def test_tls_without_a_client_certificate_is_refused(tmp_path: Path, open_url: OpenUrl) -> None:
    """In TLS 1.3 the server says why when the connection stands already, and hangs up, which may be seen first."""
    certificates = Certificates(tmp_path / "tls")
    with Redis(tmp_path, tls=certificates) as server:
        options = tls_options(certificates, ssl_certfile=None, ssl_keyfile=None)
        with pytest.raises((Misconfigured, StoreUnavailable), match=r"CERTIFICATE REQUIRED|reset|[Cc]losed|lost"):
            await open_url(f"rediss://localhost:{server.port}?{options}")


async def test_tls_to_a_port_without_is_unavailable(tmp_path: Path, open_url: OpenUrl) -> None:
    """Redis takes the beginning of TLS for that of a line and waits for its end, as one does that has hung up."""
    with Redis(tmp_path) as server, pytest.raises(StoreUnavailable, match="did not answer"):
        await open_url(f"rediss://localhost:{server.port}", timeout_s=0.3)


async def test_no_tls_to_a_port_with_it_is_unavailable(tmp_path: Path, open_url: OpenUrl) -> None:
    """Redis hangs up, as one does that is about to end."""
    with Redis(tmp_path, tls=Certificates(tmp_path / "tls")) as server, pytest.raises(StoreUnavailable):
        await open_url(f"redis://localhost:{server.port}")


@pytest.mark.parametrize("option", ["ssl_ca_certs", "ssl_certfile", "ssl_keyfile"])
@pytest.mark.parametrize("content", [None, "no certificate at all"])
async def test_a_tls_file_that_is_missing_or_no_such_is_a_misconfiguration(
    tmp_path: Path, open_url: OpenUrl, option: str, content: str | None
) -> None:
    path = tmp_path / "file.pem"
    if content:
        path.write_text(content)
    options = tls_options(Certificates(tmp_path / "tls"), **{option: path})
    with pytest.raises(Misconfigured, match="TLS file"):
        await open_url(f"rediss://localhost:1?{options}")


# By way of sentinels: they know where the master is, and both have certificates


@contextlib.contextmanager
def watched(tmp_path: Path, certificates: Certificates) -> Iterator[Sentinel]:
    with (
        Redis(tmp_path / "master", tls=certificates) as master,
        Sentinel(tmp_path / "sentinel", master, tls=certificates) as sentinel,
    ):
        yield sentinel


async def test_sentinels_and_master_are_asked_over_tls(tmp_path: Path, open_url: OpenUrl) -> None:
    certificates = Certificates(tmp_path / "tls")
    with watched(tmp_path, certificates) as sentinel:
        store = await open_url(f"rediss+sentinel://{sentinel.address}/mymaster?{tls_options(certificates)}")
        assert (await subscribe(store, "news", "bob")).changed


@pytest.mark.parametrize(
    ("wrong", "words"), [("ca", "TLS connection: .*certificate"), ("none", "(?i)certificate required|no sentinel")]
)
async def test_what_is_wrong_with_tls_to_the_sentinels_is_said(
    tmp_path: Path, open_url: OpenUrl, wrong: str, words: str
) -> None:
    certificates, others = Certificates(tmp_path / "tls"), Certificates(tmp_path / "others")
    options = {"ca": {"ssl_ca_certs": others.ca_file}, "none": {"ssl_certfile": None, "ssl_keyfile": None}}[wrong]
    with watched(tmp_path, certificates) as sentinel:
        with pytest.raises((Misconfigured, StoreUnavailable), match=words) as caught:
            await open_url(f"rediss+sentinel://{sentinel.address}/mymaster?{tls_options(certificates, **options)}")
        assert wrong == "none" or caught.type is Misconfigured


async def test_the_master_is_not_asked_in_the_clear_where_the_sentinels_speak_tls(
    tmp_path: Path, open_url: OpenUrl
) -> None:
    certificates = Certificates(tmp_path / "tls")
    with (
        Redis(tmp_path / "master") as master,
        Sentinel(tmp_path / "sentinel", master, "tls-replication no", tls=certificates) as sentinel,
    ):
        url = f"rediss+sentinel://{sentinel.address}/mymaster?{tls_options(certificates)}"
        with pytest.raises(StoreUnavailable):
            await open_url(url, timeout_s=1)
