from gearhorn.client.inbox import _after_the_first


def test_a_server_that_is_connected_for_the_first_time_is_not_back() -> None:
    calls: list[str] = []
    one, other = _after_the_first(lambda: calls.append("one")), _after_the_first(lambda: calls.append("other"))
    one()
    other()
    assert calls == []
    one()
    one()
    assert calls == ["one", "one"]
