"""One change of a list, until every worker knows of it."""

from tools.pictures.canvas import Sequence

_ABOUT = (
    "A subscribe job reaches worker A. A makes the change in the store, which answers with the holders of leases. A "
    "tells each of them; B acknowledges, C hangs, has its lease revoked and is waited for until the lease has run out. "
    "Then the change is settled and the job completes."
)


def draw() -> str:
    lanes = {
        "subscriber": (80.0, "box"),
        "worker A": (260.0, "own"),
        "store": (440.0, "box"),
        "worker B": (600.0, "own"),
        "worker C": (760.0, "own"),
    }
    scene = Sequence("One change, until every worker knows of it", _ABOUT, 610, lanes)
    scene.says("subscriber", "worker A", "subscribe_fanout: news, alice")
    scene.says("worker A", "store", "add alice to news")
    scene.does("store", "version 7 → 8,", "in one atomic step", kind="box")
    scene.says("store", "worker A", "version 8; leases: B, C")
    scene.says("worker A", "worker B", "__matchmaking_B: news 7 → 8, +alice")
    scene.says("worker A", "worker C", "__matchmaking_C: the same")
    scene.does("worker B", "applies it")
    scene.says("worker B", "worker A", "acknowledged")
    scene.ends("worker C", "hangs")
    scene.does("worker A", "ack_timeout has passed")
    scene.says("worker A", "store", "revoke the lease of C")
    scene.does("worker A", "waits until that lease", "has run out")
    scene.says("worker A", "store", "version 8 is settled")
    scene.says("worker A", "subscriber", "WORK_COMPLETE")
    return scene.canvas.svg()
