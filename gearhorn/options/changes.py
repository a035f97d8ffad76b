"""What differs between two readings of the options, and how it is shown: no secret is."""

from dataclasses import dataclass

from oslo_config import cfg

from gearhorn.options import GROUPS
from gearhorn.options.reading import written


@dataclass(frozen=True, slots=True)
class Change:
    """`is_mutable`: a running worker can go by it. Values that are `is_secret` are not shown."""

    group: str | None
    option: str
    old: object
    new: object
    is_mutable: bool
    is_secret: bool

    @property
    def name(self) -> str:
        return written(self.group, self.option)

    def __str__(self) -> str:
        return self.name if self.is_secret else f"{self.name}: {shown(self.old)} → {shown(self.new)}"

    def as_fields(self) -> dict[str, object]:
        if self.is_secret:
            return {"option": self.name}
        return {"option": self.name, "old": shown(self.old), "new": shown(self.new)}


def find_changes(old: cfg.ConfigOpts, new: cfg.ConfigOpts) -> list[Change]:
    """As the options count, with what the command line says on top."""
    found = []
    for group, options in GROUPS.items():
        for option in options:
            before, after = value_of(old, group, option.name), value_of(new, group, option.name)
            if before != after:
                found.append(Change(group, option.name, before, after, option.mutable, option.secret))
    return found


def value_of(conf: cfg.ConfigOpts, group: str | None, option: str) -> object:
    value: object = (conf if group is None else conf[group])[option]
    return value


def shown(value: object) -> str:
    """As it would stand in a file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        value = [f"{key}:{each}" for key, each in value.items()]
    if isinstance(value, list):
        value = ",".join(map(str, value))
    return str(value) or "nothing"
