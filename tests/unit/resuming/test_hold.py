"""Whose job is another worker's stops; whose job is lost with its server goes on."""

from gearhorn.resuming.hold import Hold
from tests.unit.virtual_time import in_virtual_time, let_run


class Scene:
    def __init__(self, *, is_requeued: bool) -> None:
        self.is_held = True
        self.heard: list[str] = []

        async def ask() -> bool:
            self.heard.append("asked")
            return is_requeued

        self.hold = Hold(lambda: self.is_held, ask, lambda: self.heard.append("gone"), lambda: self.heard.append("on"))


@in_virtual_time
async def test_while_the_job_is_held_nobody_is_asked() -> None:
    scene = Scene(is_requeued=True)
    assert scene.hold.is_free()
    await let_run()
    assert scene.heard == []


@in_virtual_time
async def test_a_job_that_another_worker_has_is_given_up_once() -> None:
    scene = Scene(is_requeued=True)
    scene.is_held = False
    assert not scene.hold.is_free()
    assert not scene.hold.is_free()
    await let_run()
    assert not scene.hold.is_free()
    await let_run()
    assert scene.heard == ["asked", "gone"]


@in_virtual_time
async def test_a_job_that_nobody_else_can_have_is_gone_on_with() -> None:
    scene = Scene(is_requeued=False)
    scene.is_held = False
    assert not scene.hold.is_free()
    await let_run()
    assert scene.heard == ["asked", "on"]
    assert scene.hold.is_free()
