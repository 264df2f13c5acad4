"""The books at the end: rebuilt from the rows of BOOK they are the market's, where venues allow it.

The last life may begin with losses, and goes on long enough for every book to begin anew.  Only
where nobody can know, or nobody promises, that an update is missing may one be.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.service.oracle import Rows
from tests.sim.court import Given, Key, heard_after
from tests.sim.process import Book
from tests.sim.said import KNOWN
from tests.sim.streams import MOST_SHOWN, SNAPSHOT, Stream
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import BookCheck

MENDING = {BookCheck.RANGES, BookCheck.CHAIN, BookCheck.CHECKSUM}
"""Where a broken book begins anew."""


def last_book(stream: Stream, given: Given, kept_back: set[Key]) -> Iterator[str]:
    """Whether the book was the market's when the last process was told to stop."""
    court, process = stream.court, stream.court.world.processes[-1]
    if not court.wanted(stream.exchange, stream.symbol, stream.table, court.world.ended):
        return
    if process.code != 0 or not heard_after([given], process, process.began):
        return  # where snapshots come by REST, the first update asks for one
    depth = KNOWN[stream.exchange].depth
    books = _cut(process.books[stream.exchange, stream.symbol], depth)
    expected = tuple(_on_disk(side, stream) for side in books)
    begun_ns, found = _rebuilt(stream, depth)
    court.counts["books compared"] += 1
    if found == expected:
        return
    exchange = registry.get(stream.exchange)
    mends = exchange.book_check in MENDING or exchange.counts_messages
    if kept_back and not mends and _may_be_broken(stream, exchange.book_check, begun_ns):
        court.counts["books that lack what nothing mends"] += 1
        return
    if not any(moment >= process.began for moment in court.moments(begun_ns)):
        yield "the last life's book has no snapshot"
    for name, was, is_now in zip(("asks", "bids"), expected, found, strict=True):
        wrong = sorted(was.items() ^ is_now.items())
        if wrong:
            yield f"the last book has {len(wrong)} wrong {name}: {wrong[:MOST_SHOWN]}"


def _may_be_broken(stream: Stream, check: BookCheck, begun_ns: int) -> bool:
    """Whether a lost update may show in the book; where it can be noticed, a gap record says so."""
    if check is BookCheck.NONE:
        return True
    return begun_ns > 0 and any((gap["to_ns"] or math.inf) > begun_ns for gap in stream.gaps)


def _rebuilt(stream: Stream, depth: int | None) -> tuple[int, Book]:
    """When the newest snapshot was received, and the book after all rows in file order.

    Where the service's clock was set forward, snapshots without a time of their venue's may lie in
    the future of the market, and what comes later is late: then the order is that of receipt.  Set
    back, it may show the same time twice: of what was received then, the later moment counts.
    """
    rows, court = _rows(stream.parts[0]), stream.court
    if court.was_clock_set and len(stream.parts[1]):
        rows += _rows(stream.parts[1])
        rows.sort(key=lambda row: max(court.moments(row[0])))
    book: Book = ({}, {})
    snapshot: tuple[int, int] | None = None  # update id and receive time of the rows just before
    begun_ns = 0
    for recv_ns, flags, update_id, side, price, size in rows:
        if flags & SNAPSHOT and snapshot != (update_id, recv_ns):
            book = {}, {}
            begun_ns = recv_ns
        snapshot = (update_id, recv_ns) if flags & SNAPSHOT else None
        if size:
            book[side][price] = size
        else:
            book[side].pop(price, None)
    return begun_ns, _cut(book, depth)


def _rows(part: Rows) -> list[tuple[Any, ...]]:
    columns = (part[name].tolist() for name in ("flags", "update_id", "side", "price", "size"))
    return list(zip(part.recv_ns.tolist(), *columns, strict=True))


def _cut(book: Book, depth: int | None) -> Book:
    """The best levels of each side."""
    asks, bids = book
    best_asks, best_bids = sorted(asks)[:depth], sorted(bids, reverse=True)[:depth]
    return {price: asks[price] for price in best_asks}, {price: bids[price] for price in best_bids}


def _on_disk(side: dict[float, float], stream: Stream) -> dict[float, float]:
    """With the prices and sizes that a column can hold."""
    width = "f4" if stream.court.width == "f4" else "f8"
    prices, sizes = (np.array([*values], width).tolist() for values in (side, side.values()))
    return dict(zip(prices, sizes, strict=True))
