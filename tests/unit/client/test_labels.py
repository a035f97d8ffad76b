import pytest

from gearhorn.client.labels import connection_label


@pytest.mark.parametrize(
    ("client_id", "label"),
    [
        ("bob", "bob"),
        ("a b\tc", "a-b-c"),
        ("zoë\u2028x", "zoë-x"),
        ("x" * 127, "x" * 127),
        ("x" * 128, "x" * 127),
        ("x" * 126 + "ë", "x" * 126),
    ],
)
def test_a_label_breaks_no_column_and_is_shown_in_full(client_id: str, label: str) -> None:
    assert connection_label(client_id) == label
