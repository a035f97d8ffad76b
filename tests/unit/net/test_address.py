"""Addresses as people write them, right and wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.errors import Misconfigured
from gearhorn.net.address import Address, parse_address, parse_addresses, parse_listen


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("gearman", "gearman", 4730),
        ("gearman:7003", "gearman", 7003),
        ("gearman.example.org.:1", "gearman.example.org.", 1),
        ("127.0.0.1:65535", "127.0.0.1", 65535),
        ("  127.0.0.1:4731\n", "127.0.0.1", 4731),
        ("[::1]", "::1", 4730),
        ("[::1]:4731", "::1", 4731),
        ("[fe80::1%eth0]:4731", "fe80::1%eth0", 4731),
        ("::1", "::1", 4730),
        ("2001:db8::4730", "2001:db8::4730", 4730),
        ("bücher.example:4730", "bücher.example", 4730),
        ("under_score", "under_score", 4730),
        ("host:0099", "host", 99),
    ],
)
def test_an_address_is_understood(text: str, host: str, port: int) -> None:
    assert parse_address(text) == Address(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        ":4730",
        "host:",
        "host:0",
        "host:65536",
        "host:-1",
        "host:+1",
        "host:4730x",
        "host:4 730",
        "host:٤",
        "host:" + "9" * 5000,
        "[::1",
        "[::1]x",
        "[::1]4730",
        "[::1]:",
        "[::1]:x",
        "[]:4730",
        "[host]:4730",
        "::1]:4730",
        "a host",
        "a\tb",
        "a\0b",
        "a\x7fb",
        "host:4730:4731",
        "10.0.0.1:4730:4730",
        "http://host:4730",
        "gearman://host",
        "host/4730",
        "a..b",
        ".",
        "x" * 64,
        "user@host",
    ],
)
def test_what_is_no_address_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(Misconfigured, match=r"is no server address") as caught:
        parse_address(text)
    assert len(str(caught.value).splitlines()) == 1


def test_a_port_alone_is_no_host_but_a_slip() -> None:
    with pytest.raises(Misconfigured, match=r"'9473' .* a port without a host, as in localhost:9473"):
        parse_listen("9473", 9473)


@given(st.text(max_size=20))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except Misconfigured:
        return
    assert parse_address(str(address)) == address


@pytest.mark.parametrize("text", ["host:4731", "[::1]:4731"])
def test_an_address_is_shown_as_it_is_written(text: str) -> None:
    assert str(parse_address(text)) == text


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], []),
        ([""], []),
        (["a,b:1"], ["a:4730", "b:1"]),
        (["a", "b", "a:4730"], ["a:4730", "b:4730"]),
        ([" a , ,b,"], ["a:4730", "b:4730"]),
        (["b,a", "[::1]:1"], ["b:4730", "a:4730", "[::1]:1"]),
    ],
)
def test_several_addresses_are_taken_in_order_and_once(texts: list[str], expected: list[str]) -> None:
    assert [str(address) for address in parse_addresses(texts)] == expected


def test_one_wrong_address_among_several_is_refused() -> None:
    with pytest.raises(Misconfigured, match="'b:x'"):
        parse_addresses(["a,b:x"])


# Where to listen


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9474", Address("127.0.0.1", 9474)),
        (" localhost ", Address("localhost", 80)),
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("[::1]:0", Address("::1", 0)),
        ("[::]:99", Address("::", 99)),
        ("::1", Address("::1", 80)),
        (":9474", Address("", 9474)),
        (":0", Address("", 0)),
    ],
)
def test_one_may_listen_on_all_addresses_and_on_any_port(text: str, address: Address) -> None:
    assert parse_listen(text, 80) == address


@pytest.mark.parametrize(
    "text", ["", ":", "host:", "host:x", ":65536", "host:00", "http://host:80", "a b:1", "[::1", ":-1"]
)
def test_what_is_no_address_to_listen_on_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured):
        parse_listen(text, 80)
