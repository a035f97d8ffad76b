"""Each store against a plain dict that knows what it should answer."""

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from gearhorn.names import queue_name
from gearhorn.store.base import (
    Applied,
    Change,
    ChangeResult,
    Collision,
    Subscribe,
    TopicCount,
    TopicState,
    Unsubscribe,
)
from gearhorn.store.leases import TopicVersion
from tests.functional.store.conftest import MakeHandle

# Few, and such that many of the pairs share a queue name with another.
TOPICS = ["a", "a_b", "a_b_c", "é", "_", "a_"]
CLIENTS = ["c", "b_c", "b_c_d", "c_d", "d", "ü", "_"]
TTLS_S = [0.0, 0.0, 500.0, 1000.0]  # none ends while a test runs

wishes = st.one_of(
    st.builds(Subscribe, st.sampled_from(TOPICS), st.sampled_from(CLIENTS), st.sampled_from(TTLS_S)),
    st.builds(Unsubscribe, st.sampled_from(TOPICS), st.sampled_from(CLIENTS)),
)


class Model:
    """What a store promises, for one that has no peers, no crashes and no end of a ttl."""

    def __init__(self) -> None:
        self.lists: dict[str, dict[str, float]] = {topic: {} for topic in TOPICS}

    def owner(self, topic: str, client_id: str) -> str | None:
        queue = queue_name(topic, client_id)
        owners = [t for t, clients in self.lists.items() for c in clients if queue_name(t, c) == queue]
        assert len(owners) < 2
        return owners[0] if owners else None

    def judge(self, change: Change, result: ChangeResult, last: int) -> int:
        """Makes the change, and holds what the store answered against it. Returns the version that is the last now."""
        owner = self.owner(change.topic, change.client_id)
        clients = self.lists[change.topic]
        if isinstance(change, Subscribe) and owner not in (None, change.topic):
            assert result == Collision(owner or "")
            return last
        is_new = isinstance(change, Subscribe) != (change.client_id in clients)
        assert isinstance(result, Applied)
        assert result.changed == is_new
        assert result.version > last if is_new else result.version == last
        if isinstance(change, Subscribe):
            clients[change.client_id] = change.ttl_s
        else:
            clients.pop(change.client_id, None)
        return result.version


def machine(begin: Callable[[], MakeHandle]) -> type[RuleBasedStateMachine]:
    class StoreMachine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.model = Model()
            self.versions = dict.fromkeys(TOPICS, 0)
            self.settled = set(TOPICS)
            make_handle = begin()
            self.stores = [make_handle(), make_handle()]
            self.loop = asyncio.new_event_loop()
            for store in self.stores:
                self.wait(store.open())

        def wait(self, awaitable: Any) -> Any:
            return self.loop.run_until_complete(awaitable)

        @rule(number=st.integers(0, 1), changes=st.lists(wishes, min_size=1, max_size=8))
        def apply(self, number: int, changes: list[Change]) -> None:
            before = dict(self.versions)
            outcome = self.wait(self.stores[number].apply(changes))
            for change, result in zip(changes, outcome.results, strict=True):
                self.versions[change.topic] = self.model.judge(change, result, self.versions[change.topic])
            self.settled -= {topic for topic in TOPICS if self.versions[topic] != before[topic]}
            assert outcome.topics == {
                topic: TopicState(before[topic], self.versions[topic], topic in self.settled)
                for topic in {change.topic for change in changes}
            }
            assert (outcome.leases, outcome.held_s) == ([], 0)

        @rule(number=st.integers(0, 1), topics=st.lists(st.sampled_from(TOPICS), max_size=4), behind=st.integers(0, 1))
        def settle(self, number: int, topics: list[str], behind: int) -> None:
            self.wait(
                self.stores[number].settle([TopicVersion(topic, self.versions[topic] - behind) for topic in topics])
            )
            if not behind:
                self.settled.update(topics)

        @rule(number=st.integers(0, 1), topics=st.lists(st.sampled_from(TOPICS), max_size=4))
        def read(self, number: int, topics: list[str]) -> None:
            for topic, found in zip(topics, self.wait(self.stores[number].read(topics)), strict=True):
                assert found.version == self.versions[topic]
                assert sorted(found.client_ids) == sorted(name.encode() for name in self.model.lists[topic])

        @rule(number=st.integers(0, 1), topic=st.sampled_from(TOPICS))
        def subscriptions(self, number: int, topic: str) -> None:
            found = self.wait(self.stores[number].subscriptions(topic))
            clients = self.model.lists[topic]
            assert [item.client_id for item in found] == sorted(clients)
            for item in found:
                ttl_s = clients[item.client_id]
                assert (item.expires_in_s is None) == (ttl_s == 0)
                assert item.expires_in_s is None or ttl_s - 400 < item.expires_in_s <= ttl_s

        @invariant()
        def topics_are_those_with_subscribers(self) -> None:
            counts = [TopicCount(topic, len(clients)) for topic, clients in self.model.lists.items() if clients]
            assert self.wait(self.stores[0].topics()) == sorted(counts)

        def teardown(self) -> None:
            for store in self.stores:
                self.wait(store.close())
            self.wait(self.loop.shutdown_default_executor())
            self.loop.close()

    return StoreMachine


def test_every_history_is_answered_as_a_dict_would(begin: Callable[[], MakeHandle]) -> None:
    run_state_machine_as_test(
        machine(begin),
        settings=settings(
            max_examples=25,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
