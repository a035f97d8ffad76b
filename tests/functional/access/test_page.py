"""doc/access.md is true: what it shows is done here, in the order of the page."""

import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis as Client

from tests.functional.access.test_topics_by_certificate import RIGHTS
from tests.servers.commands import run_gearhorn
from tests.servers.gearhorn_worker import GearhornWorker
from tests.servers.gearman import Gearmand
from tests.servers.process import find_program
from tests.servers.standalone import Standalone
from tests.servers.stores import Redis

PAGE = (Path(__file__).parents[3] / "doc" / "access.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\b[^\n]*\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


def block_of(section: str) -> str:
    (found,) = [block for block in blocks("ini") if block.startswith(f"[{section}]")]
    return found


def rights() -> str:
    return block_of("news")


CERTIFICATES, START, USE, ADMINISTRATION = blocks("sh")


def words_of(line: str) -> list[str]:
    """The command's arguments."""
    program, *words = shlex.split(line)
    assert program == "gearhorn"
    return words


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """What runs when the page has been followed down to the start of the server."""
    folder = tmp_path_factory.mktemp("page")
    find_program("openssl")
    subprocess.run(["sh", "-ec", CERTIFICATES], cwd=folder, check=True, capture_output=True, timeout=60)
    (folder / "acl.ini").write_text(rights())
    (folder / "topics.conf").write_text(block_of("worker"))
    command, *words = words_of(START.replace("\\\n", ""))
    assert command == "standalone"
    words = [str(folder / word) if (folder / word).exists() else word for word in words]
    with Standalone(folder, words) as started:
        yield started


def test_the_rights_on_the_page_are_those_that_are_tried() -> None:
    assert rights() == RIGHTS.lstrip("\n")


def test_the_commands_with_a_certificate_work(place: Standalone) -> None:
    for line in USE.splitlines():
        words = [str(place.folder / word) if word.endswith((".pem", ".key")) else word for word in words_of(line)]
        done = run_gearhorn(place.folder, *words, f"--gearman=localhost:{place.port}")
        assert done.returncode == 0, done.stderr


def test_rights_are_changed_with_the_commands_of_the_page(place: Standalone) -> None:
    first, *commands = ADMINISTRATION.splitlines()
    line = shlex.split(first.replace(":4730", f":{place.port}"))
    with subprocess.Popen(line, cwd=place.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as admin:
        try:
            assert admin.stdin is not None
            assert admin.stdout is not None
            answers = []
            for command in commands:
                admin.stdin.write(f"{command}\n")
                admin.stdin.flush()
                answers.append(admin.stdout.readline())
                while command == "acl list" and not answers[-1].endswith(".\n"):
                    answers[-1] += admin.stdout.readline()
        finally:
            admin.kill()
    assert (answers[0], answers[-1]) == ("OK\n", "OK\n")
    assert r"sports	register=None	invoke=(fanout|subscribe_fanout)\.sports	grant=False" in answers[1]


def test_the_redis_user_of_the_page_is_enough_for_the_service(tmp_path: Path) -> None:
    """And for the commands that read the store. What it lacked would be in the log."""
    (line,) = [line for line in PAGE.splitlines() if line.startswith("ACL SETUSER")]
    (tmp_path / "password").write_text("s3cret\n")
    (tmp_path / "password").chmod(0o600)
    settings = tmp_path / "gearhorn.conf"
    with Redis(tmp_path / "redis") as redis, Gearmand(tmp_path / "gearmand") as gearmand:
        settings.write_text(
            f"[store]\nurl = redis://{redis.address}\nusername = gearhorn\npassword_file = {tmp_path / 'password'}\n"
            "[reaper]\ninterval = 1\n"
        )
        with Client(unix_socket_path=str(redis.socket_path)) as client:
            client.execute_command(*line.replace("PASSWORD", "s3cret").split())
        with GearhornWorker([gearmand.address], f"redis://{redis.address}", tmp_path) as worker:
            place = [f"--config-file={settings}"]
            for words in (["subscribe", "news", "bob"], ["publish", "news", "x"]):
                assert run_gearhorn(tmp_path, *words, f"--gearman={gearmand.address}", *place).returncode == 0
            for words in (["topics"], ["subscribers", "news"], ["workers"]):
                assert run_gearhorn(tmp_path, *words, *place).returncode == 0
            time.sleep(2.5)  # it looks at the queues, too
        assert "WARNING" not in worker.log
        assert "ERROR" not in worker.log
