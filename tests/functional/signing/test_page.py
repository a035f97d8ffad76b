"""The page on signing is true: vectors and programs, and what it promises that they do."""

import hmac
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gearhorn.signing.envelope import Claims, find_envelope, read_claims, seal
from gearhorn.signing.keys import parse_keys
from tests.functional.contract.house import GEARMAN
from tests.functional.signing.page import (
    SECRET,
    Vector,
    blocks,
    run_c,
    run_perl,
    run_php,
    run_python,
    vectors,
)
from tests.functional.signing.scene import Scene
from tests.servers.commands import run_gearhorn

PHP, PHP_PUBLISHES = blocks("php")
PERL, PERL_PUBLISHES = blocks("perl")
PYTHON = blocks("python")[-1]
(C,) = blocks("c")

# Made by every program from the same keys and values in the same order. The last one has UTF-8 in it.
ASCII_VECTORS = vectors()[:-1]

all_vectors = pytest.mark.parametrize("vector", vectors(), ids=range(len(vectors())))
ascii_vectors = pytest.mark.parametrize("vector", ASCII_VECTORS, ids=range(len(ASCII_VECTORS)))


def envelope_of(vector: Vector) -> dict[str, str]:
    return {"signed": vector.signed, "key": "web", "hmac": vector.hmac}


@all_vectors
def test_the_vectors_are_right(vector: Vector) -> None:
    assert hmac.new(bytes.fromhex(SECRET), vector.signed.encode(), "sha256").hexdigest() == vector.hmac
    envelope = find_envelope(json.dumps(envelope_of(vector)).encode())
    assert envelope is not None
    assert envelope.is_by(bytes.fromhex(SECRET))
    assert read_claims(envelope.signed, vector.body["job"]).nonce == vector.body["nonce"]


def test_gearhorn_signs_as_the_page_says() -> None:
    body = seal('{"topic":"news","payload":"Grüße"}'.encode(), "web", bytes.fromhex(SECRET), Claims("fanout", 1.5, "n"))
    envelope = json.loads(body)
    assert json.loads(envelope["signed"]) == {
        "topic": "news", "payload": "Grüße", "job": "fanout", "time": 1.5, "nonce": "n"
    }  # fmt: skip
    assert envelope["hmac"] == hmac.new(bytes.fromhex(SECRET), envelope["signed"].encode(), "sha256").hexdigest()


@ascii_vectors
def test_php(vector: Vector, tmp_path: Path) -> None:
    code = PHP + "echo signed($argv[1], json_decode($argv[2], true), 'web', $argv[3]);"
    said = run_php(code, tmp_path, vector.body["job"], vector.signed, SECRET)
    assert json.loads(said) == envelope_of(vector)


@ascii_vectors
def test_perl(vector: Vector, tmp_path: Path) -> None:
    code = PERL + "print signed($ARGV[0], JSON::PP->new->utf8->decode($ARGV[1]), 'web', $ARGV[2]);"
    said = run_perl(code, tmp_path, vector.body["job"], vector.signed, SECRET)
    assert json.loads(said) == envelope_of(vector)


@ascii_vectors
def test_python(vector: Vector, tmp_path: Path) -> None:
    code = PYTHON + "\nimport sys\nprint(signed(sys.argv[1], json.loads(sys.argv[2]), 'web', sys.argv[3]).decode())"
    said = run_python(code, tmp_path, vector.body["job"], vector.signed, SECRET)
    assert json.loads(said) == envelope_of(vector)


def test_c(tmp_path: Path) -> None:
    main = """
int main(int argc, char **argv)
{
    unsigned char secret[32];
    for (int i = 0; i < 32; i++)
        secret[i] = i;
    for (int i = 1; i < argc; i++) {
        write_signed(stdout, argv[i], "web", secret, 32);
        putchar('\\n');
    }
}
"""
    lines = run_c(C + main, tmp_path, *(vector.signed for vector in vectors())).splitlines()
    assert [json.loads(line) for line in lines] == [envelope_of(vector) for vector in vectors()]


def test_the_keys_file_that_is_shown_can_be_read() -> None:
    (text,) = blocks("toml")
    keys = parse_keys(text, lambda name: {"host-17.secret": SECRET}[name])
    assert keys["web"].may("fanout", "orders.eu")
    assert not keys["host-17"].may_name("host-18")


# Published through a real server, with signatures required.


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("page")
    with GEARMAN["gearmand"](folder / "server") as server, Scene(folder, server) as scene:
        scene.do("subscribe", "admin", client_id="bob")
        yield scene


def placed(code: str, scene: Scene, folder: Path) -> str:
    """As on the page, but for the server and the file with the secret."""
    (folder / "web.secret").write_text(tomllib.loads(scene.keys_file.read_text())["web"]["secret"] + "\n")
    placed = code.replace("4730", str(scene.server.port)).replace("/etc/web.secret", str(folder / "web.secret"))
    return placed.replace("'topic' => 'news'", "'background' => true, 'topic' => 'news'").replace(
        "{ topic => 'news'", "{ background => JSON::PP::true, topic => 'news'"
    )


def test_php_publishes(scene: Scene, tmp_path: Path) -> None:
    assert run_php(PHP + placed(PHP_PUBLISHES, scene, tmp_path), tmp_path) == "1"
    assert scene.delivered("news", "bob") == ["Grüße".encode()]


def test_perl_publishes(scene: Scene, tmp_path: Path) -> None:
    assert run_perl(PERL + placed(PERL_PUBLISHES, scene, tmp_path), tmp_path) == "1"
    assert scene.delivered("news", "bob") == ["Grüße".encode()]


def test_python_publishes(scene: Scene, tmp_path: Path) -> None:
    secret = tomllib.loads(scene.keys_file.read_text())["web"]["secret"]
    body = "{'topic': 'news', 'payload': 'Grüße', 'background': True}"
    code = PYTHON + f"\nprint(signed('fanout', {body}, 'web', '{secret}').decode())"
    assert scene.ask("fanout", run_python(code, tmp_path).encode()).data == b"1"
    assert scene.delivered("news", "bob") == ["Grüße".encode()]


def test_the_command_line_publishes_subscribes_and_listens(scene: Scene, tmp_path: Path) -> None:
    server, sign = f"--gearman={scene.server.address}", ["--sign-key=admin", f"--sign-keys-file={scene.keys_file}"]
    assert run_gearhorn(tmp_path, "subscribe", server, *sign, "orders", "eve").returncode == 0
    by_environment = {"GEARHORN_SIGN_KEY": "admin", "GEARHORN_SIGN_KEYS_FILE": str(scene.keys_file)}
    assert run_gearhorn(tmp_path, "publish", server, "orders", "x", environ=by_environment).returncode == 0
    assert scene.delivered("orders", "eve") == [b"x"]
    refused = run_gearhorn(tmp_path, "publish", server, "orders", "x")
    assert (refused.returncode, refused.stderr) == (2, "gearhorn: signed: topic 'orders' takes signed jobs only\n")
    assert run_gearhorn(tmp_path, "unsubscribe", server, *sign, "orders", "eve").returncode == 0


def test_gearhorn_makes_keys(tmp_path: Path) -> None:
    text = run_gearhorn(tmp_path, "keys", "new", "web-2027", "--publish", "orders.*", "--publish", "näws").stdout
    text += run_gearhorn(tmp_path, "keys", "new", "a.b", "--subscribe=*", "--client-ids=host-?").stdout
    keys = parse_keys(text, str)
    assert len(keys["web-2027"].secret) == 32
    assert keys["web-2027"].may("fanout", "orders.eu")
    assert keys["web-2027"].may("fanout", "näws")
    assert not keys["web-2027"].may("subscribe", "orders.eu")
    assert keys["a.b"].may("subscribe", "x")
    assert keys["a.b"].may_name("host-1")
    assert not keys["a.b"].may_name("eve")
    wrong = run_gearhorn(tmp_path, "keys", "new", "a b")
    assert wrong.returncode == 2


def test_gearhorn_makes_keys_for_programs(tmp_path: Path) -> None:
    words = ("--publish=orders", "--client-ids=host-?", "--json")
    told = json.loads(run_gearhorn(tmp_path, "keys", "new", "web", *words).stdout)
    assert told.keys() == {"web"}
    assert len(told["web"].pop("secret")) == 64
    assert told["web"] == {"publish": ["orders"], "subscribe": [], "unsubscribe": [], "client_ids": ["host-?"]}
