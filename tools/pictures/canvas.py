"""Boxes, arrows and words on a sheet. Lengths are in pixels, from the left and from above."""

from collections.abc import Iterable
from html import escape

LINE_PX = 16

# Within a page the colours are the theme's, elsewhere our own: a light set and a dark one.
_STYLE = """
.drawn { --ink: var(--color-foreground-primary, #1f2328); --faint: var(--color-foreground-muted, #6b6f76);
  --sheet: var(--color-background-primary, #ffffff); --panel: var(--color-background-secondary, #f4f6f8);
  --own: var(--color-brand-primary, #1d5fa8); }
@media (prefers-color-scheme: dark) { .drawn { --ink: var(--color-foreground-primary, #e4e6e8);
  --faint: var(--color-foreground-muted, #9ca0a5); --sheet: var(--color-background-primary, #131416);
  --panel: var(--color-background-secondary, #1e2023); --own: var(--color-brand-primary, #7db4f0); } }
.drawn text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); }
.drawn .small { font-size: 11.5px; } .drawn .faint { fill: var(--faint); } .drawn .strong { font-weight: 600; }
.drawn .code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 11.5px; }
.drawn .over { paint-order: stroke; stroke: var(--sheet); stroke-width: 5px; }
.drawn .sheet { fill: var(--sheet); }
.drawn .box { fill: var(--panel); stroke: var(--faint); stroke-width: 1; }
.drawn .own { fill: color-mix(in srgb, var(--own) 14%, var(--sheet)); stroke: var(--own); stroke-width: 1.4; }
.drawn .hollow { fill: var(--sheet); stroke: var(--faint); stroke-width: 1; stroke-dasharray: 4 4; }
.drawn .bad { fill: none; stroke: #c2403a; stroke-width: 2; }
.drawn .line { fill: none; stroke: var(--ink); stroke-width: 1.3; } .drawn .thin { stroke: var(--faint); }
.drawn .dashed { stroke-dasharray: 5 4; } .drawn .head { fill: var(--ink); }
"""


class Canvas:
    def __init__(self, width: int, height: int, title: str, description: str) -> None:
        self._size = (width, height)
        self._about = (title, description)
        self._parts: list[str] = []

    def box(self, x: float, y: float, width: float, height: float, *words: str, kind: str = "box") -> None:
        """The first line of the words is the name, the others say more."""
        self._parts.append(f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>')
        top = y + height / 2 - (len(words) - 1) * LINE_PX / 2 + 4.5
        for number, line in enumerate(words):
            look = "strong" if number == 0 and len(words) > 1 else "small faint" if number else ""
            self.text(x + width / 2, top + number * LINE_PX, line, look, anchor="middle")

    def text(self, x: float, y: float, words: str, look: str = "", anchor: str = "start") -> None:
        self._parts.append(
            f'<text class="{look}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words, quote=False)}</text>'
        )

    def lines(self, x: float, y: float, words: Iterable[str], look: str = "", anchor: str = "start") -> None:
        for number, line in enumerate(words):
            self.text(x, y + number * LINE_PX, line, look, anchor)

    def arrow(self, *points: tuple[float, float], look: str = "", both: bool = False) -> None:
        """A line through the points, with its head at the last one."""
        path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
        start = ' marker-start="url(#drawn-head)"' if both else ""
        self._parts.append(f'<path class="line {look}" d="{path}" marker-end="url(#drawn-head)"{start}/>')

    def line(self, *points: tuple[float, float], look: str = "") -> None:
        path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
        self._parts.append(f'<path class="line {look}" d="{path}"/>')

    def cross(self, x: float, y: float, size: float = 7) -> None:
        """Here something ends."""
        self._parts.append(
            f'<path class="bad" d="M{x - size:g} {y - size:g} L{x + size:g} {y + size:g} '
            f'M{x - size:g} {y + size:g} L{x + size:g} {y - size:g}"/>'
        )

    def svg(self) -> str:
        width, height = self._size
        title, description = (escape(words, quote=False) for words in self._about)
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" class="drawn" role="img" viewBox="0 0 {width} {height}"'
                f' width="{width}" height="{height}">',
                f"<title>{title}</title>",
                f"<desc>{description}</desc>",
                f"<style>{_STYLE}</style>",
                '<defs><marker id="drawn-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
                'orient="auto-start-reverse"><path class="head" d="M0 0.5 L8 4 L0 7.5 z"/></marker></defs>',
                f'<rect class="sheet" width="{width}" height="{height}"/>',
                *self._parts,
                "</svg>\n",
            ]
        )


class Sequence:
    """Who says what to whom, from above to below. A lane for each who speaks."""

    STEP_PX = 40

    def __init__(self, title: str, description: str, height: int, lanes: dict[str, tuple[float, str]]) -> None:
        """`lanes`: name, where it is from the left, and the kind of its box."""
        self._lanes = {name: x for name, (x, _) in lanes.items()}
        width = int(max(self._lanes.values()) + 90)
        self.canvas = Canvas(width, height, title, description)
        for name, (x, kind) in lanes.items():
            self.canvas.line((x, 44), (x, height - 12), look="thin dashed")
            self.canvas.box(x - 62, 10, 124, 34, name, kind=kind)
        self._y = 60.0

    def says(self, who: str, whom: str, words: str, look: str = "") -> None:
        self._y += self.STEP_PX
        a, b = self._lanes[who], self._lanes[whom]
        self.canvas.arrow((a, self._y), (b, self._y), look=look)
        self.canvas.text((a + b) / 2, self._y - 6, words, "small over", anchor="middle")

    def does(self, who: str, *words: str, kind: str = "own", width: float = 150) -> None:
        height = 10 + LINE_PX * len(words)
        self._y += 16
        x = self._lanes[who]
        self.canvas.box(x - width / 2, self._y, width, height, kind=kind)
        self.canvas.lines(x, self._y + 17, words, "small", anchor="middle")
        self._y += height - 14

    def ends(self, who: str, words: str) -> None:
        self._y += 26
        self.canvas.cross(self._lanes[who], self._y)
        self.canvas.text(self._lanes[who] + 14, self._y + 4, words, "small")

    def gap(self, height: float) -> None:
        self._y += height
