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

PIECE_MOMENTS = 1 << 17
"""Moments that are compared together: what is calculated of them stays in the processor's cache."""

NOBODY = -1

BID, BID_SIZE, BID_AGE, ASK, ASK_SIZE, ASK_AGE, SPREAD = (
    Column(name, Kind.NUMBER)
    for name in ("bid", "bid_size", "bid_age", "ask", "ask_size", "ask_age", "spread_bps")
)
BID_VENUE, ASK_VENUE = Column("bid_venue", Kind.TEXT), Column("ask_venue", Kind.TEXT)
VENUES = Column("venues", Kind.COUNT)

Ints = npt.NDArray[np.int64]


def consolidated(source: Source, symbols: Sequence[Symbol], wanted: Span) -> Calculated:
    """The best of these symbols, each of which is one venue's."""
    venues = [quotes_of(source, symbol, wanted) for symbol in symbols]
    pieces = [_changes(piece) for piece in _compared(venues, wanted)]
    made = {column: np.concatenate([piece[column] for piece in pieces]) for column in pieces[0]}
    again = _same_as_before(made)
    again[:1] = made[VENUES][:1] == 0  # nobody has quoted yet
    if again.any():  # where a piece begins
        made = {column: values[~again] for column, values in made.items()}
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


def _compared(venues: Sequence[Quotes], wanted: Span) -> Iterator[dict[Column, Array]]:
    """The best at all moments at which any venue quotes, in pieces."""
    every = np.concatenate([venue.ts for venue in venues])
    moments = np.sort(every, kind="stable")  # which merges what is sorted already
    moments = np.maximum(moments, wanted.start_ns)
    moments = moments[np.diff(moments, append=np.iinfo(np.int64).max) != 0]
    for start in range(0, max(len(moments), 1), PIECE_MOMENTS):
        yield _best(venues, moments[start : start + PIECE_MOMENTS])


def _best(venues: Sequence[Quotes], moments: Ints) -> dict[Column, Array]:
    bids, asks = _Best.none(len(moments), 1), _Best.none(len(moments), -1)
    live = np.zeros(len(moments), np.uint64)
    for number, venue in enumerate(venues):
        newest = venue.newest(moments)
        place = np.maximum(newest, 0)
        is_live = np.zeros(len(moments), np.bool_)
        for best, prices, sizes, since in (
            (bids, venue.bid, venue.bid_size, venue.bid_ts),
            (asks, venue.ask, venue.ask_size, venue.ask_ts),
        ):
            if not len(venue.ts):
                continue
            price = np.where(newest < 0, np.nan, prices[place])
            is_live |= ~np.isnan(price)
            best.improve(number, price, sizes[place], moments - since[place])
        live += is_live
    return {
        TS: moments.view("datetime64[ns]"),
        VENUES: live,
        **bids.columns(BID, BID_SIZE, BID_VENUE, BID_AGE),
        **asks.columns(ASK, ASK_SIZE, ASK_VENUE, ASK_AGE),
    }


@attrs.frozen(eq=False)
class _Best:
    """The best price so far at each moment; `sign`: 1 if the highest is the best, else -1."""

    sign: int
    price: npt.NDArray[np.float64]
    size: npt.NDArray[np.float64]
    venue: npt.NDArray[np.int32]
    age_ns: Ints

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
        self, number: int, price: npt.NDArray[np.float64], size: Array, age_ns: Ints
    ) -> None:
        """Take a venue's prices where they are better."""
        better = ~np.isnan(price) & ~(price * self.sign <= self.price * self.sign)
        np.copyto(self.price, price, where=better)
        np.copyto(self.size, size, where=better)
        np.copyto(self.age_ns, age_ns, where=better)
        self.venue[better] = number

    def columns(
        self, price: Column, size: Column, venue: Column, age: Column
    ) -> dict[Column, Array]:
        age_secs = np.where(self.venue == NOBODY, np.nan, self.age_ns / 1e9)
        return {price: self.price, size: self.size, venue: self.venue, age: age_secs}


def _changes(piece: dict[Column, Array]) -> dict[Column, Array]:
    """Without moments at which the best is what it was at the one before."""
    again = _same_as_before(piece)
    return {column: values[~again] for column, values in piece.items()}


def _same_as_before(piece: dict[Column, Array]) -> npt.NDArray[np.bool_]:
    same = np.ones(len(piece[TS]), np.bool_)
    same[:1] = False
    for column in _STATE:
        values = piece[column]
        equal = values[1:] == values[:-1]
        if column.kind is Kind.NUMBER:
            equal |= np.isnan(values[1:]) & np.isnan(values[:-1])
        same[1:] &= equal
    return same
