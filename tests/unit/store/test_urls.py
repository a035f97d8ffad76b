import pytest

from gearhorn.errors import Misconfigured
from gearhorn.store.redis_urls import read_url
from gearhorn.store.urls import add_login, holds_secret, split_addresses, split_url


def test_a_url_is_split_into_decoded_parts() -> None:
    url = split_url("redis://user:a%2Fb@one:1,two:2/a%20path/1?x=1&y=a%26b&z=")
    assert (url.scheme, url.userinfo, url.hosts) == ("redis", "user:a%2Fb", "one:1,two:2")
    assert url.path == "/a path/1"
    assert url.options == {"x": "1", "y": "a&b", "z": ""}


def test_what_is_before_the_last_at_sign_of_the_authority_is_the_user() -> None:
    url = split_url("redis://user:p@ss@host")
    assert (url.userinfo, url.hosts) == ("user:p@ss", "host")


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ("host", [("host", 99)]),
        ("host:1", [("host", 1)]),
        ("one,two:65535", [("one", 99), ("two", 65535)]),
        ("[::1]", [("::1", 99)]),
        ("[::1]:1,10.0.0.1:2", [("::1", 1), ("10.0.0.1", 2)]),
    ],
)
def test_addresses_have_the_default_port_unless_they_name_one(hosts: str, expected: list[tuple[str, int]]) -> None:
    assert split_addresses(split_url(f"x://{hosts}"), 99) == expected


@pytest.mark.parametrize("hosts", ["", ",", "one,", ":1", "[]", "[::1]x", "[::1]:", "one:two", "one:1_0", "one:１"])
def test_what_is_no_address_is_refused(hosts: str) -> None:
    with pytest.raises(Misconfigured):
        split_addresses(split_url(f"x://{hosts}"), 99)


def test_a_redis_url_says_where_and_as_whom() -> None:
    target = read_url("redis://us%65r:p%40ss@host:1/2")
    assert target.address == ("host", 1)
    assert target.login == {"username": "user", "password": "p@ss", "db": 2}
    assert target.tls is None
    assert target.name == "Redis at host:1"


def test_a_password_needs_no_user() -> None:
    assert read_url("redis://:pass@host").login == {"username": None, "password": "pass", "db": 0}


def test_a_redis_url_needs_neither_port_nor_login() -> None:
    target = read_url("redis://[::1]/")
    assert target.address == ("::1", 6379)
    assert target.login == {"username": None, "password": None, "db": 0}
    assert target.name == "Redis at [::1]:6379"


def test_tls_checks_certificate_and_host_name_unless_told_not_to() -> None:
    assert read_url("rediss://host").tls == {"ssl_check_hostname": True, "ssl_cert_reqs": "required"}
    lax = read_url("rediss://host?ssl_check_hostname=No&ssl_cert_reqs=none&ssl_ca_certs=/a%20b.pem").tls
    assert lax == {"ssl_check_hostname": False, "ssl_cert_reqs": "none", "ssl_ca_certs": "/a b.pem"}


def test_a_unix_url_names_a_path() -> None:
    target = read_url("unix://:pass@/run/a%20b.sock?db=3")
    assert target.socket_path == "/run/a b.sock"
    assert target.login == {"username": None, "password": "pass", "db": 3}


def test_a_sentinel_url_names_sentinels_and_master_and_keeps_their_logins_apart() -> None:
    target = read_url("redis+sentinel://u:p@one,two:2/mymaster/4?sentinel_username=su&sentinel_password=sp")
    assert target.sentinels == [("one", 26379), ("two", 2)]
    assert target.master == "mymaster"
    assert target.login == {"username": "u", "password": "p", "db": 4}
    assert target.sentinel_login == {"username": "su", "password": "sp"}
    assert target.name == "Redis master mymaster of the sentinels at one:26379, two:2"


def test_parts_that_hold_passwords_show_nothing_of_themselves() -> None:
    assert "s3cret" not in repr(split_url("redis://:s3cret@host"))
    assert "s3cret" not in repr(read_url("redis://:s3cret@host"))


# What was kept apart from the URL


SECRET = "s3cret/?#@:%+&é"


@pytest.mark.parametrize(
    ("url", "username", "password", "expected"),
    [
        ("redis://host", "", SECRET, (None, SECRET)),
        ("redis://host:1/2", "me@home", SECRET, ("me@home", SECRET)),
        ("redis://me@host", "", SECRET, ("me", SECRET)),
        ("redis://m%40e@host", "m@e", SECRET, ("m@e", SECRET)),
        ("redis://:known@host", "me", "", ("me", "known")),
        ("rediss://host?ssl_ca_certs=/ca", "me", SECRET, ("me", SECRET)),
        ("unix:///run/redis?db=1", "me", SECRET, ("me", SECRET)),
        ("redis+sentinel://one,two/main/3", "me", SECRET, ("me", SECRET)),
    ],
)
def test_user_and_password_are_added(url: str, username: str, password: str, expected: tuple[str, str]) -> None:
    target, bare = read_url(add_login(url, username, password)), read_url(url.replace("m%40e@", "").replace("me@", ""))
    assert (target.login["username"], target.login["password"]) == expected
    assert target.login["db"] == bare.login["db"]
    assert (target.address, target.sentinels, target.socket_path) == (bare.address, bare.sentinels, bare.socket_path)


@pytest.mark.parametrize("options", ["", "?db=3", "?sentinel_username=me"])
def test_the_password_of_the_sentinels_is_added(options: str) -> None:
    target = read_url(add_login(f"redis+sentinel://:known@one/main{options}", sentinel_password=SECRET))
    assert target.sentinel_login["password"] == SECRET
    assert target.login["password"] == "known"
    assert target.login["db"] == (3 if "db" in options else 0)


@pytest.mark.parametrize(
    ("url", "login"),
    [
        ("redis://:known@host", {"password": "sesame"}),
        ("redis://you:known@host", {"username": "me"}),
        ("redis+sentinel://one/main?sentinel_password=known", {"sentinel_password": "sesame"}),
        ("redis://host", {"sentinel_password": "sesame"}),
        ("sqlite:////tmp/x.db", {"password": "sesame"}),
        ("memcached://host", {"username": "me"}),
        ("memory://", {"password": "sesame"}),
        ("known", {"password": "sesame"}),
    ],
)
def test_a_login_that_cannot_be_added_is_refused_and_not_shown(url: str, login: dict[str, str]) -> None:
    with pytest.raises(Misconfigured) as caught:
        add_login(url, **login)
    assert "sesame" not in str(caught.value)
    assert "known" not in str(caught.value).replace("knows", "")


def test_a_url_is_as_it_was_without_a_login() -> None:
    assert add_login("anything at all") == "anything at all"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://:sesame@host", True),
        ("redis://:ses/ame@host", True),
        ("me:sesame@host", True),
        ("redis+sentinel://one/main?sentinel_password=sesame", True),
        ("rediss://host?ssl_password=sesame", True),
        ("redis://host/1", False),
        ("memcached://one,two", False),
        ("sqlite:////srv/a@b/x.db", False),
        ("memory://", False),
    ],
)
def test_a_url_with_a_password_is_known_by_its_looks(url: str, expected: bool) -> None:
    assert holds_secret(url) is expected
