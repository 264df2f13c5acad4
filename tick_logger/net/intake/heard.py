"""What each connection hears of a batch, once it is decoded.

The frames of all connections are decoded together; here it is told apart whose they were.  Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.exchanges.base import BookBroken, Decoded, DecodedRows, Event
from tick_logger.model.entries import Received
from tick_logger.model.tables import Table
from tick_logger.model.times import Times
from tick_logger.net.intake.arrivals import Arrival, Heard, Numbers, Source

NONE: Numbers = np.zeros(0, np.int64)


@attrs.define(eq=False)
class _Tally:
    """What has been found so far for one connection."""

    source: Source
    frames: int = 0
    bad: int = 0
    data_ns: int = 0
    numbers: Numbers = NONE
    numbered_ns: Times = NONE
    events: list[tuple[int, Event]] = attrs.field(factory=list)
    rows_at: dict[tuple[Table, int], list[tuple[float, int]]] = attrs.field(factory=dict)

    def heard(self) -> Heard:
        return Heard(
            frames=self.frames,
            bad=self.bad,
            data_ns=self.data_ns,
            numbers=self.numbers,
            numbered_ns=self.numbered_ns,
            events=self.events,
            rows_at=self.rows_at,
        )


def with_broken_books(decoded: Decoded) -> Sequence[tuple[int, Event]]:
    """The events, and the books that broke because something of them was not understood."""
    books = {(each.frame, each.instrument) for each in decoded.lost if each.table is Table.BOOK}
    broken = [(frame, BookBroken(instrument)) for frame, instrument in sorted(books)]
    return sorted([*decoded.events, *broken], key=itemgetter(0))


def heard_by(
    arrivals: Sequence[Arrival],
    received: Received,
    owner: npt.NDArray[np.int32],
    with_data: npt.NDArray[np.bool_],
    decoded: Decoded,
) -> list[tuple[Source, Heard]]:
    """What each connection hears, in the order in which they first appear among the arrivals.

    `owner` is the number of the arrival that each frame came with; `with_data` says of each arrival
    whether there was market data in it.
    """
    assert len(arrivals) == len(with_data) == len(received.recv_ns)
    tallies: dict[int, _Tally] = {}  # by id(source)
    of_arrival: list[_Tally] = []
    for item, data in zip(arrivals, with_data.tolist(), strict=True):
        key = id(item.source)
        tally = tallies.get(key)
        if tally is None:
            tally = tallies[key] = _Tally(item.source)
        tally.frames += len(item.payloads)
        if data:
            tally.data_ns = item.recv_ns
        of_arrival.append(tally)
    for bad in decoded.bad:
        of_arrival[owner[bad.frame]].bad += not bad.in_part
    events = with_broken_books(decoded) if decoded.lost else decoded.events
    if events:
        whose = owner[[frame for frame, _ in events]].tolist()
        for number, (_, event) in zip(whose, events, strict=True):
            of_arrival[number].events.append((arrivals[number].recv_ns, event))
    if decoded.counted is not None:
        frame, numbers = decoded.counted.frame, decoded.counted.number
        recv_ns = received.recv_ns[owner[frame]]
        sources = np.array([id(item.source) for item in arrivals], np.uint64)[owner[frame]]
        for key, tally in tallies.items():
            mine = sources == key
            tally.numbers, tally.numbered_ns = numbers[mine], recv_ns[mine]
    for key, tally in tallies.items():
        if tally.data_ns and tally.source.is_incomplete:
            mine = with_data & np.array([id(item.source) == key for item in arrivals])
            for rows in decoded.rows:
                _note_rows(tally.rows_at, rows, owner, mine, arrivals)
    return [(tally.source, tally.heard()) for tally in tallies.values()]


def _note_rows(
    rows_at: dict[tuple[Table, int], list[tuple[float, int]]],
    rows: DecodedRows,
    owner: npt.NDArray[np.int32],
    mine: npt.NDArray[np.bool_],
    arrivals: Sequence[Arrival],
) -> None:
    """Note when rows of each instrument came, in the arrivals that `mine` says."""
    whose = owner[rows.frame]
    chosen = mine[whose]
    instruments = np.asarray(rows.columns["instrument"])[chosen]
    came = np.unique(np.stack([instruments, whose[chosen]]), axis=1)  # in the order of arrivals
    for instrument, number in came.T.tolist():
        at = arrivals[number].arrived, arrivals[number].recv_ns
        rows_at.setdefault((rows.table, instrument), []).append(at)
