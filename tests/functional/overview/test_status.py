"""`gearhorn status`: what is wrong first, and everything that can still be told."""

import asyncio
import json
import re
import time
from pathlib import Path

from gearhorn.cmd import exits
from gearhorn.overview.rates import measure
from gearhorn.overview.subscribers import look_up
from tests.functional.overview.system import System, nobody, observing, silence
from tests.servers.commands import run_gearhorn, run_on_terminal

LIMIT_S = 60.0


def test_a_terminal_gets_one_screen_with_the_verdict_first(system: System) -> None:
    system.subscribe("screen", "bob")
    shown = run_on_terminal(system.folder, "status", *system.places, "--topics=100", NO_COLOR="1")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert plain.startswith("all is well")
    for word in (system.worker.worker_id, *system.addresses, system.store_url, "screen", "fanouts/s"):
        assert word in plain
    assert "\x1b[3" not in shown  # a colour


def test_a_pipe_gets_a_line_for_each_thing(system: System) -> None:
    system.subscribe("lines", "bob")
    done = system.run("status", "--topics=100")
    assert done.returncode == exits.OK
    lines = done.stdout.splitlines()
    assert lines[0] == "verdict\twell\tall is well"
    assert {line.split("\t")[0] for line in lines} >= {"store", "totals", "rates", "server", "worker", "queue", "topic"}
    assert "topic\ttopic=lines\tsubscribers=1\tbacklog=0\trunning=0\tsuspect=0\tdead=0\tpaused=0" in lines


def test_the_keys_of_json_are_those_of_the_page(system: System) -> None:
    """doc/status.md promises them: a table row for each."""
    system.subscribe("keys", "bob")
    told = json.loads(system.run("status", "--json").stdout)
    page = (Path(__file__).parents[3] / "doc" / "status.md").read_text()
    documented = set(re.findall(r"^\| `([a-z_.\[\]]+)` \|", page, flags=re.MULTILINE))
    assert set(_paths(told)) == documented | {f"troubles[].{key}" for key in ("severity", "what")} | _TROUBLED


_TROUBLED = {f"troubled[].{key}" for key in ("topic", "client_id", "state", "backlog", "running", "workers", "since")}


def _paths(told: dict[str, object]) -> set[str]:
    """Also those of empty lists, which have no keys here, and of objects without fixed keys."""
    found = set(_TROUBLED) | {f"troubles[].{key}" for key in ("severity", "what")}
    for key, value in told.items():
        found.add(key)
        parts = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
        mark = "[]" if isinstance(value, list) else ""
        found |= {f"{key}{mark}.{inner}" for part in parts for inner in part}
    return found


def test_a_backlog_is_counted_over_all_servers_and_that_of_others_is_not_claimed(system: System) -> None:
    system.subscribe("backlog", "bob", "eve")
    system.publish("backlog", 5)
    system.unsubscribe("backlog", "eve")  # what waits in its queue is nobody's
    told = json.loads(system.run("status", "--json", "--topics=100").stdout)
    [topic] = [topic for topic in told["topics"] if topic["topic"] == "backlog"]
    assert (topic["subscribers"], topic["backlog"]) == (1, 5)
    assert told["totals"]["other_backlog"] >= 5
    assert sum(server["waiting"] for server in told["servers"]) >= 10
    system.empty("backlog", "eve")


def test_only_so_many_topics_are_told_and_all_are_counted(system: System) -> None:
    system.subscribe("many1", "bob")
    system.subscribe("many2", "bob")
    told = json.loads(system.run("status", "--json", "--topics=1").stdout)
    assert len(told["topics"]) == 1
    assert told["totals"]["topics"] >= 2


def test_a_server_that_is_away_is_told_and_the_rest_is_shown(system: System) -> None:
    with nobody() as address:
        done = system.run("status", f"--gearman={address}")
    assert done.returncode == exits.TROUBLE
    assert f"trouble\terror\tGearman server {address} cannot be asked: Connection refused" in done.stdout
    assert f"server\taddress={system.gearmand.address}\treachable=yes" in done.stdout


def test_a_store_that_is_away_hides_no_server(system: System) -> None:
    with nobody() as address:
        done = run_gearhorn(system.folder, "status", *system.places, f"--store=redis://{address}", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == exits.TROUBLE
    assert told["store"]["reachable"] is False
    assert address in told["store"]["trouble"]
    assert [server["reachable"] for server in told["servers"]] == [True, True]
    assert told["totals"]["topics"] is None


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, system: System) -> None:
    store = f"--store=sqlite:///{tmp_path}/none.db"
    done = run_gearhorn(tmp_path, "status", f"--gearman={system.gearmand.address}", store)
    assert done.returncode == exits.TROUBLE
    assert "there is no SQLite store" in done.stdout
    assert not (tmp_path / "none.db").exists()


def test_nothing_reachable_has_a_status_of_its_own(tmp_path: Path) -> None:
    with nobody() as address:
        done = run_gearhorn(tmp_path, "status", f"--gearman={address}", f"--store=redis://{address}")
    assert done.returncode == exits.UNREACHABLE
    assert done.stdout.startswith("verdict\terror\tnothing can be reached")


async def test_a_server_that_says_nothing_holds_up_nobody_for_longer_than_the_limit(system: System) -> None:
    with silence() as address:
        async with observing(system, address, patience_s=0.5) as observer:
            overview = await observer.observe()
    assert [server.is_reachable for server in overview.servers] == [True, True, False]
    assert "no answer to status within 0.5 s" in overview.servers[2].trouble


async def test_rates_are_seen_while_something_is_done(system: System) -> None:
    system.subscribe("rates", "bob")
    end_s = time.monotonic() + LIMIT_S
    async with observing(system) as observer:
        while not (measure(await observer.observe()).copies or 0.0):
            assert time.monotonic() < end_s
            await asyncio.to_thread(system.publish, "rates", 10)


async def test_one_client_is_found_over_all_topics_with_what_waits_for_it(system: System) -> None:
    system.subscribe("found1", "sought17", "other")
    system.subscribe("found2", "sought17")
    system.subscribe("found3", "sought17", "other")
    system.publish("found1", 2)
    system.publish("found3", 3)
    system.unsubscribe("found3", "sought17")
    async with observing(system) as observer:
        found = await look_up(observer, "sought17")
    assert {(one.topic, one.state, one.backlog_count) for one in found.subscribers} == {
        ("found1", "idle", 2),
        ("found2", "idle", 0),
        ("found3", "unsubscribed", 3),
    }
    await asyncio.to_thread(system.empty, "found3", "sought17")


def test_a_client_that_nobody_knows_has_a_status_of_its_own(system: System) -> None:
    done = system.run("status", "--client=nobody-knows")
    assert (done.returncode, done.stdout) == (exits.NOBODY_SUBSCRIBED, "")
