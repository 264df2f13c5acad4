"""The books of one exchange at the moment that is played, as its recorded messages make them.

Levels keep every digit that was sent.  A book of which a message is missing or was not understood
is none until its next snapshot: nobody is told a wrong one.

Not here: in which words a new subscriber is told a book (`simulator.dialects`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

import attrs
import numpy as np

from tick_logger.exchanges.base import (
    BookCheck,
    BookLink,
    BookSnapshot,
    BookTexts,
    Decoded,
    DecodedRows,
    Exchange,
)
from tick_logger.model.tables import BOOK_BID, FLAG_SNAPSHOT, NO_TIME, Table
from tick_logger.simulator.book import Book
from tick_logger.simulator.listing import Listing

Number: TypeAlias = str | float
"""A decimal number as it was sent, or where that is not known, the float that it makes."""


@attrs.define
class BookMessage:
    """What one payload says of one book."""

    levels: list[tuple[bool, bool, Number, Number]] = attrs.field(factory=list)
    """Of each: whether it is of a snapshot, whether a bid, price, size; NaN: the side is empty."""
    link: BookLink | None = None
    last_id: int = 0
    event_ns: int = NO_TIME
    broken: bool = False
    is_whole: bool = False  # a snapshot, which replaces the book so far


@attrs.define
class _Known:
    """A book, by side and price; `last_id` is the newest update in it."""

    bids: dict[float, tuple[Number, Number]] = attrs.field(factory=dict)
    asks: dict[float, tuple[Number, Number]] = attrs.field(factory=dict)
    last_id: int = 0
    event_ns: int = NO_TIME
    depth: int | None = None


class Books:
    """All books of an exchange, whose symbols have these numbers in its decoding."""

    def __init__(self, exchange: Exchange, numbers: Mapping[str, int]) -> None:
        self._exchange = exchange
        self._numbers = numbers
        self._symbols = {number: symbol for symbol, number in numbers.items()}
        self._known: dict[str, _Known] = {}

    def read(self, payloads: Sequence[bytes]) -> list[dict[str, BookMessage]]:
        """By payload and symbol, what payloads say of books; nothing changes by it."""
        if not payloads:
            return []
        decoded = self._exchange.decode(payloads, self._numbers)
        found: list[dict[int, BookMessage]] = [{} for _ in payloads]
        for rows in decoded.rows:
            if rows.table is Table.BOOK:
                _add_rows(found, rows)
        _add_events(found, decoded)
        return [
            {self._symbols[number]: message for number, message in each.items()} for each in found
        ]

    def apply(self, symbol: str, message: BookMessage) -> None:
        """Let a book be what it is after a message."""
        known = self._known.get(symbol)
        if message.broken or (known is None and not message.is_whole):
            self._known.pop(symbol, None)
            return
        if known is None or message.is_whole:
            known = self._known[symbol] = _Known()
        elif message.link is not None:
            if self._is_old(known, message.link):
                return
            if self._misses(known, message.link):
                del self._known[symbol]
                return
        self._set_levels(known, message)
        known.last_id = message.last_id or known.last_id
        if message.event_ns != NO_TIME:
            known.event_ns = message.event_ns

    def forget(self) -> None:
        """Messages are missing, of whatever book."""
        self._known.clear()

    def has(self, symbol: str) -> bool:
        """Whether a book is known."""
        return symbol in self._known

    def of(self, listing: Listing, else_ns: int) -> tuple[Listing, int] | None:
        """The listing with its book, and the time (ns) of that; None if it is not known.

        `else_ns` is the time of a book that was sent without any.
        """
        known = self._known.get(listing.spec.symbol)
        if known is None:
            return None
        levels = [*known.bids.values(), *known.asks.values()]
        spec = attrs.evolve(
            listing.spec,
            price_decimals=_decimals([price for price, _ in levels], listing.spec.price_decimals),
            size_decimals=_decimals([size for _, size in levels], listing.spec.size_decimals),
        )
        bids, asks = (
            {
                _units(price, spec.price_decimals): _units(size, spec.size_decimals)
                for price, size in side.values()
            }
            for side in (known.bids, known.asks)
        )
        told = attrs.evolve(listing, spec=spec, book=Book(bids, asks, known.last_id))
        return told, else_ns if known.event_ns == NO_TIME else known.event_ns

    def _is_old(self, known: _Known, link: BookLink) -> bool:
        """Whether an update is in the book already, as those before a snapshot by REST are."""
        return self._exchange.book_check is BookCheck.RANGES and link.last_id <= known.last_id

    def _misses(self, known: _Known, link: BookLink) -> bool:
        """Whether something between the book and an update is missing."""
        if self._exchange.book_check is BookCheck.RANGES:
            return link.first_id > known.last_id + 1
        chained = self._exchange.book_check is BookCheck.CHAIN
        return chained and link.previous_id is not None and link.previous_id != known.last_id

    def _set_levels(self, known: _Known, message: BookMessage) -> None:
        in_snapshot = False
        for is_whole, is_bid, price, size in message.levels:
            if is_whole and not in_snapshot:
                known.bids.clear()
                known.asks.clear()
            in_snapshot = is_whole
            side, key = known.bids if is_bid else known.asks, float(price)
            if key != key:
                continue
            if float(size):
                side[key] = price, size
            else:
                side.pop(key, None)
        if message.is_whole:
            known.depth = self._depth_of(known)
        if known.depth is not None:
            for side, is_bid in ((known.bids, True), (known.asks, False)):
                for price in sorted(side, reverse=is_bid)[known.depth :]:
                    del side[price]

    def _depth_of(self, known: _Known) -> int | None:
        """How many levels of a side an update may leave, where the venue means that."""
        if self._exchange.book_depth is None:
            return None
        both = {len(known.bids), len(known.asks)}
        sent = both.pop() if len(both) == 1 else 0
        return sent if sent in self._exchange.book_depths else self._exchange.book_depth


def _add_rows(found: list[dict[int, BookMessage]], rows: DecodedRows) -> None:
    names = ("instrument", "side", "price", "size", "flags", "seq", "event_ns")
    count = len(rows.frame)
    columns = [np.broadcast_to(rows.columns[name], count).tolist() for name in names]
    for frame, number, side, price, size, flags, seq, event_ns in zip(
        rows.frame.tolist(), *columns, strict=True
    ):
        message = found[frame].setdefault(number, BookMessage())
        is_whole = bool(flags & FLAG_SNAPSHOT)
        message.levels.append((is_whole, side == BOOK_BID, price, size))
        message.is_whole = message.is_whole or is_whole
        message.last_id = seq
        if event_ns != NO_TIME:
            message.event_ns = event_ns


def _add_events(found: list[dict[int, BookMessage]], decoded: Decoded) -> None:
    for frame, event in decoded.events:
        match event:
            case BookLink():
                message = found[frame].setdefault(event.instrument, BookMessage())
                message.link, message.last_id = event, event.last_id
            case BookSnapshot():
                message = found[frame].setdefault(event.instrument, BookMessage())
                message.is_whole, message.last_id = True, event.last_id
            case BookTexts():
                message = found[frame].setdefault(event.instrument, BookMessage())
                empty = [each for each in message.levels if each[2] != each[2]]
                message.levels = [*empty, *_as_sent(event)]
    for lost in decoded.lost:
        if lost.table is Table.BOOK:
            found[lost.frame].setdefault(lost.instrument, BookMessage()).broken = True


def _as_sent(texts: BookTexts) -> list[tuple[bool, bool, Number, Number]]:
    sides = ((True, texts.bids), (False, texts.asks))
    return [(texts.snapshot, is_bid, *level) for is_bid, side in sides for level in side]


def _units(number: Number, decimals: int) -> int:
    return int(Decimal(str(number)).scaleb(decimals))


def _decimals(numbers: Sequence[Number], usual: int) -> int:
    """Digits behind the point that numbers are written with: as they were sent, zeros included.

    Where that is not known the usual ones, or more if a number has them.
    """
    sent = [_places(each) for each in numbers if isinstance(each, str)]
    least = max(sent) if sent else usual
    return max([least, *(_places(each) for each in numbers if isinstance(each, float))])


def _places(number: Number) -> int:
    exact = Decimal(str(number))
    exponent = (exact if isinstance(number, str) else exact.normalize()).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
