"""Who may do what by the ACL file, and what the admin commands on it answer. No server is asked."""

from pathlib import Path

import pytest

from gearhorn.cmd.geard.rights import OWN, Entry, Rights, answer, read_rights
from gearhorn.errors import Misconfigured


def rights() -> Rights:
    return Rights({"bob": Entry(r"news_\w+", r"fanout\.news"), "admin": Entry(grant=True)})


def test_a_pattern_stands_for_the_whole_name() -> None:
    assert rights().canInvoke("bob", b"fanout.news")
    for name in (b"fanout.newsroom", b"xfanout.news", b"fanout", b"fanoutxnews", b"", b"fanout.news\n"):
        assert not rights().canInvoke("bob", name)


def test_both_rights_are_apart() -> None:
    assert rights().canRegister("bob", b"news_bob")
    assert not rights().canInvoke("bob", b"news_bob")
    assert not rights().canRegister("bob", b"fanout.news")


@pytest.mark.parametrize("subject", [None, "", "eve", "Bob", "admin", b"bob", object()])
def test_nobody_else_may_do_anything(subject: object) -> None:
    assert not rights().canRegister(subject, b"news_bob")
    assert not rights().canInvoke(subject, b"fanout.news")


def test_the_service_in_the_process_may_do_everything_but_administer() -> None:
    assert rights().canRegister(OWN, b"fanout")
    assert rights().canInvoke(OWN, b"anything at all")
    assert answer(rights(), OWN, b"acl grant invoke eve .*") == b"ERR PERMISSION_DENIED\n"
    assert answer(rights(), OWN, b"acl self-revoke all") == b"ERR UNKNOWN_ACL_VERB\n"


@pytest.mark.parametrize("pattern", ["", ".*"])
def test_names_that_are_not_utf_8_fit_like_any_other(pattern: str) -> None:
    assert Rights({"bob": Entry(invoke=pattern)}).canInvoke("bob", b"\xff\xfe") is bool(pattern)


@pytest.mark.parametrize(
    "command",
    [
        b"acl",
        b"acl ",
        b"acl grant",
        b"acl grant invoke",
        b"acl grant invoke bob",
        b"acl grant everything bob .*",
        b"acl grant grant",
        b"acl revoke",
        b"acl revoke invoke",
        b"acl revoke everything bob",
        b"acl self-revoke",
        b"acl self-revoke everything",
        b"acl list all",
        b"acl \xff\xfe",
    ],
)
def test_what_is_no_command_changes_nothing_and_is_answered(command: bytes) -> None:
    mine = rights()
    assert answer(mine, "admin", command) == b"ERR UNKNOWN_ACL_VERB\n"
    assert mine == rights()


def test_a_pattern_that_is_none_is_refused() -> None:
    mine = rights()
    assert answer(mine, "admin", b"acl grant invoke bob (").startswith(b"ERR UNABLE '(' is no regular expression")
    assert mine == rights()


def test_a_pattern_may_have_spaces() -> None:
    mine = rights()
    assert answer(mine, "admin", b"acl grant register eve  a b|c d \r") == b"OK\n"
    assert mine.entries["eve"] == Entry(register="a b|c d")


def test_what_is_granted_stands_beside_what_was_there() -> None:
    mine = rights()
    for command in (b"acl grant grant bob", b"acl grant invoke bob x"):
        assert answer(mine, "admin", command) == b"OK\n"
    assert mine.entries["bob"] == Entry(r"news_\w+", "x", grant=True)


def test_who_has_nothing_left_is_forgotten() -> None:
    mine = rights()
    assert answer(mine, "bob", b"acl self-revoke register") == b"OK\n"
    assert mine.entries["bob"] == Entry(invoke=r"fanout\.news")
    assert answer(mine, "bob", b"acl revoke invoke bob") == b"OK\n"
    assert list(mine.entries) == ["admin"]
    assert answer(mine, "bob", b"acl self-revoke all") == b"OK\n"
    assert answer(mine, "admin", b"acl revoke all nobody") == b"OK\n"
    assert list(mine.entries) == ["admin"]


def test_the_list_is_as_geards_and_whole_for_who_may_grant() -> None:
    lines = (
        b"admin\tregister=None\tinvoke=None\tgrant=True\nbob\tregister=news_\\w+\tinvoke=fanout\\.news\tgrant=False\n"
    )
    assert answer(rights(), "admin", b"acl list") == lines + b".\n"
    assert answer(rights(), "bob", b"acl list") == lines.splitlines(keepends=True)[1] + b".\n"
    assert answer(rights(), None, b"acl list") == b".\n"


def test_without_rights_there_is_nothing_to_administer() -> None:
    assert answer(None, "admin", b"acl list") == b"ERR ACL_DISABLED\n"


def test_a_file_as_geards_is_read(tmp_path: Path) -> None:
    file = tmp_path / "acl"
    file.write_text("# who\n[a host.example.org]\nregister = .*\nINVOKE: a%b=c\n[admin]\ngrant = yes\n[nobody]\n")
    assert read_rights(file) == Rights(
        {"a host.example.org": Entry(".*", "a%b=c"), "admin": Entry(grant=True), "nobody": Entry()}
    )


@pytest.mark.parametrize(
    "text",
    ["[a]\n[a]\n", "[a]\nregister=x\nregister=y\n", "register = .*\n", "[a]\ngrants = yes\n", "[a]\ninvoke = *\n"],
)
def test_a_file_that_is_not_plain_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "acl"
    file.write_text(text)
    with pytest.raises(Misconfigured) as caught:
        read_rights(file)
    assert str(caught.value).startswith(f"the ACL file {file}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "acl"
    file.write_bytes(b"[\xff]\n")
    with pytest.raises(Misconfigured, match="utf-8"):
        read_rights(file)
