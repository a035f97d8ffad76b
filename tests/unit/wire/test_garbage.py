"""Whatever bytes come in, a role answers with events and perhaps a violation: never with another exception."""

from hypothesis import given
from hypothesis import strategies as st

from gearhorn.wire.client import ClientRole
from gearhorn.wire.worker import WorkerRole
from tests.unit.wire.streams import HEADER, REQ, RES, cuts_of, packet
from tests.unit.wire.test_client_histories import told_by

KINDS = [1, 4, 6, 8, 10, 11, 12, 13, 14, 17, 19, 20, 25, 27, 28, 29, 31, 40, 42, 0, 2**32 - 1]
bodies = st.one_of(
    st.binary(max_size=30),
    st.lists(st.sampled_from([b"", b"H:lap:1", b"queue", b"unique", b"\xff", b"unknown_option"])).map(b"\0".join),
)
packets = st.builds(packet, st.sampled_from(KINDS), bodies, magic=st.sampled_from([RES, RES, RES, REQ]))
headers = st.builds(HEADER.pack, st.just(RES), st.sampled_from(KINDS), st.integers(0, 2**32 - 1))
streams = st.lists(st.one_of(packets, packets, packets, st.binary(max_size=14), headers), max_size=12).map(b"".join)


def client() -> ClientRole[str]:
    role: ClientRole[str] = ClientRole()
    role.submit("ann", 0, 3, b"", foreground=False)
    role.submit("bob", 0, 2, b"", foreground=True)
    role.probe()
    role.submit("ann", 3, 1, b"", foreground=True)
    return role


def worker(grab_limit: int = 8) -> WorkerRole:
    role = WorkerRole(grab_limit, 8)
    role.start_grabbing()
    return role


@given(streams, st.data())
def test_a_client_makes_the_same_of_any_bytes_however_they_are_cut(stream: bytes, data: st.DataObject) -> None:
    whole, pieced = client(), client()
    events = whole.receive(stream)
    in_pieces = [event for piece in data.draw(cuts_of(stream)) for event in pieced.receive(piece)]
    reports = [event for event in events if hasattr(event, "owner")]
    assert [told for event in in_pieces if hasattr(event, "owner") for told in told_by(event)] == [
        told for event in reports for told in told_by(event)
    ]
    assert (whole.violation is None) == (pieced.violation is None)
    assert {(lost.owner, *lost.positions) for lost in whole.close()} == {
        (lost.owner, *lost.positions) for lost in pieced.close()
    }


@given(streams, st.data())
def test_a_worker_makes_the_same_of_any_bytes_however_they_are_cut(stream: bytes, data: st.DataObject) -> None:
    whole, pieced = worker(), worker()
    events = whole.receive(stream)
    in_pieces = [event for piece in data.draw(cuts_of(stream)) for event in pieced.receive(piece)]
    if whole.violation is None:  # in pieces it may have sent more grabs meanwhile, which are then answered rightly
        assert in_pieces == events
        assert pieced.held == whole.held


@given(st.binary(max_size=300), st.data())
def test_pure_noise_is_survived(noise: bytes, data: st.DataObject) -> None:
    pieces = data.draw(cuts_of(noise))
    for role in (client(), worker()):
        for piece in pieces:
            role.receive(piece)
        role.take_output()
        assert role.violation is not None or len(noise) < HEADER.size or noise[:4] in (RES, REQ)
