"""Bars (open, high, low, close, volume) of trades, by periods that begin at whole multiples in UTC.

A period without trades has no bar: there is no price to give, and a hole looks no different.  Each
trade is read once, in pieces, so that the memory for it is bounded; the bars of two pieces that are
of one period become one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import SIDE_BUY, SIDE_SELL, Table
from tick_logger.reader.columns import EXCHANGE, SYMBOL, TS, Column, Kind
from tick_logger.reader.content import Calculated, indexed
from tick_logger.reader.parts import day_parts
from tick_logger.reader.source import Array, Source, Symbol
from tick_logger.reader.times import Span

PIECE_ROWS = 1 << 20
"""Trades that are looked at together; some 50 MB."""

COUNT = Column("count", Kind.COUNT)
OPEN, HIGH, LOW, CLOSE, VOLUME, VWAP, BUY_VOLUME, SELL_VOLUME = (
    Column(name, Kind.NUMBER)
    for name in ("open", "high", "low", "close", "volume", "vwap", "buy_volume", "sell_volume")
)
SUMMED = (VOLUME, VWAP, BUY_VOLUME, SELL_VOLUME, COUNT)
"""Columns that are sums; that of `vwap` is price times size until all trades were seen."""

Bars = Mapping[Column, Array]


def bars(source: Source, symbols: Sequence[Symbol], wanted: Span, every_ns: int) -> Calculated:
    """The bars of some symbols, one symbol behind the other."""
    found = [_joined(list(_pieces(source, each, wanted, every_ns))) for each in symbols]
    made: dict[Column, Array] = {}
    texts: dict[Column, Sequence[str]] = {}
    if len(symbols) > 1:
        counts = [len(each[TS]) for each in found]
        for column, names in (
            (EXCHANGE, [each.exchange for each in symbols]),
            (SYMBOL, [each.symbol for each in symbols]),
        ):
            numbers, texts[column] = indexed(names)
            made[column] = np.repeat(numbers, counts)
    order = (TS, OPEN, HIGH, LOW, CLOSE, VOLUME, COUNT, VWAP, BUY_VOLUME, SELL_VOLUME)
    for column in order:
        made[column] = np.concatenate([each[column] for each in found])
    made[TS] = made[TS].view("datetime64[ns]")
    with np.errstate(invalid="ignore", divide="ignore"):
        made[VWAP] = made[VWAP] / made[VOLUME]
    return Calculated(made, texts)


def _pieces(source: Source, symbol: Symbol, wanted: Span, every_ns: int) -> Iterator[Bars]:
    for part in day_parts(source, symbol, Table.TRADES, wanted, "merge"):
        for start in range(0, part.rows, PIECE_ROWS):
            stop = min(start + PIECE_ROWS, part.rows)
            price, size, side, times = (
                part.field(name, start, stop) for name in ("price", "size", "side", "event_ns")
            )
            yield _grouped(
                {
                    TS: times - times % every_ns,
                    **dict.fromkeys((OPEN, HIGH, LOW, CLOSE), price),
                    VOLUME: size,
                    COUNT: np.ones(len(size), np.uint64),
                    VWAP: price * size,
                    BUY_VOLUME: np.where(side == SIDE_BUY, size, 0),
                    SELL_VOLUME: np.where(side == SIDE_SELL, size, 0),
                }
            )


def _joined(pieces: Sequence[Bars]) -> Bars:
    """All bars of a symbol; those of one period, which follow each other, become one."""
    none = {column: np.empty(0, column.kind.dtype) for column in (OPEN, HIGH, LOW, CLOSE, *SUMMED)}
    empty: Bars = {TS: np.empty(0, np.int64), **none}
    return _grouped(
        {column: np.concatenate([each[column] for each in (empty, *pieces)]) for column in empty}
    )


def _grouped(rows: Bars) -> Bars:
    """One bar for all rows that follow each other and are of one period."""
    periods = rows[TS]
    if not len(periods):
        return rows
    first: npt.NDArray[np.int64] = np.flatnonzero(np.diff(periods, prepend=periods[0] - 1))
    last = np.append(first[1:], len(periods)) - 1
    return {
        TS: periods[first],
        OPEN: rows[OPEN][first],
        HIGH: np.maximum.reduceat(rows[HIGH], first),
        LOW: np.minimum.reduceat(rows[LOW], first),
        CLOSE: rows[CLOSE][last],
        **{column: np.add.reduceat(rows[column], first) for column in SUMMED},
    }
