"""A scene as lines with tabs, for pipes: the first word says what a line is about."""

from collections.abc import Iterator

from gearhorn.cmd.screen.figures import clean
from gearhorn.cmd.screen.scene import Scene, sum_up
from gearhorn.overview.rendering import render_overview

_LISTS = (
    ("server", "servers"),
    ("worker", "workers"),
    ("queue", "queues"),
    ("topic", "topics"),
    ("subscriber", "troubled"),
)
_LEFT_OUT = ("counters", "rates")


def lines_of(scene: Scene) -> Iterator[str]:
    """The keys of --json, as key=value, so that no line depends on the place of a column."""
    told = render_overview(*scene)
    yield f"verdict\t{told['state']}\t{sum_up(scene)}"
    for trouble in scene.troubles:
        yield f"trouble\t{trouble.severity}\t{clean(trouble.what)}"
    for name in ("store", "totals", "rates"):
        yield _line(name, told[name])
    for word, key in _LISTS:
        for one in told[key]:
            yield _line(word, {name: value for name, value in one.items() if name not in _LEFT_OUT})


def _line(word: str, values: dict[str, object]) -> str:
    return "\t".join([word, *(f"{key}={_written(value)}" for key, value in values.items())])


def _written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ",".join(clean(str(one)) for one in value)
    return clean(str(round(value, 3) if isinstance(value, float) else value))
