"""All pictures by their names."""

from collections.abc import Callable
from pathlib import Path

from tools.pictures import fanout, large_fanout, layers, matchmaking, site

PICTURES: dict[str, Callable[[], str]] = {
    "fanout": fanout.draw,
    "large-fanout": large_fanout.draw,
    "layers": layers.draw,
    "matchmaking": matchmaking.draw,
    "site": site.draw,
}


def write_pictures(folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, draw in PICTURES.items():
        written.append(folder / f"{name}.svg")
        written[-1].write_text(draw(), encoding="utf-8")
    return written
