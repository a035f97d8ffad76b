"""No secret in any output: passwords and keys are put wherever one can be, right and wrong ones, and looked for."""

import asyncio
import contextlib
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from redis import Redis as Client

from gearhorn.cmd import exits
from gearhorn.config import Config
from gearhorn.errors import GearhornError
from gearhorn.store.opening import StoreSettings, open_store
from tests.servers.certificates import Certificates, encrypted
from tests.servers.gearman import Geard
from tests.servers.process import wait_until
from tests.servers.standalone import clean_environment
from tests.servers.stores import Redis, Sentinel

# Each is looked for in all that is said. None needs quoting, so that it looks the same in a URL.
SIGNING_SECRET = "5e5a4e5e5a4e5e5a4e5e5a4e5e5a4e5e5a4e5e5a4e5e5a4e5e5a4e5e5a4e5e5a"
SECRETS = ("SesameRight", "SesameWrong", "SesameSentinel", "SesameKey", SIGNING_SECRET[:20])

LIMIT_S = 60


def check(text: str) -> None:
    for secret in SECRETS:
        place = text.lower().find(secret.lower())
        assert place < 0, f"…{text[max(0, place - 300) : place + 300]}…"


class Site:
    """A Redis, sentinels and a Gearman server, all of them with passwords or certificates."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.folder = folder
        self.certificates = Certificates(folder / "pki")
        self.redis = stack.enter_context(Redis(folder / "redis-server", "--requirepass", "SesameRight"))
        lines = ("requirepass SesameSentinel", "sentinel auth-pass mymaster SesameRight")
        self.sentinel = stack.enter_context(Sentinel(folder / "sentinel-server", self.redis, *lines))
        self.geard = stack.enter_context(Geard(folder / "geard", tls=self.certificates))
        for name in ("right", "wrong", "sentinel", "key"):
            self.write(name, f"Sesame{name.title()}\n")
        self.key = folder / "locked.key"
        self.key.write_bytes(encrypted(self.certificates.client_key, "SesameKey"))
        self.key.chmod(0o600)
        self.write("keys.toml", f'[mine]\nsecret = "{SIGNING_SECRET}"\npublish = ["*"]\nsubscribe = ["*"]\n')

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def settings(self, name: str, *store: str, key_password: str = "key", more: str = "") -> Path:
        lines = [
            "[DEFAULT]\nlog_level = debug\n[gearman]\ntls = true",
            f"servers = {self.geard.address}\nca_file = {self.certificates.ca_file}",
            f"cert_file = {self.certificates.client_certificate}\nkey_file = {self.key}",
            f"key_password_file = {self.folder / key_password}",
            "[store]\ntimeout = 1\nretry_timeout = 0.5",
            *store,
            f"[signing]\nkeys_file = {self.folder / 'keys.toml'}\n[matchmaking]\nlease_ttl = 2\n{more}",
        ]
        return self.write(name, "\n".join(lines))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with contextlib.ExitStack() as stack:
        yield Site(tmp_path_factory.mktemp("site"), stack)


def stores(site: Site) -> dict[str, list[str]]:
    """Ways to name the store with its password, most of them wrong."""
    redis, sentinel = site.redis.address, f"redis+sentinel://:SesameRight@{site.sentinel.address}/mymaster"
    return {
        "url": [f"url = redis://:SesameRight@{redis}"],
        "file": [f"url = redis://{redis}", f"password_file = {site.folder / 'right'}"],
        "credential": [f"url = redis://{redis}", "password_file = right"],
        "sentinels": [f"url = {sentinel}", "sentinel_password_file = sentinel"],
        "wrong url": [f"url = redis://:SesameWrong@{redis}"],
        "wrong user": [f"url = redis://SesameWrong:SesameWrong@{redis}"],
        "wrong file": [f"url = redis://{redis}", "password_file = wrong"],
        "wrong sentinels": [f"url = {sentinel}?sentinel_password=SesameWrong"],
        "twice": [f"url = redis://:SesameRight@{redis}", "password_file = wrong"],
        "nobody there": ["url = redis://:SesameRight@127.0.0.1:1"],
        "tls": [f"url = rediss://:SesameRight@{redis}?ssl_password=SesameWrong"],
        "misspelt": [f"url = redis://:SesameRight@{redis}?pasword=SesameWrong"],
        "slash": [f"url = redis://:Sesame/SesameWrong@{redis}"],
        "hash": [f"url = redis://:Sesame#SesameWrong@{redis}"],
        "port": [f"url = redis://{redis}:SesameWrong"],
        "no scheme": ["url = :SesameWrong@host"],
        "other scheme": ["url = rediz://:SesameWrong@host"],
        "memcached": ["url = memcached://me:SesameWrong@host"],
        "sqlite": [f"url = sqlite:///{site.folder}/x.db", "password_file = wrong"],
        "syntax": ["url = redis://host", ":SesameWrong@host/0 is the rest"],
        "no option": ["password = SesameWrong"],
        "section": ["[SesameWrong"],
        "two lines": ["url = redis://:SesameRight\n  SesameWrong@host"],
        "substitution": ["url = redis://:$SesameWrong@host"],
    }


STORES = [
    *("url", "file", "credential", "sentinels", "wrong url", "wrong user", "wrong file", "wrong sentinels", "twice"),
    *("nobody there", "tls", "misspelt", "slash", "hash", "port", "no scheme", "other scheme", "memcached", "sqlite"),
    *("syntax", "no option", "section", "two lines", "substitution"),
]
RIGHT = ("url", "file", "credential", "sentinels")


def environment(site: Site) -> Mapping[str, str]:
    return {**clean_environment(site.folder), "CREDENTIALS_DIRECTORY": str(site.folder), "PYTHONASYNCIODEBUG": "1"}


@contextlib.contextmanager
def started(site: Site, words: Sequence[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs a command within the block, and looks into what it has said after its end."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-X", "dev", "-m", "gearhorn", *words],
            env=environment(site),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
        process.terminate()
        process.wait(LIMIT_S)
    finally:
        process.kill()
        process.wait()
    check(log.read_text())


def seen_from_outside(pid: int) -> str:
    """What everybody on the host sees of a process, and what its owner does."""
    return "".join(Path(f"/proc/{pid}/{name}").read_bytes().decode("latin-1") for name in ("cmdline", "environ"))


def run(site: Site, log: Path, *words: str) -> tuple[int, str]:
    with started(site, words, log) as process:
        status = process.wait(LIMIT_S)
    return status, log.read_text()


@pytest.mark.parametrize("store", ["url", "sentinels", "wrong url", "nobody there", "slash", "syntax", "substitution"])
def test_a_command_that_reads_the_store_shows_no_secret(site: Site, store: str, tmp_path: Path) -> None:
    settings = f"--config-file={site.settings('store.conf', *stores(site)[store])}"
    status, text = run(site, tmp_path / "topics", "topics", settings)
    assert (status == 0) == (store in RIGHT), text
    assert "Traceback" not in text
    if store in ("url", "wrong url"):  # the others are no different there
        run(site, tmp_path / "subscribers", "subscribers", "news", settings, "--json")
        run(site, tmp_path / "workers", "workers", settings, "--json")


@pytest.mark.parametrize("store", ["file", "credential", "sentinels", "wrong url", "wrong sentinels", "nobody there"])
def test_the_service_shows_no_secret_when_it_starts(site: Site, store: str, tmp_path: Path) -> None:
    settings = f"--config-file={site.settings('start.conf', *stores(site)[store])}"
    log = tmp_path / "worker"

    def has_gone_as_far_as_it_can(worker: "subprocess.Popen[bytes]") -> bool:
        """It ends by itself where the operator has to mend something, and waits for a store that is away."""
        return worker.poll() is not None or any(word in log.read_text() for word in (" ready: ", "waiting for it"))

    with started(site, ["worker", settings], log) as worker:
        wait_until(lambda: has_gone_as_far_as_it_can(worker), "the service to serve, wait or end", LIMIT_S)
        assert (" ready: " in log.read_text()) == (store in RIGHT), log.read_text()
        if worker.poll() is None:
            check(seen_from_outside(worker.pid))


def everything_in(client: Client) -> str:
    readers = {"string": ["GET"], "set": ["SMEMBERS"], "hash": ["HGETALL"], "zset": ["ZRANGE"], "list": ["LRANGE"]}
    dump = []
    for key in client.keys("*"):
        (reader,) = readers[kind := client.type(key)]
        dump.append(repr((key, client.execute_command(reader, key, *(["0", "-1"] * (kind in ("zset", "list")))))))
    return "\n".join(dump)


@contextlib.contextmanager
def another_password(site: Site, client: Client) -> Iterator[None]:
    """The sentinel cannot ask the master meanwhile, and takes it to be down until it has again."""
    client.config_set("requirepass", "another")
    client.execute_command("CLIENT KILL TYPE NORMAL SKIPME YES")
    yield
    client.config_set("requirepass", "SesameRight")
    client.execute_command("CLIENT KILL TYPE NORMAL SKIPME YES")  # the sentinel would keep the one that was refused
    restored_s = time.monotonic()
    with Client(port=site.sentinel.port, password="SesameSentinel", decode_responses=True) as sentinel:

        def is_up() -> bool:
            """It looks up yet, too, while the sentinel has not missed an answer."""
            master = sentinel.sentinel_master("mymaster")
            since_ms = (time.monotonic() - restored_s) * 1000
            return master["flags"] == "master" and int(master["last-ok-ping-reply"]) < since_ms

        wait_until(is_up, "the master to be up", LIMIT_S)


def test_a_service_at_work_shows_no_secret_whatever_happens_to_it(site: Site, tmp_path: Path) -> None:
    """Lists, leases, jobs of every kind, and a store whose password is changed."""
    settings = f"--config-file={site.settings('work.conf', *stores(site)['url'])}"
    signed = ["--sign-key=mine", settings]
    log = tmp_path / "worker"
    with (
        Client(unix_socket_path=str(site.redis.socket_path), password="SesameRight", decode_responses=True) as client,
        started(site, ["worker", settings], log) as worker,
    ):
        wait_until(lambda: " ready: " in log.read_text(), "the service", LIMIT_S)
        assert run(site, tmp_path / "subscribe", "subscribe", "news", "bob", *signed)[0] == 0
        assert run(site, tmp_path / "publish", "publish", "news", "hello", *signed)[0] == 0
        assert run(site, tmp_path / "forbidden", "unsubscribe", "news", "bob", *signed)[0] != 0
        assert run(site, tmp_path / "other", "publish", "news", "hello", "--sign-key=other", settings)[0] != 0
        assert run(site, tmp_path / "nothing", "listen", "", *signed)[0] != 0
        stored = everything_in(client)
        assert "bob" in stored
        check(stored)
        check(seen_from_outside(worker.pid))
        with another_password(site, client):
            assert run(site, tmp_path / "late", "subscribe", "news", "carl", "--timeout=2", *signed)[0] != 0


TOPICS = {"publish": ["news", "x"], "subscribe": ["news", "bob"], "unsubscribe": ["news", "bob"], "listen": ["news"]}


def words_of(site: Site, command: str, key_password: str, folder: Path) -> list[str]:
    settings = site.settings("key.conf", "url = memory://", key_password=key_password)
    words = [command, *TOPICS.get(command, []), f"--config-file={settings}"]
    if command == "standalone":
        certificates = site.certificates
        words += [f"--ssl-ca={certificates.ca_file}", f"--ssl-cert={certificates.server_certificate}", "--port=0"]
        words += [f"--ssl-key={certificates.server_key}", f"--data-dir={folder}"]
    return words


@pytest.mark.parametrize("command", ["worker", "standalone", *TOPICS])
def test_a_wrong_password_of_a_key_is_not_shown(site: Site, command: str, tmp_path: Path) -> None:
    status, text = run(site, tmp_path / "log", *words_of(site, command, "wrong", tmp_path))
    assert status == exits.MISCONFIGURED
    assert "Traceback" not in text
    assert "the password is not that of the key" in text


@pytest.mark.parametrize("command", ["worker", "standalone"])
def test_the_password_of_a_key_is_not_shown(site: Site, command: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started(site, words_of(site, command, "key", tmp_path), log) as process:
        wait_until(lambda: " ready: " in log.read_text() or process.poll() is not None, "the service", LIMIT_S)
        assert process.poll() is None, log.read_text()
        check(seen_from_outside(process.pid))


@pytest.mark.parametrize("command", ["worker", "publish", "topics"])
def test_help_shows_no_setting(site: Site, command: str, tmp_path: Path) -> None:
    settings = site.settings("gearhorn.conf", *stores(site)["url"])
    (site.folder / ".gearhorn").mkdir()  # where oslo.config looks by itself
    settings.rename(site.folder / ".gearhorn" / "gearhorn.conf")
    try:
        assert run(site, tmp_path / "help", command, "--help")[0] == 0
    finally:
        shutil.rmtree(site.folder / ".gearhorn")


# What a program sees that uses our classes


async def use(settings: StoreSettings) -> None:
    store = open_store(settings)
    check(repr(store))
    try:
        await store.open()
        await store.topics()
    finally:
        await store.close()


@pytest.mark.parametrize("store", STORES)
def test_no_exception_shows_a_secret(site: Site, store: str) -> None:
    """Nor those that it came from: a traceback shows them all."""
    settings = f"--config-file={site.settings('python.conf', *stores(site)[store])}"
    try:
        config = Config([settings], environ=environment(site))
        check(repr(config) + repr(config.link_settings()) + repr(config.tls_settings()))
        check(repr(config.store_settings()))
        asyncio.run(use(config.store_settings()))
    except GearhornError as error:
        assert store not in RIGHT
        check("".join(traceback.format_exception(error)))
    else:
        assert store in RIGHT
