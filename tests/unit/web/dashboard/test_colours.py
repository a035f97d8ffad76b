"""The style sheet: whoever reads little contrast can read it, in light and in dark."""

import re

import pytest

from gearhorn.web.dashboard.assets import read_assets

# What the rules for accessible pages ask of text: WCAG 2.1, 1.4.3.
LEAST_CONTRAST = 4.5
STYLE = read_assets()["style.css"].body.decode()
ROOTS = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
# The dark ones stand on top of the light ones.
LIGHT = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", ROOTS[0]))
SCHEMES = {"light": LIGHT, "dark": {**LIGHT, **dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", ROOTS[1]))}}
PAIRS = [
    *((ink, paper) for ink in ("ink", "soft", "accent") for paper in ("paper", "card", "hover")),
    *((tone, f"{tone}-soft") for tone in ("good", "warn", "bad", "hold")),
    *((tone, "card") for tone in ("good", "warn", "bad", "hold")),
    ("soft", "quiet-soft"),
    ("ink", "quiet-soft"),
]


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out(scheme: str, text: str, ground: str) -> None:
    dim, bright = sorted(luminance(SCHEMES[scheme][name]) for name in (text, ground))
    assert (bright + 0.05) / (dim + 0.05) >= LEAST_CONTRAST


def test_nothing_is_loaded_by_the_style_sheet() -> None:
    assert not re.search(r"url\(|@import|https?:", STYLE)
