"""One fanout inside a worker, hop by hop, with the modules that see it."""

from tools.pictures.canvas import Canvas

_ABOUT = (
    "A job comes in by a worker link, is decoded, meets its list of subscribers in memory or in the store, goes out as "
    "copies by the client links, and is answered by the worker link with exactly one ending."
)


def draw() -> str:
    canvas = Canvas(900, 430, "One fanout inside a worker", _ABOUT)
    canvas.box(20, 20, 150, 390)
    canvas.text(95, 170, "Gearman server", "strong", anchor="middle")
    canvas.box(200, 8, 566, 414, kind="hollow")
    canvas.text(687, 34, "gearhorn worker", "strong", anchor="middle")
    _way_in(canvas)
    _way_out(canvas)
    _answer(canvas)
    return canvas.svg()


def _way_in(canvas: Canvas) -> None:
    canvas.box(220, 40, 150, 46, "net.worker_link", "bytes to events, by wire", kind="own")
    canvas.arrow((170, 63), (220, 63))
    canvas.text(160, 58, "JOB_ASSIGN_UNIQ", "small", anchor="end")
    canvas.box(440, 40, 150, 46, "handlers", "who decides; signing", kind="own")
    canvas.arrow((370, 63), (440, 63))
    canvas.text(405, 56, "Job", "small", anchor="middle")
    canvas.box(440, 112, 150, 46, "bodies", "JSON to a request", kind="own")
    canvas.arrow((515, 86), (515, 112))
    canvas.box(440, 184, 150, 46, "fanouts", "to whom, on which terms", kind="own")
    canvas.arrow((515, 158), (515, 184))
    canvas.box(630, 112, 115, 46, "directory", "lists in memory", kind="own")
    canvas.arrow((590, 200), (687, 200), (687, 158), both=True)
    canvas.text(695, 192, "members", "small")
    canvas.box(790, 112, 96, 46, "Store")
    canvas.arrow((745, 135), (790, 135), look="dashed", both=True)
    canvas.lines(775, 84, ["only what is", "not in memory"], "small faint")


def _way_out(canvas: Canvas) -> None:
    canvas.box(440, 262, 150, 46, "broadcast", "core.fanout decides", kind="own")
    canvas.arrow((515, 230), (515, 262))
    canvas.box(440, 346, 150, 54, "net.copier", "windows of copies,", "fanouts take turns", kind="own")
    canvas.arrow((515, 308), (515, 346))
    canvas.box(220, 346, 150, 54, "net.client_link", "one join, thousands", "of packets, by wire", kind="own")
    canvas.arrow((440, 373), (370, 373))
    canvas.arrow((220, 362), (170, 362))
    canvas.text(160, 357, "SUBMIT_JOB_BG …", "small", anchor="end")
    canvas.arrow((170, 388), (220, 388))
    canvas.text(160, 393, "JOB_CREATED …", "small", anchor="end")
    canvas.box(630, 262, 115, 46, "resuming", "records, if large", kind="own")
    canvas.arrow((590, 285), (630, 285))
    canvas.arrow((745, 285), (838, 285), (838, 158))
    canvas.lines(775, 304, ["what is confirmed"], "small faint")


def _answer(canvas: Canvas) -> None:
    canvas.arrow((440, 285), (296, 285), (296, 86))
    canvas.lines(302, 150, ["outcome:", "exactly one", "ending"], "small")
    canvas.arrow((220, 78), (170, 78))
    canvas.text(160, 92, "WORK_COMPLETE", "small", anchor="end")
    canvas.lines(40, 200, ["Two connections:", "one to take jobs,", "one to send copies"], "small faint")
