"""Rows whose times can be right or not, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tests.pipeline.streams import DAY, SECOND, T0, Out, quotes, tickers, trades
from tick_logger.model.flush import Run
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import ORIGIN_LATE, Table

Row = tuple[int, int, int, int]

MAKERS: dict[Table, Callable[[Sequence[Row]], RowBatch]] = {
    Table.TRADES: trades,
    Table.QUOTES: quotes,
    Table.MD: tickers,
}
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
NOON = T0 + DAY // 2
OFFSETS = [0, 9 * HOUR, -9 * HOUR, 3 * DAY, -3 * DAY, -400 * DAY, 2 * MINUTE]
"""How far a venue's clock may be ahead of this machine's, whoever is wrong."""


def live(second: int, seq: int, offset: int = 0, instrument: int = 0) -> Row:
    """A row that is received in this second, 50 ms after its venue's time."""
    recv = NOON + second * SECOND
    return instrument, recv, recv + offset - SECOND // 20, seq


def odd(row: Row, ahead: int) -> Row:
    """The same with a time so far ahead of what it should be."""
    instrument, recv, event, seq = row
    return instrument, recv, event + ahead, seq


def one_a_tick(rows: Iterable[Row], table: Table = Table.TRADES) -> list[list[RowBatch]]:
    """Each row in a tick of its own."""
    return [[MAKERS[table]([row])] for row in rows]


def late(out: Out) -> list[Run]:
    """The runs of rows that came too late."""
    return [run for run in out.runs if run.origin == ORIGIN_LATE]


def all_aside(out: Out) -> list[int]:
    """The ids of all rows that were set aside."""
    return [seq for run in out.runs if run.aside for seq in run.rows["seq"].tolist()]
