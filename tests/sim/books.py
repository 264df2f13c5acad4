"""The books at the end: rebuilt from the rows of BOOK they are the market's, or a gap says why not.

The last life may begin with losses, and goes on long enough for every book to begin anew.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.sim.court import Key
from tests.sim.process import Book
from tests.sim.said import KNOWN
from tests.sim.streams import MOST_SHOWN, Stream
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import BookCheck

SNAPSHOT = 1  # in BOOK.flags


def last_book(stream: Stream, kept_back: set[Key]) -> Iterator[str]:
    """Whether the book was the market's when the last process was told to stop."""
    court, process = stream.court, stream.court.world.processes[-1]
    if process.code != 0:
        return
    depth = KNOWN[stream.exchange].depth
    books = _cut(process.books[stream.exchange, stream.symbol], depth)
    expected = tuple(_on_disk(side, stream) for side in books)
    begun_ns, found = _rebuilt(stream, depth)
    court.counts["books compared"] += 1
    if found == expected:
        return
    if begun_ns and any(gap["to_ns"] > begun_ns for gap in stream.gaps):
        court.counts["books in a gap at the end"] += 1
        return
    proves = registry.get(stream.exchange)
    if proves.book_check is BookCheck.NONE and not proves.counts_messages and kept_back:
        court.counts["books that lack what nothing tells of"] += 1
        return
    if not any(moment >= process.began for moment in court.moments(begun_ns)):
        yield "the last life's book has no snapshot"
    for name, was, is_now in zip(("asks", "bids"), expected, found, strict=True):
        wrong = sorted(was.items() ^ is_now.items())
        if wrong:
            yield f"the last book has {len(wrong)} wrong {name}: {wrong[:MOST_SHOWN]}"


def _rebuilt(stream: Stream, depth: int | None) -> tuple[int, Book]:
    """When the newest snapshot was received, and the book after all rows in file order."""
    rows = stream.parts[0]
    book: Book = ({}, {})
    snapshot: tuple[int, int] | None = None  # update id and receive time of the rows just before
    begun_ns = 0
    names = ("flags", "update_id", "side", "price", "size")
    columns = (rows[name].tolist() for name in names)
    for flags, update_id, side, price, size, recv_ns in zip(
        *columns, rows.recv_ns.tolist(), strict=True
    ):
        if flags & SNAPSHOT and snapshot != (update_id, recv_ns):
            book = {}, {}
            begun_ns = recv_ns
        snapshot = (update_id, recv_ns) if flags & SNAPSHOT else None
        if size:
            book[side][price] = size
        else:
            book[side].pop(price, None)
    return begun_ns, _cut(book, depth)


def _cut(book: Book, depth: int | None) -> Book:
    """The best levels of each side."""
    asks, bids = book
    best_asks, best_bids = sorted(asks)[:depth], sorted(bids, reverse=True)[:depth]
    return {price: asks[price] for price in best_asks}, {price: bids[price] for price in best_bids}


def _on_disk(side: dict[float, float], stream: Stream) -> dict[float, float]:
    """With the prices and sizes that a column can hold."""
    width = np.dtype(stream.court.width)
    prices, sizes = (np.array([*values], width).tolist() for values in (side, side.values()))
    return dict(zip(prices, sizes, strict=True))
