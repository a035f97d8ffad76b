"""With signatures required, on real servers: who may do what, and what is refused."""

import json
import re
from pathlib import Path

from tests.functional.contract.house import GEARMAN
from tests.functional.facts.raw import Kind
from tests.functional.signing.scene import KEYS, SECRETS, Scene, signed
from tests.servers.commands import run_gearhorn
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.process import wait_until

USED = "nonce: key {!r} has used it before: sign anew to send again"


def test_a_key_may_do_what_it_may_and_nothing_else(scene: Scene) -> None:
    assert scene.do("subscribe", "host-1", client_id="host-1") == ""
    assert scene.do("subscribe", "admin", topic="orders", client_id="eve") == ""
    assert scene.do("fanout", "web", payload="hello", background=True) == "1"
    refused = {
        "key: 'web' may not publish to topic 'orders'": signed("fanout", "web", topic="orders", payload="x"),
        "key: 'web' may not subscribe to topic 'orders'": signed("subscribe", "web", topic="orders", client_id="web"),
        "key: 'web' may not unsubscribe to topic 'orders'": signed(
            "unsubscribe", "web", topic="orders", client_id="eve"
        ),
        "key: 'host-1' may not publish to topic 'news'": signed("fanout", "host-1", payload="x"),
        "key: 'host-1' may not subscribe client 'eve'": signed("subscribe", "host-1", client_id="eve"),
        "key: 'host-1' may not unsubscribe client 'eve'": signed("unsubscribe", "host-1", client_id="eve"),
        "hmac: is not that of key 'admin' for this text": signed("fanout", "web", topic="orders", payload="x")
        | {"key": "admin"},
        "signed: topic 'orders' takes signed jobs only": {"topic": "orders", "payload": "x", "client_id": "eve"},
    }
    for reason, body in refused.items():
        inner = json.loads(body.get("signed", "{}"))
        assert scene.refusal(inner.get("job", "fanout"), body) == reason
    assert scene.refusal("unsubscribe", {"topic": "orders", "client_id": "eve"}).startswith("signed: ")
    assert scene.refusal("subscribe", {"topic": "orders", "client_id": "bob"}).startswith("signed: ")
    assert scene.delivered("orders", "eve") == []
    assert scene.delivered("news", "host-1") == [b"hello"]
    assert scene.do("fanout", "admin", topic="orders", payload="still there", background=True) == "1"
    assert scene.do("unsubscribe", "host-1", client_id="host-1") == ""


def test_a_body_that_was_tampered_with_is_refused_whatever_the_field(scene: Scene) -> None:
    good = signed("fanout", "web", payload="hello", background=True, unique="u", priority="low", extra="x")
    inner = json.loads(good["signed"])
    for field in inner:
        forged = {**inner, field: 1 if field == "time" else "orders"}
        assert scene.refusal("fanout", {**good, "signed": json.dumps(forged)}).startswith("hmac: ")
    for field in good:
        assert re.match("signed: |hmac: |key: ", scene.refusal("fanout", {**good, field: "x" + good[field][1:]}))
    assert scene.refusal("subscribe", good) == "job: the signature is for 'fanout', not for 'subscribe'"


def test_what_is_replayed_or_too_old_or_too_new_is_refused(scene: Scene) -> None:
    body = signed("fanout", "web", payload="hello", background=True)
    with scene.on_worker(0):
        assert scene.ask("fanout", body).kind == Kind.WORK_COMPLETE
        assert scene.refusal("fanout", body) == USED.format("web")
    with scene.on_worker(1):
        assert scene.refusal("fanout", body) == USED.format("web")
    for seconds in (-301, -86400, 302, 86400):
        late = json.loads(signed("fanout", "web", payload="x")["signed"])["time"] + seconds
        assert scene.refusal("fanout", signed("fanout", "web", payload="x", time=late)).startswith("time: ")


def test_changes_that_come_in_another_order_are_refused(scene: Scene) -> None:
    first = signed("subscribe", "host-1", client_id="host-1")
    then = signed("unsubscribe", "host-1", client_id="host-1")
    assert scene.ask("unsubscribe", then).kind == Kind.WORK_COMPLETE
    assert scene.refusal("subscribe", first).startswith("time: a later change of this subscription was made before")
    assert scene.do("subscribe", "host-1", client_id="host-1") == ""
    assert scene.do("unsubscribe", "host-1", client_id="host-1") == ""


def test_keys_come_and_go_without_a_restart(own_scene: Scene) -> None:
    """Rotation, as doc/signing.md has it."""
    scene = own_scene
    new = f'[next]\nsecret = "{SECRETS["next"]}"\npublish = ["news"]\n'
    assert scene.refusal("fanout", signed("fanout", "next", payload="x")) == "key: 'next' is not known here"
    scene.write_keys(KEYS + new)
    for number, worker in enumerate(scene.workers):
        with scene.on_worker(number):
            _ask_until_said(scene, worker, "the keys were read anew: admin, host-1, next, web")
            assert scene.do("fanout", "next", payload="x") == scene.do("fanout", "web", payload="x") == "0"
    scene.write_keys(KEYS.replace("[web]", "[web]\nnot_after = 2020-01-01T00:00:00Z") + new)
    for number in range(2):
        with scene.on_worker(number):
            _ask_until(scene, "key: 'web' is not valid any more")
            assert scene.do("fanout", "next", payload="x") == "0"
    scene.write_keys("[web\n")
    for number, worker in enumerate(scene.workers):
        with scene.on_worker(number):
            _ask_until_said(scene, worker, "; the keys from before stay")
            assert scene.do("fanout", "next", payload="x") == "0"
            assert worker.log.count("; the keys from before stay") == 1


def _ask_until_said(scene: Scene, worker: GearhornWorker, words: str) -> None:
    """A worker looks at the file once a second, when it is asked something."""

    def is_said() -> bool:
        scene.ask("fanout", signed("fanout", "next", payload="x"))
        return words in worker.log

    wait_until(is_said, f"{words!r} in the log")


def _ask_until(scene: Scene, answer: str) -> None:
    def is_answered() -> bool:
        return scene.ask("fanout", signed("fanout", "web", payload="x")).data.decode() == answer

    wait_until(is_answered, answer)


def test_no_secret_is_ever_said(own_scene: Scene, tmp_path: Path) -> None:
    scene = own_scene
    body = signed("fanout", "web", secret=SECRETS["admin"], payload="x")
    right = signed("fanout", "web", **json.loads(body["signed"]))["hmac"]
    said = [scene.refusal("fanout", body), scene.refusal("fanout", {**body, "key": "nobody"})]
    scene.write_keys(KEYS.replace(SECRETS["web"], SECRETS["web"] + "zz"))
    with scene.on_worker(0):
        _ask_until_said(scene, scene.workers[0], "the keys from before stay")
    arguments = [
        "publish",
        f"--gearman={scene.server.address}",
        "--sign-key=nobody",
        f"--sign-keys-file={scene.keys_file}",
    ]
    done = run_gearhorn(tmp_path, *arguments, "news", "x")
    assert done.returncode == 78  # of the keys file that was spoilt above
    shown = scene.log + "".join(said) + done.stdout + done.stderr + "".join(map(_shown_by_ps, scene.workers))
    for hidden in (*SECRETS.values(), right, SECRETS["web"][:16]):
        assert hidden not in shown


def _shown_by_ps(worker: GearhornWorker) -> str:
    assert worker.process is not None
    folder = Path(f"/proc/{worker.process.pid}")
    return (folder / "cmdline").read_text() + (folder / "environ").read_text()


def test_elsewhere_unsigned_jobs_are_taken_and_signatures_checked(tmp_path: Path) -> None:
    with (
        GEARMAN["gearmand"](tmp_path / "server") as server,
        Scene(tmp_path, server, "required_topics = orders, alerts.*") as scene,
    ):
        assert scene.ask("subscribe", {"topic": "news", "client_id": "bob"}).kind == Kind.WORK_COMPLETE
        assert scene.ask("fanout", {"topic": "news", "payload": "hi", "background": True}).data == b"1"
        assert scene.do("fanout", "web", payload="hi", background=True) == "1"
        assert "may not publish" in scene.refusal("fanout", signed("fanout", "host-1", payload="hi"))
        assert scene.refusal("fanout", {"topic": "alerts.disk", "payload": "hi"}).startswith("signed: ")
