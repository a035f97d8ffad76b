"""What memcached costs that is started again, is one of several, or is full."""

from pymemcache import Client

from tests.functional.guarantees.page import wait_for_quotes
from tests.functional.guarantees.words import AWAY, TORN, is_refused
from tests.functional.matchmaking.crew import Crew
from tests.functional.trouble.scene import Scene
from tests.servers.process import wait_until
from tests.servers.stores import Memcached

# A full server throws things out below this, which is next to nothing.
SMALL = ("-m", "2")
FILLING_BYTES = (480, 580)
FILLING_COUNT = 20_000


def test_g20_memcached_is_started_again(scene: Scene, memcached: Memcached) -> None:
    """G-20"""
    crew = Crew(scene, f"memcached://{memcached.address}")
    ann, ben = crew.hire(), crew.hire()
    ann.subscribe("news", "bob")
    assert ann.count("news") == 1
    memcached.restart()
    assert is_refused(ben, "news")
    wait_until(lambda: is_refused(ann, "news"), "the end of the lease")
    ann.subscribe("news", "bob")
    assert (ann.count("news"), ben.count("news")) == (1, 1)
    wait_for_quotes("G-20", ann.worker)
    wait_for_quotes("G-11", ann.worker, ben.worker)


def test_g21_one_of_several_memcached_servers_is_lost(scene: Scene, memcached: Memcached) -> None:
    """G-21"""
    other = scene.stack.enter_context(Memcached(scene.folder / "other"))
    crew = Crew(scene, f"memcached://{memcached.address},{other.address}")
    ann = crew.hire("[store]\nretry_timeout = 0.5\n[matchmaking]\nenabled = false\n")
    topics = [f"topic{number}" for number in range(12)]
    for topic in topics:
        ann.subscribe(topic, "bob")
    there = {topic for topic in topics if f"gearhorn:topic:{topic}" in other.list_keys()}
    assert 0 < len(there) < len(topics)
    other.stop()
    wait_until(lambda: {topic for topic in topics if is_refused(ann, topic, AWAY)} == there, "the others to go on")
    other.start()
    assert {topic for topic in topics if is_refused(ann, topic, b"subscribers")} == there  # in one way or the other
    wait_for_quotes("G-21", ann.worker)


def test_g22_memcached_throws_a_list_out(scene: Scene) -> None:
    """G-22"""
    memcached = scene.stack.enter_context(Memcached(scene.folder / "memcached", *SMALL))
    ann = Crew(scene, f"memcached://{memcached.address}").hire("[matchmaking]\nenabled = false\n")
    ann.subscribe("memos", "bob")
    for number in range(5):  # until it is of the size of what is about to fill the memory
        ann.subscribe("news", f"{number}" * 100)
    fill(memcached)
    assert "gearhorn:topic:news" not in memcached.list_keys()
    assert is_refused(ann, "news", TORN)
    assert ann.count("memos") == 1
    ann.subscribe("news", "bob")
    assert ann.count("news") == 1
    wait_for_quotes("G-22", ann.worker)


def fill(memcached: Memcached) -> None:
    """Of what has one size, that goes first which nobody has asked for."""
    client = Client(("127.0.0.1", memcached.port), default_noreply=True, timeout=5)
    for number in range(FILLING_COUNT):
        client.set(f"filling{number}", b"x" * FILLING_BYTES[number % 2])
    client.get("filling0")  # it has taken in all of them
    client.close()
