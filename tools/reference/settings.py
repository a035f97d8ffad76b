"""The options of the configuration as plain values, read from the objects that oslo.config gets."""

from collections.abc import Iterator
from dataclasses import dataclass

from oslo_config import cfg

from gearhorn.options import list_opts

_KINDS = {
    cfg.StrOpt: "text",
    cfg.BoolOpt: "true or false",
    cfg.IntOpt: "whole number",
    cfg.FloatOpt: "number",
    cfg.ListOpt: "list, with commas between",
    cfg.DictOpt: "list of name:value, with commas between",
    cfg.PortOpt: "port number",
    cfg.HostAddressOpt: "host",
    cfg.MultiStrOpt: "text, may be repeated",
}


@dataclass(frozen=True)
class Setting:
    """Texts as they would stand in a file; `choices` has each value with what it means."""

    section: str
    name: str
    kind: str
    default: str
    help: str
    minimum: str = ""
    maximum: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    is_mutable: bool = False

    @property
    def written(self) -> str:
        return f"[{self.section}] {self.name}"

    @property
    def bounds(self) -> str:
        if self.minimum and self.maximum:
            return f"{self.minimum} to {self.maximum}"
        return f"at least {self.minimum}" if self.minimum else f"at most {self.maximum}" if self.maximum else ""


@dataclass(frozen=True)
class Section:
    name: str
    settings: tuple[Setting, ...]


def read_sections() -> tuple[Section, ...]:
    return tuple(_sections())


def _sections() -> Iterator[Section]:
    for group, options in list_opts():
        name = group or "DEFAULT"
        yield Section(name, tuple(_setting(name, option) for option in options))


def _setting(section: str, option: cfg.Opt) -> Setting:
    kind = option.type
    choices = getattr(kind, "choices", None) or {}
    return Setting(
        section=section,
        name=option.name,
        kind="one of these" if choices else _KINDS.get(type(option), getattr(kind, "type_name", "text")),
        default=_written(option.default),
        help=" ".join((option.help or "").split()),
        minimum=_bound(kind, "min"),
        maximum=_bound(kind, "max"),
        choices=tuple((str(value), " ".join((meaning or "").split())) for value, meaning in choices.items()),
        is_mutable=bool(option.mutable),
    )


def _bound(kind: object, name: str) -> str:
    value = getattr(kind, name, None)
    return "" if value is None else _written(value)


def _written(value: object) -> str:
    """As in a file; empty for what has no default."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ",".join(f"{key}:{each}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value)
