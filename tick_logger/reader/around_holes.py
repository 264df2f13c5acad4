"""What is recorded around holes in trades, and which holes are not healed: for whoever fills them.

Looks at the days of a hole and at those next to them only, and there at a window that is found by
bisection: a day may have millions of trades.  Reads files as they grow.

Invariant: what is told to be on disk is there, and the trades told are those next to the hole.
Not here: what is asked for by it (`net.rest`).
"""

from __future__ import annotations

from bisect import bisect_left

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.flush import GapRecord
from tick_logger.model.surroundings import KnownTrades, Surroundings, Trade
from tick_logger.model.tables import ORIGIN_ASIDE, ORIGIN_REST, Table
from tick_logger.model.times import day_of
from tick_logger.storage.day_files import DayFiles
from tick_logger.storage.files import Files
from tick_logger.storage.gap_files import ABOUT_NO_HOLE, parse_gaps, standing
from tick_logger.storage.layout import GapsPath, gaps_path, table_folder

MOST_AROUND = 100
"""Trades on either side: more than share a moment with the first that is missing."""

MOST_WITHIN = 200_000
"""Trades within a hole that came by REST or late; a hole with more is looked at in part."""

MARGIN_NS = 120 * 10**9
"""Files are in the order of event times.  That of receipt differs by what the reorder window and an
exchange's latency allow, which is seconds."""

MOST_BEYOND = 1_000
"""Rows farther on each side, so that `MOST_AROUND` are found of a quiet symbol."""

_COLUMNS = ("seq", "event_ns", "recv_ns", "origin")


@attrs.frozen
class _Trades:
    """Trades of some days in the order of their event times (shape `(n,)` each)."""

    ids: npt.NDArray[np.uint64]
    event_ns: npt.NDArray[np.int64]
    recv_ns: npt.NDArray[np.int64]
    by_rest: npt.NDArray[np.bool_]

    def some(self, chosen: npt.NDArray[np.intp]) -> tuple[Trade, ...]:
        """The trades at these places."""
        pairs = zip(self.ids[chosen].tolist(), self.event_ns[chosen].tolist(), strict=True)
        return tuple(Trade(*pair) for pair in pairs)


def surroundings(
    files: Files, exchange: str, symbol: str, from_ns: int, to_ns: int
) -> Surroundings:
    """The trades around a hole between two times of receipt; raises `OSError`.

    If both times are one, a trade received then may have come before the hole or behind it: it is
    on neither side, but within.
    """
    last_ns, first_ns = (from_ns, to_ns) if from_ns < to_ns else (from_ns - 1, to_ns + 1)
    days = range(day_of(from_ns) - 1, day_of(to_ns) + 2)
    trades = _read(files, exchange, symbol, days, (from_ns, to_ns))
    streamed = ~trades.by_rest
    before = np.flatnonzero(streamed & (trades.recv_ns <= last_ns))[-MOST_AROUND:]
    begin = int(before[-1]) if len(before) else -1
    behind = streamed & (trades.recv_ns >= first_ns)
    behind[: begin + 1] = False
    after = np.flatnonzero(behind)[:MOST_AROUND]
    end = int(after[0]) if len(after) else len(trades.ids)
    within = slice(begin + 1, min(end, begin + 1 + MOST_WITHIN))
    known = KnownTrades.of(trades.ids[within], trades.event_ns[within])
    return Surroundings(trades.some(before), trades.some(after), known)


def _read(
    files: Files, exchange: str, symbol: str, days: range, hole_ns: tuple[int, int]
) -> _Trades:
    """The trades of these days near a hole, but those whose times cannot be right."""
    parts: list[list[npt.NDArray[np.int64]]] = []
    for day in days:
        for late in (False, True):
            folder = table_folder(exchange, symbol, Table.TRADES, late=late)
            found = DayFiles.look_beside_a_writer(files, folder, Table.TRADES, day)
            # What is late is in the order in which it came.
            whole = 0, found.whole_rows
            start, stop = whole if late else _window(files, found, *hole_ns)
            ids, event, recv, origin = (
                found.values(files, c, start, stop - start) for c in _COLUMNS
            )
            keep = np.asarray(origin != ORIGIN_ASIDE)
            parts.append([ids[keep], event[keep], recv[keep], origin[keep]])
    ids, event, recv, origin = map(np.concatenate, zip(*parts, strict=True))
    order = np.lexsort((ids, event))
    return _Trades(ids[order], event[order], recv[order], origin[order] == ORIGIN_REST)


def _window(files: Files, day: DayFiles, from_ns: int, to_ns: int) -> tuple[int, int]:
    """The rows of a day among which those are that were received near these times."""
    rows = day.whole_rows

    def recv_ns(row: int) -> int:
        return int(day.values(files, "recv_ns", row, 1)[0])

    first_ns, last_ns = from_ns - MARGIN_NS, to_ns + MARGIN_NS
    start = max(bisect_left(range(rows), first_ns, key=recv_ns) - MOST_BEYOND, 0)
    stop = min(bisect_left(range(rows), last_ns, key=recv_ns) + MOST_BEYOND, rows)
    # A clock set back between two processes may leave no order there: then all of it is read.
    is_ordered = (start == 0 or recv_ns(start) <= first_ns) and (
        stop == rows or recv_ns(stop - 1) >= last_ns
    )
    return (start, stop) if is_ordered and start <= stop else (0, rows)


def open_holes(
    files: Files, exchange: str, symbol: str, instrument: int, days: range
) -> list[GapRecord]:
    """The holes in trades that began on these days and are not healed; raises `OSError`."""
    records: list[GapRecord] = []
    for day in days:
        path = gaps_path(GapsPath(exchange, symbol, day))
        size = files.size(path)
        if size:
            records += parse_gaps(files.read(path, 0, size), instrument).records
    return [
        record
        for record in standing(records)
        if record.table is Table.TRADES
        and not (record.healed or record.cause in ABOUT_NO_HOLE or record.to_ns is None)
    ]
