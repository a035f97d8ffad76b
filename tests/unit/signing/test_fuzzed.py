"""Signed jobs that were spoilt at random: each is answered, none runs into a bug, and none is served."""

import json
from random import Random

import pytest

from gearhorn.store.base import Subscribe
from tests.unit.signing.scene import ADMIN, Scene, signed, wrap

COUNT = 1500

PIECES = (b'"', b"\\", b"{", b"}", b",", b":", b'"signed":', b'"key":', b"\xff", b"\0", b"null", b"1e999", b"\\ud800")


def spoilt(body: bytes, chance: Random) -> bytes:
    data = bytearray(body)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[at : at + chance.randint(1, 30)]
            case 2:
                data[at:at] = chance.choice(PIECES)
            case 3:
                data[at:at] = data[: chance.randint(1, 60)]
            case _:
                data[at:] = b""
    return bytes(data)


async def test_whatever_is_spoilt_outside_is_refused(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    chance = Random(1)
    for _ in range(COUNT):
        queue, job = chance.choice([("fanout", "fanout"), ("subscribe_fanout", "subscribe")])
        good = signed(job, "admin", topic="spoilt")
        body = spoilt(good, chance)
        try:
            means_the_same = json.loads(body) == json.loads(good)
        except (ValueError, RecursionError):
            means_the_same = False
        how, text = await scene.do(queue, body)
        assert how == "refused" or means_the_same, body
        assert b"bug" not in text
    assert "Traceback" not in caplog.text


async def test_whatever_is_signed_gets_an_answer(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """By somebody who has the key, and a bug."""
    await scene.store.apply([Subscribe("orders", "eve")])
    chance = Random(2)
    for _ in range(COUNT):
        good = json.loads(signed("fanout", "admin"))["signed"].encode()
        text = spoilt(good, chance).decode("utf-8", "surrogateescape")
        how, said = await scene.do("fanout", wrap(text, "admin", ADMIN))
        assert (how, said) == ("complete", b"0") or how == "refused"
        assert b"bug" not in said
    assert "Traceback" not in caplog.text
