"""The keys file on disk: who may read it, and when a change counts."""

from pathlib import Path

import pytest

from gearhorn.errors import Misconfigured
from gearhorn.signing.key_file import LOOK_INTERVAL_S, KeyFile
from tests.unit.signing.scene import write_keys

ONE, OTHER = "ab" * 32, "cd" * 32


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def pass_by(self) -> None:
        self.now_s += LOOK_INTERVAL_S


def key(secret: str, key_id: str = "web") -> str:
    return f'[{key_id}]\nsecret = "{secret}"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_keys(tmp_path / "keys.toml", key(ONE))


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o601, 0o660, 0o620])
def test_a_file_that_others_can_read_or_the_group_write_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(Misconfigured, match=f"chmod 600 {path}"):
        KeyFile(str(path))


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o440, 0o700])
def test_the_group_may_read_it(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert KeyFile(str(path)).keys()["web"].secret.hex() == ONE


def test_the_same_holds_for_secret_files(path: Path) -> None:
    secret = path.with_name("web.secret")
    write_keys(secret, ONE)
    write_keys(path, '[web]\nsecret_file = "web.secret"')
    assert KeyFile(str(path)).keys()["web"].secret.hex() == ONE
    secret.chmod(0o644)
    with pytest.raises(Misconfigured, match=r"key 'web': .*web\.secret can be read by others"):
        KeyFile(str(path))


def test_names_are_looked_for_among_the_credentials_first(path: Path, tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    write_keys(credentials / "keys.toml", '[web]\nsecret_file = "web.secret"')
    write_keys(credentials / "web.secret", OTHER)
    assert KeyFile("keys.toml", str(credentials)).keys()["web"].secret.hex() == OTHER
    assert KeyFile(str(path), str(credentials)).keys()["web"].secret.hex() == ONE


@pytest.mark.parametrize(
    "make", [Path.unlink, lambda path: path.write_bytes(b"\xff"), lambda path: path.write_text("[")]
)
def test_at_the_start_the_file_has_to_be_right(path: Path, make: object) -> None:
    make(path)  # type: ignore[operator]
    with pytest.raises(Misconfigured, match=r"^the keys file [^\n]+$"):
        KeyFile(str(path))


def test_a_change_counts_when_the_file_is_looked_at_again(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    file = KeyFile(str(path), now_s=clock)
    write_keys(path, key(ONE) + key(OTHER, "next"))
    assert set(file.keys()) == {"web"}
    clock.pass_by()
    assert set(file.keys()) == {"web", "next"}
    assert ONE not in caplog.text


def test_so_does_a_change_of_a_secret_file(path: Path) -> None:
    clock = Clock()
    secret = path.with_name("web.secret")
    write_keys(secret, ONE)
    write_keys(path, '[web]\nsecret_file = "web.secret"')
    file = KeyFile(str(path), now_s=clock)
    clock.pass_by()
    assert file.keys()["web"].secret.hex() == ONE
    secret.unlink()
    write_keys(secret, OTHER)
    clock.pass_by()
    assert file.keys()["web"].secret.hex() == OTHER


def test_with_a_broken_file_the_old_keys_stay_and_it_is_said_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    file = KeyFile(str(path), now_s=clock)
    write_keys(path, f'[web]\nsecret = "{OTHER}x"\n')
    for _ in range(5):
        clock.pass_by()
        assert file.keys()["web"].secret.hex() == ONE
    assert caplog.text.count("the keys from before stay") == 1
    assert OTHER not in caplog.text
    path.unlink()
    for _ in range(5):
        clock.pass_by()
        assert file.keys()["web"].secret.hex() == ONE
    assert caplog.text.count("the keys from before stay") == 2
    write_keys(path, key(OTHER))
    clock.pass_by()
    assert file.keys()["web"].secret.hex() == OTHER


def test_a_file_that_was_opened_to_others_is_not_taken(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    file = KeyFile(str(path), now_s=clock)
    write_keys(path, key(OTHER) + "\n")
    path.chmod(0o666)
    clock.pass_by()
    assert file.keys()["web"].secret.hex() == ONE
    assert "can be read by others" in caplog.text
