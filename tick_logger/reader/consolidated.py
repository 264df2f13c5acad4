"""The best bid and ask over all venues, at each moment at which they change.

Each venue counts with its newest quote, however old; its age stands beside it.  A venue does not
count from the beginning of a hole in its quotes until it quotes again after the end: nobody knows
what it would have said.  Quotes of one moment count together.  Of venues with the same best price
it is the first by name.

Not here: where holes lie in event time (`live_quotes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.reader.columns import TS, Column, Kind
from tick_logger.reader.content import Calculated
from tick_logger.reader.live_quotes import Quotes, quotes_of
from tick_logger.reader.source import Array, Source, Symbol
from tick_logger.reader.times import Span

PIECE_MOMENTS = 1 << 15
"""Moments that are compared together: what is calculated of them stays in the processor's cache."""

NOBODY = -1

BID, BID_SIZE, BID_AGE, ASK, ASK_SIZE, ASK_AGE, SPREAD = (
    Column(name, Kind.NUMBER)
    for name in ("bid", "bid_size", "bid_age", "ask", "ask_size", "ask_age", "spread_bps")
)
BID_VENUE, ASK_VENUE = Column("bid_venue", Kind.TEXT), Column("ask_venue", Kind.TEXT)
VENUES = Column("venues", Kind.COUNT)

Ints = npt.NDArray[np.int64]
Piece = dict[Column, Array]
"""Columns of some moments."""


def consolidated(source: Source, symbols: Sequence[Symbol], wanted: Span) -> Calculated:
    """The best of these symbols, each of which is one venue's."""
    venues = [quotes_of(source, symbol, wanted) for symbol in symbols]
    pieces = list(_changes(_compared(venues, wanted)))
    made = {column: np.concatenate([piece[column] for piece in pieces]) for column in pieces[0]}
    for side, price in ((BID_VENUE, BID), (ASK_VENUE, ASK)):
        made[side] = np.where(np.isnan(made[price]), len(venues), made[side]).astype(np.int32)
    made[SPREAD] = (made[ASK] - made[BID]) / (made[ASK] + made[BID]) * 2e4
    words = [*_names(symbols), ""]
    return Calculated(
        {column: made[column] for column in _ORDER}, {BID_VENUE: words, ASK_VENUE: words}
    )


_ORDER = (TS, BID, BID_SIZE, BID_VENUE, BID_AGE, ASK, ASK_SIZE, ASK_VENUE, ASK_AGE, SPREAD, VENUES)
_STATE = (BID, BID_SIZE, BID_VENUE, ASK, ASK_SIZE, ASK_VENUE)
"""What makes a row if it changes; ages do not."""


def _names(symbols: Sequence[Symbol]) -> list[str]:
    """The exchanges, or exchanges with symbols where one lists several."""
    exchanges = [symbol.exchange for symbol in symbols]
    if len(set(exchanges)) == len(exchanges) and all(exchanges):
        return exchanges
    return [str(symbol) for symbol in symbols]


def _compared(venues: Sequence[Quotes], wanted: Span) -> Iterator[Piece]:
    """The best at all moments at which any venue quotes, in pieces."""
    every = np.concatenate([venue.ts for venue in venues])
    moments = np.sort(every, kind="stable")  # which merges what is sorted already
    moments = np.maximum(moments, wanted.start_ns)
    moments = moments[np.diff(moments, append=np.iinfo(np.int64).max) != 0]
    for start in range(0, max(len(moments), 1), PIECE_MOMENTS):
        yield _best(venues, moments[start : start + PIECE_MOMENTS])


def _best(venues: Sequence[Quotes], moments: Ints) -> Piece:
    bids, asks = _Best.none(len(moments), 1), _Best.none(len(moments), -1)
    live = np.zeros(len(moments), np.uint64)
    for number, venue in enumerate(venues):
        newest = venue.newest(moments)
        is_early = newest < 0
        place = np.maximum(newest, 0)
        is_live = np.zeros(len(moments), np.bool_)
        for best, prices, sizes, since in (
            (bids, venue.bid, venue.bid_size, venue.bid_ts),
            (asks, venue.ask, venue.ask_size, venue.ask_ts),
        ):
            if not len(venue.ts):
                continue
            price = prices[place]
            price[is_early] = np.nan
            is_live |= price == price  # not NaN
            best.improve(number, price, sizes[place], since[place])
        live += is_live
    return {
        TS: moments.view("datetime64[ns]"),
        VENUES: live,
        **bids.columns(moments, BID, BID_SIZE, BID_VENUE, BID_AGE),
        **asks.columns(moments, ASK, ASK_SIZE, ASK_VENUE, ASK_AGE),
    }


@attrs.frozen(eq=False)
class _Best:
    """The best price so far at each moment; `sign`: 1 if the highest is the best, else -1."""

    sign: int
    price: npt.NDArray[np.float64]
    size: npt.NDArray[np.float64]
    venue: npt.NDArray[np.int32]
    since: Ints

    @classmethod
    def none(cls, count: int, sign: int) -> _Best:
        return cls(
            sign,
            np.full(count, np.nan),
            np.full(count, np.nan),
            np.full(count, NOBODY, np.int32),
            np.zeros(count, np.int64),
        )

    def improve(
        self, number: int, price: npt.NDArray[np.float64], size: Array, since: Ints
    ) -> None:
        """Take a venue's prices where they are better."""
        nobody = self.venue == NOBODY
        better = price > self.price if self.sign > 0 else price < self.price
        better |= nobody & (price == price)  # not NaN
        np.copyto(self.price, price, where=better)
        np.copyto(self.size, size, where=better)
        np.copyto(self.since, since, where=better)
        np.copyto(self.venue, np.int32(number), where=better)

    def columns(self, moments: Ints, *names: Column) -> Piece:
        """Price, size, venue and age (s)."""
        age_secs = np.where(self.venue == NOBODY, np.nan, (moments - self.since) / 1e9)
        values = self.price, self.size, self.venue, age_secs
        return dict(zip(names, values, strict=True))


def _changes(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Without moments at which the best is what it was at the one before; at first it is none."""
    last: Piece = {
        column: np.array([NOBODY if column.kind is Kind.TEXT else np.nan]) for column in _STATE
    }
    for piece in pieces:
        changed = np.zeros(len(piece[TS]), np.bool_)
        for column in _STATE:
            values = np.concatenate([last[column], piece[column]])
            differs = values[1:] != values[:-1]
            if column.kind is Kind.NUMBER:
                differs &= ~(np.isnan(values[1:]) & np.isnan(values[:-1]))
            changed |= differs
        last = {column: piece[column][-1:] for column in _STATE}
        yield {column: values[changed] for column, values in piece.items()}
