import subprocess
import sys

import pytest

from gearhorn.errors import Misconfigured
from gearhorn.store.opening import StoreSettings, open_store

GOOD = [
    "sqlite:///lists.db",
    "sqlite:////var/lib/lists.db",
    "redis://localhost",
    "redis://:secret@localhost:6380/3",
    "redis://[::1]:6380/3",
    "rediss://user:secret@localhost?ssl_ca_certs=/ca.pem",
    "unix:///run/redis.sock?db=1",
    "redis+sentinel://one,two:26380/mymaster/2",
    "rediss+sentinel://one,two:26380/mymaster/2?ssl_check_hostname=false&sentinel_password=x",
    "memcached://localhost",
    "memcached://one:11211,two:11212,[::1]:11213",
    "memory://",
]

# Each has `s3cret` where somebody might have a password, also by mistake.
BAD = {
    "": "no scheme",
    "s3cret": "no scheme",
    "localhost:6379": "no scheme",
    "postgres://user:s3cret@host": "no store has the URL scheme postgres://",
    "user:s3cret@host/://": "no store has the URL scheme",
    "Redis://host": "no store has the URL scheme",
    "redis://": "names no host",
    "redis://user:s3cret@": "names no host",
    "redis://user:s3cret@:6379": "is not HOST:PORT",
    "redis://host:": "port",
    "redis://host:s3cret": "port",
    "redis://host:65536": "port",
    "redis://host:0": "port",
    "redis://host:+1": "port",
    "redis://host:6379:1": "is not HOST:PORT",
    "redis://[::1": "is not HOST:PORT",
    "redis://[::1]6379": "is not HOST:PORT",
    "redis://::1": "is not HOST:PORT",
    "redis://one,two": "one host",
    "redis://host/s3cret": "database",
    "redis://host/-1": "database",
    "redis://host/1/2": "database",
    "redis://host?db=s3cret": "database",
    "redis://user:s3c/ret@host": "after the host",
    "redis://user:12/s3cret@host": "after the host",
    "redis://user:s3c?ret@host": "after the host",
    "redis://user:s3c#ret@host": "has a #",
    "redis://s3cret@host": "no password",
    "redis://host?s3cret": "options",
    "redis://host?tiemout=5": "'tiemout'",
    "redis://host?ssl_ca_certs=/ca.pem": "'ssl_ca_certs'",
    "rediss://host?ssl_check_hostname=perhaps": "ssl_check_hostname",
    "rediss://host?ssl_cert_reqs=never": "ssl_cert_reqs",
    "unix://": "unix:///path",
    "unix://run/redis.sock": "unix:///path",
    "redis+sentinel://host": "names the master",
    "redis+sentinel://host/": "names the master",
    "redis+sentinel:///mymaster": "names no host",
    "redis+sentinel://host,/mymaster": "is not HOST:PORT",
    "redis+sentinel://host/mymaster/s3cret": "database",
    "redis+sentinel://host/mymaster?ssl_ca_certs=/ca.pem": "'ssl_ca_certs'",
    "rediss+sentinel://host": "names the master",
    "rediss+sentinel://host/mymaster?ssl_cert_reqs=never": "ssl_cert_reqs in the rediss+sentinel",
    "memcached://": "names no host",
    "memcached://host:port": "port",
    "memcached://user:s3cret@host": "knows no user",
    "memcached://host/0": "nothing after",
    "memcached://host?timeout=1": "'timeout'",
    "sqlite://": "sqlite:///relative",
    "sqlite://lists.db": "sqlite:///relative",
    "sqlite://var/lib/lists.db": "sqlite:///relative",
    "sqlite:///": "sqlite:///relative",
    "sqlite:///lists.db?timeout=5": "no options",
    "sqlite:///lists#1.db": "no options",
    "memory://lists": "nothing after",
    "memory:///": "nothing after",
}


@pytest.mark.parametrize("url", GOOD)
async def test_a_good_url_makes_a_store_without_connecting(url: str) -> None:
    await open_store(StoreSettings(url)).close()


@pytest.mark.parametrize(("url", "reason"), BAD.items())
def test_a_bad_url_is_refused_in_one_line_that_says_why_and_shows_no_secret(url: str, reason: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        open_store(StoreSettings(url))
    message = str(caught.value)
    assert reason in message
    assert "\n" not in message
    assert "s3c" not in message
    assert caught.value.__cause__ is None  # which could show it in a traceback


@pytest.mark.parametrize("prefix", ["", "with space", "é", "line\n", "x" * 65, "a/b"])
def test_a_prefix_that_not_every_tool_bears_is_refused(prefix: str) -> None:
    with pytest.raises(Misconfigured, match="prefix"):
        open_store(StoreSettings("memory://", prefix=prefix))


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan")])
def test_a_time_limit_that_is_none_is_refused(timeout_s: float) -> None:
    with pytest.raises(Misconfigured, match="limit"):
        open_store(StoreSettings("memory://", timeout_s=timeout_s))


@pytest.mark.parametrize("url", ["memory://", "sqlite:///lists.db"])
def test_the_libraries_of_other_stores_are_not_imported(url: str) -> None:
    program = f"""
import sys
from gearhorn.store.opening import StoreSettings, open_store
open_store(StoreSettings({url!r}))
assert not {{"redis", "pymemcache"}} & set(sys.modules), "imported"
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_settings_show_the_defaults_of_the_service() -> None:
    assert StoreSettings() == StoreSettings("sqlite:////var/lib/gearhorn/gearhorn.db", "gearhorn", 5.0)


def test_settings_do_not_show_the_url_which_may_hold_a_password() -> None:
    assert "s3cret" not in repr(StoreSettings("redis://:s3cret@host"))
