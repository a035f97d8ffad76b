"""Who signs: each time anew, and without telling the secret."""

import json
from pathlib import Path

import pytest

from gearhorn.client.requests import fanout_body, subscription_body
from gearhorn.client.signatures import ready
from gearhorn.errors import Misconfigured
from gearhorn.signing.envelope import NONCE, find_envelope, read_claims
from gearhorn.signing.signer import Signer
from tests.unit.signing.conftest import MakeScene
from tests.unit.signing.scene import NOW_S, WEB, write_keys

SECRET = WEB.hex()


def test_each_signature_has_a_nonce_of_its_own_and_the_time() -> None:
    signer = Signer("web", SECRET, lambda: 17.5)
    envelopes = [find_envelope(signer.sign("fanout", b'{"topic":"news"}')) for _ in range(100)]
    claims = [read_claims(each.signed, "fanout") for each in envelopes if each is not None and each.is_by(WEB)]
    assert len({each.nonce for each in claims}) == 100
    assert {each.time for each in claims} == {17.5}
    assert all(NONCE.fullmatch(each.nonce) for each in claims)


def test_a_body_is_signed_anew_for_each_attempt() -> None:
    make = ready(b'{"topic":"news"}', "fanout", Signer("web", SECRET))
    assert make() != make()
    assert ready(b'{"topic":"news"}', "fanout", None)() == b'{"topic":"news"}'


@pytest.mark.parametrize(
    "payload",
    [
        "hello",
        "Grüße 😀",
        b"\xff\0",
        {"signed": 1},
        None,
        1.5,
        '"signed"',
        "\x00\n\\",
    ],
)
async def test_the_service_takes_what_is_signed(make_scene: MakeScene, payload: object) -> None:
    scene, signer = make_scene(), Signer("web", SECRET, lambda: NOW_S)
    body = fanout_body("news", payload, background=True, unique="ü", exclude=["bob"])
    assert await scene.do("fanout", signer.sign("fanout", body)) == ("complete", b"0")


async def test_it_takes_changes_too(make_scene: MakeScene) -> None:
    scene = make_scene()
    signer = Signer("admin", bytes(range(64, 96)).hex(), lambda: NOW_S)
    body = subscription_body("näws", "bob", 60)
    assert await scene.do("subscribe_fanout", signer.sign("subscribe", body)) == ("complete", b"")
    assert await scene.subscribers("näws") == ["bob"]


def test_all_of_the_body_is_in_what_is_signed() -> None:
    body = fanout_body("news", {"a": [1, 2]}, timeout=3, priority="low")
    inner = json.loads(json.loads(Signer("web", SECRET).sign("fanout", body))["signed"])
    assert {key: inner[key] for key in json.loads(body)} == json.loads(body)


def test_it_shows_no_secret() -> None:
    assert SECRET not in repr(Signer("web", SECRET))
    assert repr(WEB) not in repr(Signer("web", SECRET))


@pytest.mark.parametrize(("key_id", "secret"), [("we b", SECRET), ("", SECRET), ("web", "abc"), ("web", "")])
def test_what_is_no_key_is_refused(key_id: str, secret: str) -> None:
    with pytest.raises(Misconfigured):
        Signer(key_id, secret)


def test_it_comes_from_a_keys_file(tmp_path: Path) -> None:
    path = write_keys(tmp_path / "keys.toml")
    envelope = find_envelope(Signer.from_file("web", str(path)).sign("fanout", b'{"topic":"news"}'))
    assert envelope is not None
    assert envelope.is_by(WEB)
    with pytest.raises(Misconfigured, match="has no key 'nobody'"):
        Signer.from_file("nobody", str(path))
