"""Who may register and invoke which queues, by the common name of the certificate; and the admin commands on it.

The files, the commands and what they mean are those of gear's own `geard --acl`, except that a pattern stands for the
whole name of a queue: there `fanout\\.news` lets into `fanout.newsroom`, too. As it comes, gear compares names in bytes
with patterns in text, which Python does not allow, so that everybody's connection is closed.
"""

import configparser
import re
from dataclasses import dataclass, field
from pathlib import Path

from gearhorn.errors import GearhornError, Misconfigured
from gearhorn.logs.event import log_for
from gearhorn.logs.events.embedded import GRANT_REFUSED, REVOKE_REFUSED, RIGHT_GRANTED, RIGHT_MISSING, RIGHT_REVOKED

log = log_for(__name__)

OPTIONS = ("register", "invoke", "grant")

# Stands in the place of a common name for the service that runs in the server's own process. No certificate has it.
OWN = object()


class NoPattern(GearhornError):
    """What should be a regular expression is none."""


@dataclass(slots=True)
class Entry:
    """What one common name may do. An empty pattern allows nothing."""

    register: str = ""
    invoke: str = ""
    grant: bool = False


@dataclass(slots=True)
class Rights:
    """The interface of gear.ACL, as far as its server asks. Who has no entry may do nothing."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def canRegister(self, subject: object, name: bytes) -> bool:  # noqa: N802
        return self._may(subject, "register", name)

    def canInvoke(self, subject: object, name: bytes) -> bool:  # noqa: N802
        return self._may(subject, "invoke", name)

    def can_grant(self, subject: object) -> bool:
        return self._entry(subject).grant

    def _may(self, subject: object, verb: str, name: bytes) -> bool:
        may = subject is OWN or _matches(getattr(self._entry(subject), verb), name)
        if not may:
            who = subject or "a certificate without common name"
            log.say(RIGHT_MISSING, subject=who, verb=verb, queue=name.decode("utf-8", "replace"))
        return may

    def _entry(self, subject: object) -> Entry:
        return self.entries.get(subject, Entry()) if isinstance(subject, str) else Entry()


def _matches(pattern: str, name: bytes) -> bool:
    return bool(pattern) and re.fullmatch(pattern, name.decode("utf-8", "surrogateescape")) is not None


def read_rights(path: Path) -> Rights:
    """A section for each common name. Raises Misconfigured, with one line, for what it cannot mean."""
    parser = configparser.RawConfigParser()
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
        return Rights({name: _read_entry(parser, name) for name in parser.sections()})
    except OSError as error:
        raise Misconfigured(f"the ACL file {path} cannot be read: {error.strerror}") from None
    except (configparser.Error, NoPattern, ValueError) as error:
        raise Misconfigured(f"the ACL file {path}: {' '.join(str(error).split())}") from None


def _read_entry(parser: configparser.RawConfigParser, name: str) -> Entry:
    for option in parser[name]:
        if option not in OPTIONS:
            raise ValueError(f"[{name}] {option} is none of {', '.join(OPTIONS)}")
    register, invoke = (_judge(parser.get(name, option, fallback="")) for option in ("register", "invoke"))
    return Entry(register, invoke, parser.getboolean(name, "grant", fallback=False))


def _judge(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise NoPattern(f"{pattern!r} is no regular expression: {error}") from None
    return pattern


def answer(rights: Rights | None, subject: object, command: bytes) -> bytes:
    """What the admin command `acl …` of somebody with the common name `subject` is answered, in gear's words.

    `acl list` shows everything to who may grant, and else one's own entry.
    """
    if rights is None:
        return b"ERR ACL_DISABLED\n"
    words = command.decode("utf-8", "replace").split()
    match words[1:]:
        case ["list"]:
            return _list(rights, subject)
        case ["grant", ("register" | "invoke") as verb, name, _, *_]:
            return _change(rights, subject, name, verb, _pattern_in(command))
        case ["grant", "grant", name]:
            return _change(rights, subject, name, "grant", "")
        case ["revoke", ("register" | "invoke" | "grant" | "all") as verb, name]:
            return _revoke(rights, subject, name, verb)
        case ["self-revoke", ("register" | "invoke" | "grant" | "all") as verb] if isinstance(subject, str):
            return _revoke(rights, subject, subject, verb)
    return b"ERR UNKNOWN_ACL_VERB\n"


def _pattern_in(command: bytes) -> str:
    """`acl grant VERB NAME PATTERN`: the pattern may have spaces in it."""
    return command.decode("utf-8", "replace").split(None, 4)[4].strip()


def _list(rights: Rights, subject: object) -> bytes:
    shown = [name for name in sorted(rights.entries) if rights.can_grant(subject) or name == subject]
    lines = [f"{name}\t{_show(rights.entries[name])}\n" for name in shown]
    return ("".join(lines) + ".\n").encode("utf-8", "replace")


def _show(entry: Entry) -> str:
    return f"register={entry.register or None}\tinvoke={entry.invoke or None}\tgrant={entry.grant}"


def _change(rights: Rights, subject: object, name: str, verb: str, pattern: str) -> bytes:
    if not rights.can_grant(subject):
        log.say(GRANT_REFUSED, by=subject, verb=verb, subject=name)
        return b"ERR PERMISSION_DENIED\n"
    try:
        _set(rights, name, verb, _judge(pattern))
    except NoPattern as error:
        return f"ERR UNABLE {error}\n".encode("utf-8", "replace")
    log.say(RIGHT_GRANTED, by=subject, verb=verb, subject=name, pattern=pattern or "yes")
    return b"OK\n"


def _set(rights: Rights, name: str, verb: str, pattern: str) -> None:
    setattr(rights.entries.setdefault(name, Entry()), verb, pattern or verb == "grant")


def _revoke(rights: Rights, subject: object, name: str, verb: str) -> bytes:
    """Everybody may give up what is theirs."""
    if name != subject and not rights.can_grant(subject):
        log.say(REVOKE_REFUSED, by=subject, verb=verb, subject=name)
        return b"ERR PERMISSION_DENIED\n"
    entry = rights.entries.get(name, Entry())
    for each in OPTIONS if verb == "all" else (verb,):
        setattr(entry, each, False if each == "grant" else "")
    if entry == Entry():
        rights.entries.pop(name, None)
    log.say(RIGHT_REVOKED, by=subject, verb=verb, subject=name)
    return b"OK\n"
