"""What recorded frames say, as a plain reading with the standard library shows.

The oracle of these tests: it shares nothing with the decoders.  Prices and sizes stay the texts
that were sent; `numbers` turns them into the width on disk.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

BID, ASK = 1, 0
BUY, SELL, UNKNOWN = 1, 0, 2
DAY_NS = 86_400 * 10**9
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
NO_UUID = bytes(16)

Level = tuple[int, str, str]  # side, price, size
Hole = tuple[str, str, int, int]  # symbol, table, first and last missing id


class Trade(NamedTuple):
    """A row of TRADES."""

    time_ns: int
    trade_id: int
    price: str
    size: str
    side: int
    maker: bytes
    taker: bytes


class Tick(NamedTuple):
    """A row of MD, and the sequence by which repetitions are known."""

    time_ns: int
    sequence: int
    price: str | None
    volume: str | None
    side: int
    bid: str | None
    ask: str | None


class Quote(NamedTuple):
    """A row of QUOTES; the time is None where the exchange sends none."""

    time_ns: int | None
    update_id: int
    bid: str | None
    bid_size: str | None
    ask: str | None
    ask_size: str | None


class Change(NamedTuple):
    """A message about a book, or a snapshot by REST; ids are 0 where there are none."""

    time_ns: int | None  # None for a snapshot
    first_id: int
    last_id: int
    levels: list[Level]
    snapshot: bool = False


@attrs.define
class Said:
    """Everything that the frames of one connection say, by symbol, in the order of arrival.

    Repetitions are left out.  `books` are the changes that, applied one after the other, give the
    book as its venue documents it; `updates` also those that a snapshot covers already.
    """

    trades: dict[str, dict[int, Trade]] = attrs.field(factory=lambda: defaultdict(dict))
    ticks: dict[str, dict[tuple[int, int], Tick]] = attrs.field(factory=lambda: defaultdict(dict))
    quotes: dict[str, dict[int, Quote]] = attrs.field(factory=lambda: defaultdict(dict))
    updates: dict[str, list[Change]] = attrs.field(factory=lambda: defaultdict(list))
    snapshots: dict[str, list[Change]] = attrs.field(factory=lambda: defaultdict(list))
    books: dict[str, list[Change]] = attrs.field(factory=lambda: defaultdict(list))
    announced: dict[str, int] = attrs.field(factory=dict)  # newest trade id that heartbeats name
    broken_chains: set[Hole] = attrs.field(factory=set)
    dense_ids: bool = True  # of trades: a hole in them is a loss
    ordered_ids: bool = True  # of trades: they order those of one time

    @property
    def symbols(self) -> list[str]:
        """Every symbol that has a row of any kind."""
        every = (self.trades, self.ticks, self.quotes, self.updates, self.snapshots)
        return sorted(set(itertools.chain.from_iterable(every)))

    def trades_in_order(self, symbol: str) -> list[Trade]:
        """By time, then by id if ids mean an order, else as they came."""
        trades = list(self.trades[symbol].values())
        return sorted(trades) if self.ordered_ids else sorted(trades, key=lambda t: t.time_ns)

    def holes(self) -> set[Hole]:
        """The ids that are missing between those seen, or up to one announced."""
        found = set(self.broken_chains)
        for symbol, trades in self.trades.items() if self.dense_ids else ():
            ids = sorted(trades)
            ids.append(max(ids[-1], self.announced.get(symbol, 0)) + 1)
            found |= {
                (symbol, "TRADES", a + 1, b - 1) for a, b in itertools.pairwise(ids) if b > a + 1
            }
        return found

    def in_order(self) -> bool:
        """Whether each stream came in the order of its event times, so that no row can be late."""
        streams: list[list[int]] = []
        streams += [[row.time_ns for row in rows.values()] for rows in self.trades.values()]
        streams += [[row.time_ns for row in rows.values()] for rows in self.ticks.values()]
        streams += [[row.time_ns or 0 for row in rows.values()] for rows in self.quotes.values()]
        streams += [[row.time_ns or 0 for row in rows] for rows in self.updates.values()]
        return all(times == sorted(times) for times in streams)


def iso_ns(text: str) -> int:
    """Nanoseconds since 1970 of `2021-04-17T16:43:30.244075Z`, with up to nine decimals."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = (dt.datetime.fromisoformat(whole).replace(tzinfo=dt.UTC) - EPOCH).total_seconds()
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0"))


def numbers(texts: Iterable[str | None], dtype: str) -> npt.NDArray[np.floating]:
    """Texts as numbers of the width on disk; NaN where nothing was sent."""
    exact = [float("nan") if text is None else float(text) for text in texts]
    return np.array(exact, np.float64).astype("f8" if dtype == "f4+rest" else dtype)
