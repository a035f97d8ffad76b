"""What a keys file may say, and how a wrong one is refused: with a line that names the key and tells no secret."""

import base64

import pytest

from gearhorn.errors import Misconfigured
from gearhorn.signing.keys import Key, decode_secret, parse_keys

SECRET = bytes(range(32))
HEX = SECRET.hex()


def parse(text: str) -> dict[str, Key]:
    return parse_keys(text, lambda name: {"file": f"{HEX}\n"}[name])


def test_a_key_may_do_nothing_unless_told_so() -> None:
    key = parse(f'[web]\nsecret = "{HEX}"')["web"]
    assert not any(key.may(job, "news") for job in ("fanout", "subscribe", "unsubscribe"))
    assert key.may_name("anybody")


def test_each_right_is_its_own() -> None:
    for right, job in {"publish": "fanout", "subscribe": "subscribe", "unsubscribe": "unsubscribe"}.items():
        key = parse(f'[web]\nsecret = "{HEX}"\n{right} = ["news"]')["web"]
        assert [each for each in ("fanout", "subscribe", "unsubscribe") if key.may(each, "news")] == [job]


@pytest.mark.parametrize(
    "text", [HEX, HEX.upper(), base64.b64encode(SECRET).decode(), f" {HEX}\n", f"{base64.b64encode(SECRET).decode()}\n"]
)
def test_a_secret_is_hexadecimal_or_base64(text: str) -> None:
    assert decode_secret(text) == SECRET


def test_digits_that_could_be_both_are_hexadecimal() -> None:
    assert len(decode_secret("ab" * 16)) == 16


@pytest.mark.parametrize(
    "text", ["", "ab" * 15, "q", HEX + "z", "ß" * 32, base64.b64encode(SECRET[:15]).decode(), "-_" * 16]
)
def test_other_secrets_are_refused_and_not_shown(text: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        decode_secret(text)
    assert not text or text not in str(caught.value)


def test_times_have_a_zone() -> None:
    key = parse(f'[web]\nsecret = "{HEX}"\nnot_before = 1970-01-01T00:00:10Z\nnot_after = 1970-01-01T01:00:20+01:00')[
        "web"
    ]
    assert (key.not_before_s, key.not_after_s) == (10.0, 20.0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[web", "is not TOML"),
        ('web = "x"', "key 'web': is no table"),
        ("[web]", "key 'web': needs either secret or secret_file"),
        (f'[web]\nsecret = "{HEX}"\nsecret_file = "file"', "key 'web': needs either"),
        ("[web]\nsecret = 1", "key 'web': secret is no string"),
        ('[web]\nsecret = "abc"', "key 'web': the secret "),
        (f'[web]\nsecret = "{HEX}"\npublish = "news"', "key 'web': publish is no list"),
        (f'[web]\nsecret = "{HEX}"\nclient_ids = [1]', "key 'web': client_ids is no list"),
        (f'[web]\nsecret = "{HEX}"\npublsh = ["news"]', "key 'web': 'publsh' means nothing"),
        (f'[web]\nsecret = "{HEX}"\nnot_after = 2026-01-01T00:00:00', "key 'web': not_after is no time with its zone"),
        (f'[web]\nsecret = "{HEX}"\nnot_before = 2026-01-01', "key 'web': not_before is no time"),
        (f'[web]\nsecret = "{HEX}"\nnot_before = "now"', "key 'web': not_before is no time"),
        (f'["we b"]\nsecret = "{HEX}"', "'we b' is no key id"),
        (f'[""]\nsecret = "{HEX}"', "'' is no key id"),
        (f'[web.old]\nsecret = "{HEX}"', "key 'web': 'old' means nothing"),
        (f'[a]\nsecret = "{HEX}"\n[b]\nsecret_file = "file"', "keys 'a' and 'b' have the same secret"),
    ],
)
def test_a_slip_is_refused_by_name(text: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=r"^[^\n]+$") as caught:
        parse(text)
    assert reason in str(caught.value)
    assert HEX not in str(caught.value)


def test_a_key_shows_no_secret() -> None:
    assert HEX not in repr(parse(f'[web]\nsecret = "{HEX}"'))
    assert repr(SECRET) not in repr(parse(f'[web]\nsecret = "{HEX}"'))
