"""A context that trusts whom it should, and says which file is wrong. Handshakes are made in memory."""

import ssl
from pathlib import Path

import pytest

from gearhorn.errors import Misconfigured
from gearhorn.net.tls import TlsSettings, client_context
from tests.servers.certificates import Certificates, encrypted


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("others"))


@pytest.fixture
def server(ours: Certificates) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ours.ca_file)
    context.load_cert_chain(ours.server_certificate, ours.server_key)
    return context


def shake_hands(
    client: ssl.SSLContext, server: ssl.SSLContext, name: str | None
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both ends after the handshake. Raises ssl.SSLError when one of them refuses."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    left = set(ends)
    for _ in range(10):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            left.discard(end)
        if not left:
            break
    assert not left
    return ends[0], ends[1]


def settings(ours: Certificates, **more: object) -> TlsSettings:
    return TlsSettings(ca_file=str(ours.ca_file), **more)  # type: ignore[arg-type]


def test_a_server_of_the_right_authority_and_name_is_trusted(ours: Certificates, server: ssl.SSLContext) -> None:
    client, _ = shake_hands(client_context(settings(ours)), server, "127.0.0.1")
    assert client.version() == "TLSv1.3"


def test_a_server_that_speaks_tls_1_2_only_is_spoken_to(ours: Certificates, server: ssl.SSLContext) -> None:
    """geard is one."""
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    client, _ = shake_hands(client_context(settings(ours)), server, "localhost")
    assert client.version() == "TLSv1.2"


def test_a_server_of_another_authority_is_refused(others: Certificates, server: ssl.SSLContext) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(client_context(settings(others)), server, "127.0.0.1")


def test_a_server_of_no_known_authority_is_refused(server: ssl.SSLContext) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(client_context(TlsSettings()), server, "127.0.0.1")


def test_a_server_of_another_name_is_refused(ours: Certificates, server: ssl.SSLContext) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        shake_hands(client_context(settings(ours)), server, "gearman.example.org")


def test_another_name_is_accepted_where_names_are_not_checked(ours: Certificates, server: ssl.SSLContext) -> None:
    context = client_context(settings(ours, check_hostname=False))
    client, _ = shake_hands(context, server, "gearman.example.org")
    assert client.version() is not None


def test_another_authority_is_refused_even_where_names_are_not_checked(
    others: Certificates, server: ssl.SSLContext
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(client_context(settings(others, check_hostname=False)), server, None)


def test_the_clients_certificate_is_shown_to_a_server_that_asks(ours: Certificates, server: ssl.SSLContext) -> None:
    server.verify_mode = ssl.CERT_REQUIRED
    files = {"cert_file": str(ours.client_certificate), "key_file": str(ours.client_key)}
    _, shown = shake_hands(client_context(settings(ours, **files)), server, "127.0.0.1")
    certificate = shown.getpeercert()
    assert certificate is not None
    assert (("commonName", "a client"),) in certificate["subject"]


def test_certificate_and_key_may_be_one_file(ours: Certificates, server: ssl.SSLContext, tmp_path: Path) -> None:
    server.verify_mode = ssl.CERT_REQUIRED
    both = tmp_path / "both.pem"
    both.write_bytes(ours.client_certificate.read_bytes() + ours.client_key.read_bytes())
    _, shown = shake_hands(client_context(settings(ours, cert_file=str(both))), server, "127.0.0.1")
    assert shown.getpeercert() is not None


@pytest.fixture
def files(ours: Certificates, others: Certificates, tmp_path: Path) -> dict[str, str]:
    """The names of files, right and wrong."""
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("this is no certificate\n")
    (tmp_path / "locked.key").write_bytes(encrypted(ours.client_key))
    return {
        "none": "",
        "ca": str(ours.ca_file),
        "cert": str(ours.client_certificate),
        "key": str(ours.client_key),
        "other key": str(others.client_key),
        "missing": str(tmp_path / "missing"),
        "folder": str(tmp_path),
        "empty": str(tmp_path / "empty"),
        "text": str(tmp_path / "text"),
        "locked key": str(tmp_path / "locked.key"),
    }


@pytest.mark.parametrize(
    ("ca", "cert", "key", "wrong", "reason"),
    [
        ("missing", "none", "none", "missing", "No such file"),
        ("folder", "none", "none", "folder", ""),
        ("empty", "none", "none", "empty", "NO_CERTIFICATE_OR_CRL_FOUND"),
        ("text", "none", "none", "text", "NO_CERTIFICATE_OR_CRL_FOUND"),
        ("key", "none", "none", "key", "NO_CERTIFICATE_OR_CRL_FOUND"),
        ("ca", "missing", "key", "missing", "No such file"),
        ("ca", "cert", "missing", "missing", "No such file"),
        ("ca", "text", "key", "text", ""),
        ("ca", "cert", "text", "text", ""),
        ("ca", "cert", "none", "cert", ""),
        ("ca", "cert", "other key", "other key", "KEY_VALUES_MISMATCH"),
        ("ca", "cert", "locked key", "locked key", "is encrypted"),
        ("ca", "none", "key", "key", "no certificate for it"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    files: dict[str, str], ca: str, cert: str, key: str, wrong: str, reason: str
) -> None:
    settings = TlsSettings(ca_file=files[ca], cert_file=files[cert], key_file=files[key])
    with pytest.raises(Misconfigured) as caught:
        client_context(settings)
    text = str(caught.value)
    assert repr(files[wrong]) in text
    assert reason in text
    assert len(text.splitlines()) == 1
