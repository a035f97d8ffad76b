"""The life of a large fanout whose worker is lost in its middle."""

from tools.pictures.canvas import Canvas

_ABOUT = (
    "Worker A sends copies in stretches of 5,000 and keeps a record of what is confirmed in the store. It is killed; "
    "gearmand gives the job to worker B, which reads the record and sends the rest, beginning with the stretch that "
    "was not on record, whose copies may come twice."
)

_LEFT, _STEP = 130, 62
_ROWS = {"worker A": 84, "store": 160, "gearmand": 236, "worker B": 312}


def draw() -> str:
    canvas = Canvas(790, 420, "A large fanout whose worker is lost", _ABOUT)
    for name, y in _ROWS.items():
        canvas.box(16, y - 17, 96, 34, name, kind="own" if "worker" in name else "box")
        canvas.line((_LEFT, y), (770, y), look="thin dashed")
    canvas.text(_LEFT, 28, "20,000 subscribers; a stretch is 5,000 copies", "small faint")
    _first(canvas)
    _second(canvas)
    return canvas.svg()


def _stretch(canvas: Canvas, x: float, y: float, words: str, kind: str = "own") -> None:
    canvas.box(x, y - 15, _STEP - 6, 30, kind=kind)
    canvas.text(x + (_STEP - 6) / 2, y + 4, words, "small", anchor="middle")


def _first(canvas: Canvas) -> None:
    a, store, gearmand = _ROWS["worker A"], _ROWS["store"], _ROWS["gearmand"]
    canvas.arrow((_LEFT + 8, gearmand), (_LEFT + 8, a + 15))
    canvas.text(_LEFT + 16, gearmand - 8, "job", "small")
    for number, words in enumerate(("1", "2", "3")):
        _stretch(canvas, _LEFT + 20 + number * _STEP, a, words)
    for number, words in enumerate(("1", "1, 2")):
        x = _LEFT + 20 + (number + 1) * _STEP - 8
        canvas.arrow((x, a + 15), (x, store - 12))
        canvas.box(x - 18, store - 12, 36, 24, words)
    canvas.cross(_LEFT + 20 + 3 * _STEP - 4, a, 10)
    canvas.text(_LEFT + 20 + 3 * _STEP + 12, a - 8, "killed, with stretch 3 confirmed but not on record", "small")
    canvas.text(_LEFT + 20, store + 34, "records: what is confirmed", "small faint")


def _second(canvas: Canvas) -> None:
    store, gearmand, b = _ROWS["store"], _ROWS["gearmand"], _ROWS["worker B"]
    x = _LEFT + 20 + 3 * _STEP + 20
    canvas.arrow((x, gearmand), (x, b - 15))
    canvas.lines(x + 8, gearmand + 26, ["the job goes to", "the next worker"], "small")
    canvas.arrow((x + 130, store), (x + 130, b - 15))
    canvas.lines(x + 138, store + 30, ["the record:", "1 and 2 are out"], "small")
    _stretch(canvas, x + 150, b, "3 again", kind="hollow")
    _stretch(canvas, x + 150 + _STEP, b, "4")
    end = x + 150 + 2 * _STEP
    canvas.arrow((end + 8, b - 15), (end + 8, gearmand))
    canvas.text(end + 2, gearmand - 26, "completes", "small", anchor="middle")
    canvas.text(end + 2, gearmand - 10, "with 20000", "small", anchor="middle")
    canvas.lines(
        _LEFT,
        366,
        [
            "Up to 5,000 copies come twice, none is lost. geard and Perl's server drop the job of a lost worker:",
            "there a second record says what is to be sent, and another worker finishes it within half a minute.",
        ],
        "small faint",
    )
