"""Which signed and unsigned jobs are served. What a Gearman server adds to that is in tests/functional/signing."""

import json
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gearhorn.errors import BadRequest
from gearhorn.signing.envelope import find_envelope
from gearhorn.store.base import Subscribe
from tests.unit.signing.conftest import MakeScene
from tests.unit.signing.scene import (
    ADMIN,
    HOST,
    MAX_AGE_S,
    NOW_S,
    SECRETS,
    WEB,
    Envelope,
    Scene,
    signed,
    wrap,
    write_keys,
)

SENT = ("complete", b"0")
CHANGED = ("complete", b"")


async def test_a_key_may_do_what_its_patterns_say(scene: Scene) -> None:
    assert await scene.do("fanout", signed("fanout", "web")) == SENT
    assert await scene.do("fanout", signed("fanout", "web", topic="news.sport")) == SENT
    assert await scene.do("subscribe_fanout", signed("subscribe", "host")) == CHANGED
    assert await scene.do("register_fanout_subscriber", signed("subscribe", "host", client_id="host-2")) == CHANGED
    assert await scene.subscribers("news") == ["host-1", "host-2"]
    assert await scene.do("unsubscribe_fanout", signed("unsubscribe", "host")) == CHANGED
    assert await scene.subscribers("news") == ["host-2"]


@pytest.mark.parametrize(
    ("queue", "job", "key_id", "fields", "reason"),
    [
        ("fanout", "fanout", "web", {"topic": "orders"}, "key: 'web' may not publish to topic 'orders'"),
        ("fanout", "fanout", "web", {"topic": "News"}, "key: 'web' may not publish to topic 'News'"),
        ("fanout", "fanout", "web", {"topic": "newsroom"}, "key: 'web' may not publish to topic 'newsroom'"),
        ("fanout", "fanout", "host", {}, "key: 'host' may not publish to topic 'news'"),
        ("subscribe_fanout", "subscribe", "web", {}, "key: 'web' may not subscribe to topic 'news'"),
        ("subscribe_fanout", "subscribe", "host", {"topic": "news.sport"}, "may not subscribe to topic 'news.sport'"),
        ("unsubscribe_fanout", "unsubscribe", "web", {}, "key: 'web' may not unsubscribe to topic 'news'"),
        ("subscribe_fanout", "subscribe", "host", {"client_id": "eve"}, "key: 'host' may not subscribe client 'eve'"),
        ("unsubscribe_fanout", "unsubscribe", "host", {"client_id": "eve"}, "may not unsubscribe client 'eve'"),
        ("fanout", "fanout", "web", {"topic": "__matchmaking"}, "may not publish to topic '__matchmaking'"),
    ],
)
async def test_a_key_may_do_nothing_else(
    scene: Scene, queue: str, job: str, key_id: str, fields: dict[str, Any], reason: str
) -> None:
    assert reason in await scene.refusal(queue, signed(job, key_id, **fields))


async def test_a_key_cannot_be_taken_for_another(scene: Scene) -> None:
    text = json.dumps({"topic": "news", "payload": "x", "job": "fanout", "time": NOW_S, "nonce": "n" * 16})
    assert (await scene.refusal("fanout", wrap(text, "admin", WEB))).startswith("hmac: ")
    swapped = Envelope(text, "web", WEB) | {"key": "admin"}
    assert (await scene.refusal("fanout", json.dumps(swapped).encode())).startswith("hmac: ")
    assert await scene.refusal("fanout", wrap(text, "nobody", WEB)) == "key: 'nobody' is not known here"


@pytest.mark.parametrize(
    ("queue", "job"),
    [
        ("fanout", "subscribe"),
        ("fanout", "unsubscribe"),
        ("subscribe_fanout", "unsubscribe"),
        ("subscribe_fanout", "fanout"),
        ("unsubscribe_fanout", "subscribe"),
        ("unsubscribe_fanout", "fanout"),
        ("fanout", "publish"),
        ("fanout", ""),
    ],
)
async def test_a_job_is_held_to_the_queue_that_it_was_signed_for(scene: Scene, queue: str, job: str) -> None:
    body = signed(job, "admin", payload="x", client_id="host-1")
    assert (await scene.refusal(queue, body)).startswith("job: the signature is for ")


@pytest.mark.parametrize("age_s", [MAX_AGE_S + 1, 1e9, -MAX_AGE_S - 1, -1e9])
async def test_what_is_too_old_or_too_new_is_refused(scene: Scene, age_s: float) -> None:
    assert (await scene.refusal("fanout", signed("fanout", "web", time=NOW_S - age_s))).startswith("time: ")


@pytest.mark.parametrize("age_s", [MAX_AGE_S - 1, -MAX_AGE_S + 1])
async def test_clocks_may_differ_a_little(scene: Scene, age_s: float) -> None:
    assert await scene.do("fanout", signed("fanout", "web", time=NOW_S - age_s)) == SENT


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"job": None}, "signed"),
        ({"time": None}, "signed"),
        ({"nonce": None}, "signed"),
        ({"time": "1000000"}, "signed"),
        ({"time": True}, "signed"),
        ({"nonce": 1234567890123456}, "signed"),
        ({"nonce": "short"}, "nonce"),
        ({"nonce": "n" * 15}, "nonce"),
        ({"nonce": "n" * 65}, "nonce"),
        ({"nonce": "n" * 16 + "\n"}, "nonce"),
        ({"nonce": "n n n n n n n n n"}, "nonce"),
        ({"nonce": "ü" * 16}, "nonce"),
        ({"signed": "x"}, "signed"),
        ({"signed": "x", "key": "web", "hmac": "0" * 64}, "signed"),
        ({"topic": None}, "topic"),
        ({"payload": None}, "payload"),
    ],
)
async def test_what_is_signed_has_to_be_whole(scene: Scene, fields: dict[str, Any], key: str) -> None:
    assert (await scene.refusal("fanout", signed("fanout", "admin", **fields))).startswith(f"{key}: ")


async def test_a_signed_job_inside_a_signed_job_is_refused_as_such(scene: Scene) -> None:
    inner = json.loads(signed("fanout", "admin"))
    assert await scene.refusal("fanout", signed("fanout", "admin", **inner)) == "signed: has a signed job inside"


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" * 400, "1e308", "NaN", "Infinity"])
async def test_times_beyond_all_bounds_are_refused(scene: Scene, number: str) -> None:
    text = f'{{"topic":"news","payload":"x","job":"fanout","nonce":"0123456789abcdef","time":{number}}}'
    assert re.match("signed: |time: ", await scene.refusal("fanout", wrap(text, "web", WEB)))


async def test_a_key_counts_from_then_until_then(make_scene: MakeScene, keys_file: Path) -> None:
    """As 1970-01-12 13:46:40 UTC is the scene's now."""
    secret, web = "ef" * 32, 'publish = ["news"]'
    for limits, reason in {
        "not_before = 1970-01-12T13:46:41Z": "key: 'new' is not valid yet",
        "not_after = 1970-01-12T13:46:39Z": "key: 'new' is not valid any more",
    }.items():
        write_keys(keys_file, f'[new]\nsecret = "{secret}"\n{web}\n{limits}')
        scene = make_scene()
        assert await scene.refusal("fanout", signed("fanout", "new", bytes.fromhex(secret))) == reason
    limits = "not_before = 1970-01-12T13:46:39Z\nnot_after = 1970-01-12T13:46:41Z"
    write_keys(keys_file, f'[new]\nsecret = "{secret}"\n{web}\n{limits}')
    assert await make_scene().do("fanout", signed("fanout", "new", bytes.fromhex(secret))) == SENT


@pytest.mark.parametrize("text", ["", "null", "[]", "1", '"x"', "{", "{}", "[" * 100_000, "\0", '{"time": 1e999}'])
async def test_what_is_signed_has_to_be_an_object(scene: Scene, text: str) -> None:
    assert (await scene.refusal("fanout", wrap(text, "admin", ADMIN))).startswith("signed: ")


async def test_half_a_surrogate_pair_is_refused(scene: Scene) -> None:
    assert await scene.refusal("fanout", wrap('"\ud800"', "admin", ADMIN))


def test_what_cannot_be_an_envelope_costs_next_to_nothing() -> None:
    """Anybody can send this: as objects of Python these lists would take seconds and most of a gigabyte."""
    lists = b"[" + b"[]," * 8_000_000 + b"1]"
    for body in (b'{"signed":1,"x":%b}' % lists, b'{"signed":%b,"signed":"x","key":"k","hmac":"h"}' % lists):
        tracemalloc.start()
        try:
            with pytest.raises(BadRequest, match="each once, and no others"):
                find_envelope(body)
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak_bytes < 3 * len(body)


GOOD = Envelope(json.dumps({"topic": "news", "payload": "x"}), "admin", ADMIN)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"signed": {"topic": "news"}}, "signed"),
        ({"signed": None}, "signed"),
        ({"signed": 1}, "signed"),
        ({"key": None}, "key"),
        ({"key": ["admin"]}, "key"),
        ({"key": ""}, "key"),
        ({"key": "a\nb"}, "key"),
        ({"key": "a" * 65}, "key"),
        ({"hmac": None}, "hmac"),
        ({"hmac": ""}, "hmac"),
        ({"hmac": "0" * 63}, "hmac"),
        ({"hmac": "0" * 65}, "hmac"),
        ({"hmac": "é" * 64}, "hmac"),
        ({"hmac": GOOD["hmac"].upper()}, "hmac"),
        ({"hmac": GOOD["hmac"] + "\n"}, "hmac"),
        ({"topic": "news"}, "signed"),
        ({"job": "fanout"}, "signed"),
    ],
)
async def test_an_envelope_is_what_it_should_be_and_no_more(scene: Scene, changes: dict[str, Any], key: str) -> None:
    said = await scene.refusal("fanout", json.dumps({**GOOD, **changes}).encode())
    assert re.match(f"{key}: (must be|is no key id|a signed job has the keys)", said)


async def test_another_signature_is_refused(scene: Scene) -> None:
    body = json.dumps({**GOOD, "hmac": "0" * 64}).encode()
    assert await scene.refusal("fanout", body) == "hmac: is not that of key 'admin' for this text"


@pytest.mark.parametrize("missing", ["key", "hmac"])
async def test_an_envelope_has_all_three(scene: Scene, missing: str) -> None:
    body = {key: value for key, value in GOOD.items() if key != missing}
    assert (await scene.refusal("fanout", json.dumps(body).encode())).startswith("signed: ")


@pytest.mark.parametrize("key", ["signed", "key", "hmac"])
@pytest.mark.parametrize("is_first", [True, False])
async def test_a_key_that_comes_twice_is_refused(scene: Scene, key: str, is_first: bool) -> None:
    body = signed("fanout", "web")
    again = json.dumps({key: json.loads(body)[key]}).encode()
    twice = again[:-1] + b"," + body[1:] if is_first else body[:-1] + b"," + again[1:]
    assert (await scene.refusal("fanout", twice)).startswith("signed: ")


async def test_the_topic_that_is_judged_is_the_one_that_is_served(scene: Scene) -> None:
    """Of a key that comes twice the last one counts, for the rights too."""
    await scene.store.apply([Subscribe("orders", "eve")])
    text = f'{{"topic":"news","payload":"x","job":"fanout","time":{NOW_S},"nonce":"0123456789abcdef","topic":"orders"}}'
    assert "may not publish to topic 'orders'" in await scene.refusal("fanout", wrap(text, "web", WEB))


BODY = signed("fanout", "admin")


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, len(BODY) - 1), byte=st.integers(0, 255))
def test_whatever_byte_is_changed_it_is_refused_or_means_the_same(position: int, byte: int) -> None:
    tampered = BODY[:position] + bytes([byte]) + BODY[position + 1 :]
    original = find_envelope(BODY)
    try:
        envelope = find_envelope(tampered)
    except BadRequest:
        return
    secret = None if envelope is None else SECRETS.get(envelope.key_id)
    assert envelope is None or secret is None or envelope == original or not envelope.is_by(secret)


@settings(max_examples=300, deadline=None)
@given(
    field=st.sampled_from(["topic", "payload", "job", "time", "nonce", "unique", "extra"]),
    value=st.one_of(st.text(), st.integers(), st.booleans(), st.none()),
)
def test_whatever_field_is_changed_the_signature_does_not_fit(field: str, value: object) -> None:
    envelope = json.loads(BODY)
    inner = json.loads(envelope["signed"])
    if field in inner and inner[field] == value:
        return
    found = find_envelope(json.dumps({**envelope, "signed": json.dumps({**inner, field: value})}).encode())
    assert found is not None
    assert not found.is_by(ADMIN)


async def test_unsigned_jobs_are_refused_where_signatures_are_required(make_scene: MakeScene) -> None:
    scene = make_scene(required_topics=("news", "orders.*"))
    pair = b'{"topic": "news", "client_id": "bob"}'
    reason = "signed: topic 'news' takes signed jobs only"
    assert await scene.refusal("fanout", b'{"topic": "news", "payload": "x"}') == reason
    assert await scene.refusal("subscribe_fanout", pair) == reason
    assert await scene.refusal("register_fanout_subscriber", pair) == reason
    assert await scene.refusal("unsubscribe_fanout", pair) == reason
    assert "'orders.eu'" in await scene.refusal("fanout", b'{"topic": "orders.eu", "payload": "x"}')
    # an escaped key is still a key, and a repeated one the last one
    assert await scene.refusal("fanout", b'{"t\\u006fpic": "news", "payload": "x"}') == reason
    assert await scene.refusal("fanout", b'{"topic": "free", "topic": "news", "payload": "x"}') == reason
    # who hides the key of an envelope has an unsigned job
    hidden = b'{"s\\u0069gned": "x", "key": "web", "hmac": "", "topic": "news", "payload": "x"}'
    assert await scene.refusal("fanout", hidden) == "signed: this service has no keys to check signatures with"


async def test_unsigned_jobs_are_taken_elsewhere_and_signed_ones_are_checked_there_too(make_scene: MakeScene) -> None:
    scene = make_scene(required_topics=("orders",))
    assert await scene.do("fanout", b'{"topic": "news", "payload": "x"}') == SENT
    assert await scene.do("fanout", b'{"topic": "news", "payload": {"signed": "contract"}}') == SENT
    assert await scene.do("fanout", signed("fanout", "web")) == SENT
    assert "may not publish" in await scene.refusal("fanout", signed("fanout", "host"))
    assert (await scene.refusal("fanout", signed("fanout", "web", HOST))).startswith("hmac: ")
    assert await scene.do("subscribe_fanout", b'{"topic": "news", "client_id": "bob"}') == CHANGED


async def test_a_star_requires_signatures_for_matchmaking_too(scene: Scene) -> None:
    assert "signed jobs only" in await scene.refusal("fanout", b'{"topic": "__matchmaking", "payload": {}}')
    assert await scene.do("fanout", signed("fanout", "admin", topic="__matchmaking", payload={})) == SENT


async def test_a_refusal_never_tells_the_secret_or_the_right_signature(scene: Scene) -> None:
    text = json.dumps({"topic": "news", "payload": "x", "job": "fanout", "time": NOW_S, "nonce": "n" * 16})
    right = Envelope(text, "admin", ADMIN)["hmac"]
    said = await scene.refusal("fanout", wrap(text, "admin", WEB))
    assert right not in said
    assert ADMIN.hex() not in said
    assert Envelope(text, "admin", WEB)["hmac"] not in said
