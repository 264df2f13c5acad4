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

NOTHING = 0
"""The row that says nothing; all quotes stand behind it."""

BID, BID_SIZE, BID_AGE, ASK, ASK_SIZE, ASK_AGE, SPREAD = (
    Column(name, Kind.NUMBER)
    for name in ("bid", "bid_size", "bid_age", "ask", "ask_size", "ask_age", "spread_bps")
)
BID_VENUE, ASK_VENUE = Column("bid_venue", Kind.TEXT), Column("ask_venue", Kind.TEXT)
VENUES = Column("venues", Kind.COUNT)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def consolidated(source: Source, symbols: Sequence[Symbol], wanted: Span) -> Calculated:
    """The best of these symbols, each of which is one venue's."""
    quotes = _Quotes.of([quotes_of(source, symbol, wanted) for symbol in symbols])
    best = _together(list(_changes(quotes, _moments(quotes, wanted))))
    values: dict[Column, Array] = {TS: best.moments.view("datetime64[ns]")}
    for side, rows, names in (
        (quotes.bids, best.bids, (BID, BID_SIZE, BID_VENUE, BID_AGE)),
        (quotes.asks, best.asks, (ASK, ASK_SIZE, ASK_VENUE, ASK_AGE)),
    ):
        age_secs = (best.moments - side.since[rows]) / 1e9
        age_secs[rows == NOTHING] = np.nan
        columns = side.price[rows], side.size[rows], quotes.owner[rows], age_secs
        values |= zip(names, columns, strict=True)
    values[SPREAD] = (values[ASK] - values[BID]) / (values[ASK] + values[BID]) * 2e4
    values[VENUES] = best.venues.astype(np.uint64)
    words = ["", *_names(symbols)]
    return Calculated(
        {column: values[column] for column in _ORDER}, {BID_VENUE: words, ASK_VENUE: words}
    )


_ORDER = (TS, BID, BID_SIZE, BID_VENUE, BID_AGE, ASK, ASK_SIZE, ASK_VENUE, ASK_AGE, SPREAD, VENUES)


def _names(symbols: Sequence[Symbol]) -> list[str]:
    """The exchanges, or exchanges with symbols where one lists several."""
    exchanges = [symbol.exchange for symbol in symbols]
    if len(set(exchanges)) == len(exchanges) and all(exchanges):
        return exchanges
    return [str(symbol) for symbol in symbols]


@attrs.frozen(eq=False)
class _Side:
    """What was quoted on one side, in each row; `sign`: 1 if the highest is the best, else -1."""

    sign: int
    price: Floats
    size: Floats
    since: Ints


@attrs.frozen(eq=False)
class _Quotes:
    """The quotes of all venues, one venue behind the other, behind a row that says `NOTHING`."""

    venues: Sequence[Quotes]
    starts: Ints
    """The first row of each venue."""
    bids: _Side
    asks: _Side
    owner: npt.NDArray[np.int32]
    """Whose each row is: 0 for nobody, 1 for the first venue, ..."""
    is_live: npt.NDArray[np.uint8]
    """Whether a row has any price."""

    @classmethod
    def of(cls, venues: Sequence[Quotes]) -> _Quotes:
        """Put them together."""
        nothing, never = np.array([np.nan]), np.array([0])
        bids, asks = (
            _Side(
                sign,
                np.concatenate([nothing, *(each[0] for each in columns)]),
                np.concatenate([nothing, *(each[1] for each in columns)]),
                np.concatenate([never, *(each[2] for each in columns)]),
            )
            for sign, columns in (
                (1, [(venue.bid, venue.bid_size, venue.bid_ts) for venue in venues]),
                (-1, [(venue.ask, venue.ask_size, venue.ask_ts) for venue in venues]),
            )
        )
        starts = np.cumsum([1, *(len(venue.ts) for venue in venues)])[:-1]
        owner = np.zeros(len(bids.price), np.int32)
        for number, start in enumerate(starts.tolist(), 1):
            owner[start:] = number
        is_live = ~(np.isnan(bids.price) & np.isnan(asks.price))
        return cls(venues, starts, bids, asks, owner, is_live.view(np.uint8))

    def standing(self, number: int, moments: Ints) -> Ints:
        """The row of a venue that stands at each moment, ascending."""
        rows = self.venues[number].newest(moments)
        is_early = int(np.searchsorted(rows, 0))
        rows += self.starts[number]
        rows[:is_early] = NOTHING
        return rows


@attrs.frozen(eq=False)
class _Best:
    """The rows that are the best at some moments, and how many venues count."""

    moments: Ints
    bids: Ints
    asks: Ints
    venues: npt.NDArray[np.uint8]

    def at(self, those: npt.NDArray[np.bool_]) -> _Best:
        """Some of the moments."""
        return _Best(self.moments[those], self.bids[those], self.asks[those], self.venues[those])


def _moments(quotes: _Quotes, wanted: Span) -> Ints:
    """All at which any venue quotes."""
    every = np.concatenate([venue.ts for venue in quotes.venues])
    every.sort(kind="stable")  # which merges what is sorted already
    np.maximum(every, wanted.start_ns, out=every)
    is_last = np.ones(len(every), np.bool_)
    np.not_equal(every[1:], every[:-1], out=is_last[:-1])
    return every[is_last]


def _changes(quotes: _Quotes, moments: Ints) -> Iterator[_Best]:
    """The best where it is not what it was at the moment before; at first there is none."""
    bid = ask = NOTHING
    for start in range(0, max(len(moments), 1), PIECE_MOMENTS):
        best = _best(quotes, moments[start : start + PIECE_MOMENTS])
        others = _differs(best.bids, bid) | _differs(best.asks, ask)
        best = best.at(others)
        changed = _says_other(quotes, quotes.bids, best.bids, bid)
        changed |= _says_other(quotes, quotes.asks, best.asks, ask)
        if len(best.moments):
            bid, ask = int(best.bids[-1]), int(best.asks[-1])
        yield best.at(changed)


def _best(quotes: _Quotes, moments: Ints) -> _Best:
    count = len(moments)
    live = np.zeros(count, np.uint8)
    found = [
        (side, np.full(count, -side.sign * np.inf), np.full(count, NOTHING, np.int64))
        for side in (quotes.bids, quotes.asks)
    ]
    for number in reversed(range(len(quotes.venues))):  # the first takes what others have too
        standing = quotes.standing(number, moments)
        live += quotes.is_live[standing]
        for side, best, rows in found:
            price = side.price[standing]
            better = price >= best if side.sign > 0 else price <= best  # NaN never is
            np.copyto(best, price, where=better)
            np.copyto(rows, standing, where=better)
    return _Best(moments, found[0][2], found[1][2], live)


def _differs(rows: Ints, before: int) -> npt.NDArray[np.bool_]:
    differs = np.ones(len(rows), np.bool_)
    np.not_equal(rows[1:], rows[:-1], out=differs[1:])
    differs[:1] = rows[:1] != before
    return differs


def _says_other(quotes: _Quotes, side: _Side, rows: Ints, before: int) -> npt.NDArray[np.bool_]:
    """Where another price, size or venue stands than one moment earlier; age does not count."""
    rows = np.concatenate([[before], rows])
    owners = quotes.owner[rows]
    other = np.asarray(owners[1:] != owners[:-1])
    for column in (side.price, side.size):
        values = column[rows]
        is_number = ~np.isnan(values)
        other |= (values[1:] != values[:-1]) & (is_number[1:] | is_number[:-1])
    return other


def _together(pieces: Sequence[_Best]) -> _Best:
    return _Best(
        np.concatenate([piece.moments for piece in pieces]),
        np.concatenate([piece.bids for piece in pieces]),
        np.concatenate([piece.asks for piece in pieces]),
        np.concatenate([piece.venues for piece in pieces]),
    )
