"""Books as they were when the journal begins, from the rows of before.

A journal is pruned, and a book may have had its last snapshot long before what is left of it.  The
rows since that snapshot make the book, unless one of them is known to be missing, or prices were
recorded with fewer digits than were sent.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import BOOK_BID, FLAG_SNAPSHOT, Table
from tick_logger.playback.books import BookMessage
from tick_logger.reader.source import Block, Source, Symbol

Columns: TypeAlias = Mapping[str, npt.NDArray[Any]]

MOST_DAYS = 7
"""Days that are searched for a snapshot: connections live for a day at most, where venues end them,
and a book without one for a week is not worth the reading."""

MOST_ROWS = 20_000_000
"""Rows since the snapshot: they fit the memory, and are read within seconds."""

MOST_ROWS_ONE_BY_ONE = 500_000
"""Where a book is cut after each update: these are followed within seconds."""

_FIELDS = ("side", "price", "size", "flags", "seq", "event_ns")
_F4_DIGITS = 7  # that a float32 keeps of a decimal number
_LOOKED_AT = 1000  # prices of a book: enough to see how many digits they have


def earlier_book(
    source: Source, symbol: Symbol, before_ns: int, *, one_by_one: bool
) -> Iterator[BookMessage]:
    """What makes a symbol's book of the rows received before then; nothing if it is not known.

    `one_by_one`: each update is a message; otherwise all of it is one.  Raises `OSError`.
    """
    rows = _since_snapshot(source, symbol, before_ns)
    if rows is None or _lacks_digits(rows["price"]):
        return
    begun_ns = int(rows["recv_ns"][0])
    for hole in source.holes(symbol):
        over = hole.to_ns is None or hole.to_ns >= begun_ns
        if hole.table is Table.BOOK and over and (hole.from_ns or begun_ns) < before_ns:
            return
    if one_by_one:
        if len(rows["price"]) <= MOST_ROWS_ONE_BY_ONE:
            yield from _updates(rows)
    else:
        yield _whole(rows)


def _updates(rows: Columns) -> Iterator[BookMessage]:
    """Rows of one time and id are one message."""
    changes = (np.diff(rows["event_ns"]) != 0) | (np.diff(rows["seq"].astype(np.int64)) != 0)
    edges = [0, *(np.flatnonzero(changes) + 1).tolist(), len(rows["price"])]
    lists = {name: rows[name].tolist() for name in _FIELDS}
    for start, stop in itertools.pairwise(edges):
        message = BookMessage(last_id=lists["seq"][start], event_ns=lists["event_ns"][start])
        for at in range(start, stop):
            is_whole = bool(lists["flags"][at] & FLAG_SNAPSHOT)
            level = lists["side"][at] == BOOK_BID, lists["price"][at], lists["size"][at]
            message.levels.append((is_whole, *level))
            message.is_whole = message.is_whole or is_whole
        yield message


def _whole(rows: Columns) -> BookMessage:
    """The book after all rows: the last of each level, as one snapshot."""
    side, price, size = (rows[name] for name in ("side", "price", "size"))
    order = np.lexsort((np.arange(len(price)), price, side))  # NaN, an empty side, is last
    is_last = np.ones(len(order), np.bool_)
    is_last[:-1] = (np.diff(price[order]) != 0) | (np.diff(side[order].astype(np.int64)) != 0)
    chosen = order[is_last]
    chosen = chosen[size[chosen] > 0]
    levels = zip(side[chosen].tolist(), price[chosen].tolist(), size[chosen].tolist(), strict=True)
    return BookMessage(
        levels=[(True, side == BOOK_BID, price, size) for side, price, size in levels],
        last_id=int(rows["seq"][-1]),
        event_ns=int(rows["event_ns"][-1]),
        is_whole=True,
    )


def _since_snapshot(source: Source, symbol: Symbol, before_ns: int) -> Columns | None:
    """The rows from the first of the last snapshot on; None if there is none."""
    parts: list[Columns] = []
    count = 0
    for day in sorted(source.days(symbol, Table.BOOK), reverse=True)[:MOST_DAYS]:
        rows = _of_day(source.look(symbol, Table.BOOK, day).main, before_ns)
        whole = np.flatnonzero(rows["flags"] & FLAG_SNAPSHOT)
        start = _begin_of_last(rows, whole) if len(whole) else 0
        parts.insert(0, {name: column[start:] for name, column in rows.items()})
        count += len(rows["flags"]) - start
        if count > MOST_ROWS:
            return None
        if len(whole):
            return {name: np.concatenate([each[name] for each in parts]) for name in rows}
    return None


def _of_day(block: Block, before_ns: int) -> Columns:
    received = block.field("recv_ns", 0, block.rows)
    chosen = received < before_ns
    fields = {name: block.field(name, 0, block.rows)[chosen] for name in _FIELDS}
    return {**fields, "recv_ns": received[chosen]}


def _begin_of_last(rows: Columns, whole: npt.NDArray[np.intp]) -> int:
    """The first row of the snapshot that the last flagged row is of."""
    last = int(whole[-1])
    of_it = np.ones(len(whole), np.bool_)
    for name in ("event_ns", "seq"):
        of_it &= rows[name][whole] == rows[name][last]
    # Backwards until one is of another snapshot, or rows of updates lie between.
    apart = np.flatnonzero(~of_it | (np.arange(last - len(whole) + 1, last + 1) != whole))
    return int(whole[apart[-1] + 1]) if len(apart) else int(whole[0])


def _lacks_digits(prices: npt.NDArray[np.float64]) -> bool:
    """Whether prices are float32 numbers that stand for others."""
    known = prices[~np.isnan(prices)]
    if not (known == known.astype(np.float32)).all():
        return False
    return any(
        len(repr(price).replace(".", "")) > _F4_DIGITS + 1 for price in known[:1000].tolist()
    )
