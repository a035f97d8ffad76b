"""Every option that is marked mutable reaches every part of a running worker that goes by it."""

import asyncio
import dataclasses
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from gearhorn.config import Config
from gearhorn.daemon.service import Daemon
from gearhorn.daemon.stop import Stop
from gearhorn.options import GROUPS
from gearhorn.store.memory import MemoryStore
from tests.servers.certificates import Certificates

MUTABLE = [(group, option) for group, options in GROUPS.items() for option in options if option.mutable]
LEAVES = (int, float, str, bytes, bool, type(None), frozenset)

# What the tests say of a value where another one cannot be made up: both files.
OTHERS = {
    "ca_file": "{folder}/ca.pem",
    "cert_file": "{folder}/client.pem",
    "key_file": "{folder}/client.key",
    "key_password_file": "{folder}/password",
    "policies": "logs.*:drop",
    "required_topics": "orders.*",
    "dead_letter_queue": "undelivered",
    "dead_letter_file": "/tmp/undelivered",
    "log_level": "debug",
    "log_format": "json",
    "policy": "pause",
    "refuse_with": "failure",
    "check_hostname": "false",
}
# Tokens and times.
CHANCE = ("_heard_at_s", "_lead_s", "_looked_s", "_name", "_started_at_s", "_token", "token")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adjusting")
    pki = Certificates(folder / "pki")
    for name, source in (
        ("usual.pem", pki.ca_file),
        ("ca.pem", pki.ca_file),
        ("client.pem", pki.client_certificate),
        ("client.key", pki.client_key),
    ):
        (folder / name).write_bytes(Path(source).read_bytes())
        (folder / name).chmod(0o600)
    with (folder / "usual.pem").open("a") as file:
        file.write("\n")  # the same, and another file
    (folder / "password").write_text("sesame\n")
    (folder / "keys.toml").write_text("")
    for name in ("password", "keys.toml"):
        (folder / name).chmod(0o600)
    return folder


def other_value(option: cfg.Opt, folder: Path) -> str:
    if option.name in OTHERS:
        return OTHERS[option.name].format(folder=folder)
    return str(type(option.default)(option.default + 2))  # another one, and within its bounds


def config_with(folder: Path, names: list[str]) -> Config:
    """The usual one with other values for these options: TLS and keys are on, which some of them need."""
    usual_ca = "" if "ca_file" in names else f"ca_file = {folder}/usual.pem\n"  # the system's take long to read
    lines = [
        f"[gearman]\ntls = true\n{usual_ca}",
        f"[signing]\nkeys_file = {folder}/keys.toml\n",
        "[matchmaking]\nworker_id = w\n",
    ]
    for group, option in MUTABLE:
        if option.name in names:
            lines.append(f"[{group or 'DEFAULT'}]\n{option.name} = {other_value(option, folder)}\n")
    file = folder / "gearhorn.conf"
    file.write_text("".join(lines))
    return Config([f"--config-file={file}"])


def leaves_of(thing: object, path: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, object]]:
    """All numbers and words in the parts that belong to a daemon, by how they are reached."""
    seen = set() if seen is None else seen
    if isinstance(thing, ssl.SSLContext):
        thing = thing.check_hostname
    if isinstance(thing, LEAVES):
        yield path, thing
        return
    if not _is_frozen(thing):  # settings are everywhere, and in no circle
        if id(thing) in seen:
            return
        seen.add(id(thing))
    for name, value in _inside(thing):
        yield from leaves_of(value, f"{path}.{name}", seen)


def _is_frozen(thing: object) -> bool:
    return isinstance(thing, tuple) or (
        dataclasses.is_dataclass(thing) and bool(getattr(type(thing), "__dataclass_params__").frozen)  # noqa: B009
    )


def _inside(thing: object) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, dict):
        yield from ((str(key), value) for key, value in thing.items())
    elif isinstance(thing, list | tuple):
        yield from ((str(number), value) for number, value in enumerate(thing))
    elif type(thing).__module__.startswith("gearhorn."):
        names = {*getattr(thing, "__dict__", ()), *(slot for each in type(thing).__mro__ for slot in _slots(each))}
        yield from ((name, getattr(thing, name)) for name in sorted(names) if hasattr(thing, name))


def _slots(kind: type) -> tuple[str, ...]:
    slots = getattr(kind, "__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def daemon_of(config: Config) -> Daemon:
    return Daemon(config.daemon_settings(), MemoryStore(), Stop())


def differences(one: Daemon, other: Daemon) -> set[str]:
    first, second = dict(leaves_of(one)), dict(leaves_of(other))
    paths = {path for path in first.keys() | second.keys() if first.get(path) != second.get(path)}
    return {path for path in paths if path.rpartition(".")[2] not in CHANCE}


@pytest.mark.parametrize("left_out", ["dead_letter_queue", "dead_letter_file"])
async def test_a_worker_that_was_adjusted_is_as_one_that_was_started_with_the_settings(
    folder: Path, left_out: str
) -> None:
    names = [option.name for _, option in MUTABLE if option.name != left_out]
    usual, other = config_with(folder, []), config_with(folder, names)
    assert differences(daemon_of(other), daemon_of(other)) == set()
    adjusted = daemon_of(usual)
    before = differences(adjusted, daemon_of(other))
    adjusted.adjust(other.daemon_settings())
    assert differences(adjusted, daemon_of(other)) == set()
    assert len(before) > 2 * len(names)
    await asyncio.sleep(0)


@pytest.mark.parametrize(("group", "option"), MUTABLE, ids=[f"{group}-{option.name}" for group, option in MUTABLE])
async def test_each_of_them_changes_something(group: str | None, option: cfg.Opt, folder: Path) -> None:
    needed = {"cert_file": ["key_file"], "key_file": ["cert_file"], "key_password_file": ["cert_file", "key_file"]}
    names = needed.get(option.name, [])
    usual, other = config_with(folder, names), config_with(folder, [*names, option.name])
    if option.name in ("cert_file", "key_file"):  # neither can be without the other
        usual = config_with(folder, [])
    if group is None:
        assert usual.log_settings() != other.log_settings()
    elif option.name == "key_password_file":
        assert usual.tls_settings() != other.tls_settings()
    else:
        assert differences(daemon_of(usual), daemon_of(other))
