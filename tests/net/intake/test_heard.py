"""What each connection hears of frames that were decoded together."""

from __future__ import annotations

import numpy as np
import pytest

from tests.net.bench import Connection
from tick_logger.exchanges.base import (
    BadFrame,
    BookBroken,
    BookSnapshot,
    Counted,
    Decoded,
    DecodedRows,
    Heartbeat,
    Lost,
    Pong,
    UnknownKind,
)
from tick_logger.model.entries import Received, joined
from tick_logger.model.payloads import Payloads
from tick_logger.model.tables import Table
from tick_logger.net.intake.arrivals import Arrival, Heard
from tick_logger.net.intake.heard import heard_by

ONE, TWO = Connection("1.1"), Connection("2.1")


def hear(
    decoded: Decoded, with_data: list[bool], arrived: tuple[float, ...] = (0.0, 0.0, 0.0)
) -> dict[str, Heard]:
    """Of three arrivals at 10, 20 and 30: two frames on ONE, one on TWO, and three on ONE."""
    arrivals = [
        Arrival(source, recv_ns, at, Payloads.of([b"?"] * frames), frames)
        for (source, recv_ns, frames), at in zip(
            ((ONE, 10, 2), (TWO, 20, 1), (ONE, 30, 3)), arrived, strict=True
        )
    ]
    lengths, payloads = joined([b"?"] * 6)
    received = Received(
        exchange="tiny",
        connections=("1.1", "2.1", "1.1"),
        recv_ns=np.array([10, 20, 30], np.int64),
        counts=np.array([2, 1, 3], np.uint32),
        lengths=lengths,
        payloads=payloads,
    )
    owner = np.array([0, 0, 1, 2, 2, 2], np.int32)
    told = heard_by(arrivals, received, owner, np.array(with_data), decoded)
    return {source.label: heard for source, heard in told}


def test_frames_are_counted_by_connection() -> None:
    """All, bad ones, and whether there was market data in any arrival."""
    bad = (BadFrame(2, "no"), BadFrame(4, "no"), BadFrame(5, "no"))
    heard = hear(Decoded(bad=bad), [False, False, True])
    assert list(heard) == ["1.1", "2.1"]
    assert [(h.frames, h.bad, h.data_ns) for h in heard.values()] == [
        (5, 2, 30),
        (1, 1, 0),
    ]


def test_events_are_heard_in_order_with_their_receive_times() -> None:
    """By the connection that they came on, and no other."""
    events = ((0, Pong()), (2, Heartbeat()), (3, Pong()), (5, Heartbeat()))
    heard = hear(Decoded(events=events), [True, True, True])
    assert heard["1.1"].events == [(10, Pong()), (30, Pong()), (30, Heartbeat())]
    assert heard["2.1"].events == [(20, Heartbeat())]


@pytest.mark.parametrize("frames", [[], [1, 2, 3, 5], [2]])
def test_numbers_go_to_the_connection_that_they_count(frames: list[int]) -> None:
    """With the receive time of each."""
    frame = np.array(frames, np.int32)
    counted = Counted(frame, frame.astype(np.int64) + 70)
    heard = hear(Decoded(counted=counted), [True, True, True])
    times = [10, 10, 20, 30, 30, 30]
    for label, mine in (("1.1", {0, 1, 3, 4, 5}), ("2.1", {2})):
        assert heard[label].numbers.tolist() == [n + 70 for n in frames if n in mine]
        assert heard[label].numbered_ns.tolist() == [times[n] for n in frames if n in mine]


def test_where_nothing_is_numbered_nothing_is_heard_of_numbers() -> None:
    """An array without numbers, for all connections."""
    heard = hear(Decoded(), [True, True, True])
    assert [len(each.numbers) for each in heard.values()] == [0, 0]


def test_what_is_understood_in_part_and_unknown_kinds_are_no_nonsense() -> None:
    """A new connection would mend neither."""
    bad = (BadFrame(2, "no", in_part=True), BadFrame(4, "no"))
    unknown = (UnknownKind(0, "new"), UnknownKind(5, "new"))
    heard = hear(Decoded(bad=bad, unknown=unknown), [False, False, True])
    assert [each.bad for each in heard.values()] == [1, 0]


def test_a_book_that_lost_something_is_broken_in_its_place() -> None:
    """After what came before it, and before what comes after it; other tables break nothing."""
    lost = (Lost(3, 7, Table.BOOK), Lost(3, 7, Table.QUOTES), Lost(2, 8, Table.TRADES))
    events = ((1, BookSnapshot(7, 1)), (3, Heartbeat()), (4, BookSnapshot(7, 2)))
    heard = hear(Decoded(events=events, lost=lost), [True, True, True])
    assert heard["1.1"].events == [
        (10, BookSnapshot(7, 1)),
        (30, Heartbeat()),
        (30, BookBroken(7)),
        (30, BookSnapshot(7, 2)),
    ]
    assert heard["2.1"].events == []


def test_who_lacks_something_hears_when_rows_came() -> None:
    """By table and instrument, each arrival; others, of whom all is acknowledged, do not."""
    columns = {"instrument": np.array([7, 8, 7, 7], np.int32)}
    rows = DecodedRows(Table.TRADES, columns, np.array([0, 2, 3, 5], np.int32))
    assert hear(Decoded(rows=(rows,)), [True, True, True])["1.1"].rows_at == {}
    ONE.is_incomplete = True
    try:
        heard = hear(Decoded(rows=(rows,)), [True, True, True], arrived=(1.0, 2.0, 3.0))
    finally:
        ONE.is_incomplete = False
    assert heard["1.1"].rows_at == {(Table.TRADES, 7): [(1.0, 10), (3.0, 30)]}
    assert heard["2.1"].rows_at == {}
