"""Where gearhorn sits: publishers, a Gearman server, workers, the store, receivers."""

from tools.pictures.canvas import Canvas

_ABOUT = (
    "A publisher puts one job on the queue fanout of a Gearman server. A gearhorn worker takes it, knows the list of "
    "subscribers from the store, and puts a copy on the queue of each of them. Receivers take the copies. The workers "
    "tell each other of changes of the lists."
)


def draw() -> str:
    canvas = Canvas(800, 400, "Where gearhorn sits", _ABOUT)
    _server(canvas)
    _people(canvas)
    _service(canvas)
    return canvas.svg()


def _server(canvas: Canvas) -> None:
    canvas.box(210, 20, 330, 170)
    canvas.text(375, 42, "Gearman servers", "strong", anchor="middle")
    canvas.box(226, 92, 96, 30, kind="own")
    canvas.text(274, 111, "fanout", "code", anchor="middle")
    for number, name in enumerate(("news_alice", "news_bob", "news_carol")):
        y = 58 + number * 42
        canvas.box(416, y, 108, 30, kind="own")
        canvas.text(470, y + 19, name, "code", anchor="middle")


def _people(canvas: Canvas) -> None:
    canvas.box(20, 82, 130, 50, "Publisher", "PHP, Perl, Python …")
    canvas.arrow((150, 107), (226, 107))
    canvas.text(186, 99, "1 job", "small", anchor="middle")
    for number, name in enumerate(("alice", "bob", "carol")):
        y = 73 + number * 42
        canvas.box(620, y - 15, 120, 30, name)
        canvas.arrow((524, y), (620, y))
    canvas.text(580, 50, "4 take", "small", anchor="middle")
    canvas.text(680, 200, "Receivers: Gearman workers", "small faint", anchor="middle")


def _service(canvas: Canvas) -> None:
    canvas.box(226, 240, 140, 52, "gearhorn worker", "lists in memory", kind="own")
    canvas.box(420, 240, 140, 52, "gearhorn worker", "lists in memory", kind="own")
    canvas.arrow((274, 122), (274, 240))
    canvas.text(266, 218, "2 takes it", "small", anchor="end")
    canvas.line((340, 240), (340, 73))
    for y in (73, 115, 157):
        canvas.arrow((340, y), (416, y))
    canvas.text(348, 218, "3 a copy to each", "small")
    canvas.arrow((366, 266), (420, 266), look="dashed", both=True)
    canvas.lines(580, 258, ["tell each other of changes:", "queues __matchmaking_ID"], "small faint")
    canvas.box(300, 344, 180, 46, "Store", "Redis, SQLite, memcached")
    canvas.arrow((320, 292), (350, 344), look="thin", both=True)
    canvas.arrow((470, 292), (430, 344), look="thin", both=True)
    canvas.lines(500, 362, ["who is subscribed to what;", "leases of the workers"], "small faint")
    canvas.lines(
        20, 258, ["subscribe and unsubscribe", "are jobs like publishing:", "any worker takes them"], "small faint"
    )
