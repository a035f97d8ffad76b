"""Health is the list of what is down, with the time when each part was first seen so."""

import json

from gearhorn.monitoring.health import Health, Trouble, is_ready, render_json, render_text

STORE = Trouble("store", "refused", True)
SERVER = Trouble("server a:4730", "no\nroute", False)


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def test_each_part_is_down_since_it_was_first_seen_so_and_anew_after_it_was_up() -> None:
    clock, troubles = Clock(), [STORE]
    health = Health(lambda: troubles, clock)
    assert [one.since_s for one in health.down()] == [1_000.0]
    clock.now_s, troubles[:] = 1_005.0, [SERVER, STORE]
    assert {one.part: one.since_s for one in health.down()} == {"store": 1_000.0, "server a:4730": 1_005.0}
    clock.now_s, troubles[:] = 1_010.0, [SERVER]
    assert {one.part: one.since_s for one in health.down()} == {"server a:4730": 1_005.0}
    clock.now_s, troubles[:] = 1_020.0, [STORE]
    assert {one.part: one.since_s for one in health.down()} == {"store": 1_020.0}


def test_what_stops_no_work_leaves_it_ready() -> None:
    assert is_ready([])
    assert is_ready(Health(lambda: [SERVER]).down())
    assert not is_ready(Health(lambda: [SERVER, STORE]).down())


def test_the_list_is_told_to_programs_and_to_people_a_line_for_each() -> None:
    down = Health(lambda: [SERVER, STORE], Clock()).down()
    assert json.loads(render_json("not ready", down)) == {
        "status": "not ready",
        "down": [
            {"part": "server a:4730", "reason": "no\nroute", "since": "1970-01-01T00:16:40Z", "stops_work": False},
            {"part": "store", "reason": "refused", "since": "1970-01-01T00:16:40Z", "stops_work": True},
        ],
    }
    assert render_text("not ready", down).decode().splitlines() == [
        "not ready",
        "server a:4730: no route (since 1970-01-01T00:16:40Z)",
        "store: refused (since 1970-01-01T00:16:40Z)",
    ]
