"""What a decode call said, payload by payload, in a form that compares with `==`."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from tick_logger.exchanges.base import Decoded, Event
from tick_logger.model.tables import Table

Row = tuple[Any, ...]
"""Frame, instrument, event_ns, seq and the table's own fields, with None for NaN."""


def rows_of(decoded: Decoded, table: Table) -> list[dict[str, Any]]:
    """The rows of one table as Python values, each with its `frame`."""
    for rows in decoded.rows:
        if rows.table == table:
            columns = {name: column.tolist() for name, column in rows.columns.items()}
            columns["frame"] = rows.frame.tolist()
            values = zip(*columns.values(), strict=True)
            return [dict(zip(columns, row, strict=True)) for row in values]
    return []


class AnySymbol(dict[str, int]):
    """Knows every symbol, by numbering it when it is first asked for."""

    def __missing__(self, symbol: str) -> int:
        self[symbol] = len(self)
        return self[symbol]


def tuples_of(decoded: Decoded, table: Table) -> Iterator[Row]:
    """The rows of one table."""
    for rows in decoded.rows:
        if rows.table == table:
            columns = [rows.frame.tolist()]
            for column in rows.columns.values():
                values = column.tolist()
                if column.dtype.kind == "f":
                    values = [None if math.isnan(value) else value for value in values]
                columns.append(values)
            yield from zip(*columns, strict=True)


def check_rows(decoded: Decoded, expected: Mapping[Table, Sequence[Row]]) -> None:
    """Every frame is understood, and every row of every table is there, value for value."""
    assert decoded.bad == ()
    for table in Table:
        assert list(tuples_of(decoded, table)) == expected[table]


def trades_by_symbol(
    decoded: Decoded, symbols: AnySymbol
) -> dict[str, tuple[int, int, int, int, int]]:
    """Count, first and last id, first and last time of each symbol's trades.

    On the way: ids rise by one from row to row, and times never fall.
    """
    names = {index: symbol for symbol, index in symbols.items()}
    trades: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in rows_of(decoded, Table.TRADES):
        trades[names[row["instrument"]]].append((row["seq"], row["event_ns"]))
    found = {}
    for symbol, pairs in trades.items():
        ids, times = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        assert times == sorted(times)
        found[symbol] = (len(ids), ids[0], ids[-1], times[0], times[-1])
    return found


def reason_of(decoded: Decoded) -> str:
    """Why the only payload is bad; it said nothing else."""
    assert (decoded.rows, decoded.events) == ((), ())
    (bad,) = decoded.bad
    return bad.reason


def complaint_of(decoded: Decoded) -> str:
    """Why the only payload is bad, as a whole or in part."""
    (bad,) = decoded.bad
    return bad.reason


def kind_of(decoded: Decoded) -> str:
    """Of which kind the only payload is, of which nothing is known."""
    assert (decoded.rows, decoded.events, decoded.bad, decoded.lost) == ((), (), (), ())
    (unknown,) = decoded.unknown
    return unknown.kind


def in_part(decoded: Decoded) -> tuple[str, list[tuple[Table, int, int | None]]]:
    """Why the only payload is bad in part, and table, instrument and id of what is lost."""
    (bad,) = decoded.bad
    assert bad.in_part
    return bad.reason, [(each.table, each.instrument, each.trade_id) for each in decoded.lost]


def events_of(decoded: Decoded) -> list[Event]:
    """The events without the numbers of their payloads."""
    return [event for _, event in decoded.events]


def by_frame(decoded: Decoded) -> dict[int, list[object]]:
    """Everything said, by payload: rows byte for byte (NaN included), events, reasons."""
    said: dict[int, list[object]] = defaultdict(list)
    for rows in sorted(decoded.rows, key=lambda each: each.table):
        for row, frame in enumerate(rows.frame.tolist()):
            cells = tuple(column[row].tobytes() for column in rows.columns.values())
            said[frame].append((rows.table, cells))
    for frame, event in decoded.events:
        said[frame].append(event)
    if decoded.counted is not None:
        numbers = zip(decoded.counted.frame.tolist(), decoded.counted.number.tolist(), strict=True)
        for frame, number in numbers:
            said[frame].append(("counted", number))
    for bad in decoded.bad:
        said[bad.frame].append(bad.reason)
    for lost in decoded.lost:
        said[lost.frame].append(attrs.evolve(lost, frame=0))
    for unknown in decoded.unknown:
        said[unknown.frame].append(("unknown", unknown.kind))
    return dict(said)
