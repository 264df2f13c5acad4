"""Recorded Kraken traffic decodes to exactly what its frames say, as a plain reading shows.

The oracle reads each frame with the standard library, numbers as the texts that were sent, and
builds each row by hand; the counts are those of the recordings' own truth tables, which another
program derived.  Books are kept here in the documented way, in `Decimal`, to see that the adapter's
checksum of them is the one that the venue sent.
"""

from __future__ import annotations

import collections
import datetime as dt
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.exchanges.said import AnySymbol, Row, check_rows, events_of, trades_by_symbol
from tests.recordings import body, frames, needs_recordings
from tick_logger.exchanges.base import (
    BookSnapshot,
    BookTexts,
    GoingAway,
    Granted,
    Heartbeat,
    Pong,
    Refused,
    Subscription,
)
from tick_logger.exchanges.kraken import EXCHANGE
from tick_logger.model.instruments import Instrument
from tick_logger.model.tables import NO_TIME, Table

pytestmark = needs_recordings

BOOK_2023 = "kraken/book_depth10_btcusd_2023-07-30.jsonl"
BOOK_2026 = "kraken/book_2026-08-12.jsonl"
BOOK_TWICE = "kraken/book_repeated_snapshot_2026-10-06.jsonl"
TRADES = "kraken/trade_2026-09-26.jsonl"
TICKERS = "kraken/ticker_2026-08-12.jsonl"
SINGLES = "kraken/singles_v2_2024-05.jsonl"
CONTROL = "kraken/control_v2.jsonl"
LEGACY = "kraken/v1_legacy/ws_2021-04-05_book1000.jsonl.gz"

RECORDED_DEPTH = 10  # of the captures of books in version 2

PRICE_DECIMALS, QTY_DECIMALS = 1, 8
"""Of BTC/USD, to which the zeros are restored that two captures lost on their way to us."""

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def plain(text: bytes) -> Any:  # noqa: ANN401
    """JSON with its numbers as texts."""
    return json.loads(text, parse_float=str, parse_int=str)


def iso_ns(text: str | None) -> int:
    if text is None:
        return NO_TIME
    return (dt.datetime.fromisoformat(text) - EPOCH) // dt.timedelta(microseconds=1) * 1000


# -- rows ------------------------------------------------------------------------------------------


def read(capture: str, symbols: AnySymbol) -> dict[Table, list[Row]]:
    """Every row that the frames of a capture say, by table."""
    said: dict[Table, list[Row]] = {table: [] for table in Table}
    for frame, text in enumerate(frames(capture)):
        m = plain(text)
        for d in m["data"] if m.get("channel") in {"ticker", "trade", "book"} else ():
            head = (frame, symbols[d["symbol"]], iso_ns(d.get("timestamp")))
            if m["channel"] == "trade":
                side = {"buy": 1, "sell": 0}[d["side"]]
                trade = (int(d["trade_id"]), float(d["price"]), float(d["qty"]), side)
                said[Table.TRADES].append((*head, *trade, bytes(16), bytes(16)))
            elif m["channel"] == "ticker":
                bid, ask = float(d["bid"]), float(d["ask"])
                last = (int(d.get("trades", "0")), float(d["last"]), None, 2, bid, ask)
                said[Table.MD].append((*head, *last))
                sizes = float(d["bid_qty"]), float(d["ask_qty"])
                said[Table.QUOTES].append((*head, 0, bid, sizes[0], ask, sizes[1]))
            else:
                flags = {"snapshot": 1, "update": 0}[m["type"]]
                for side, levels in ((1, d["bids"]), (0, d["asks"])):
                    for level in levels:
                        numbers = (side, float(level["price"]), float(level["qty"]), flags)
                        said[Table.BOOK].append((*head, 0, *numbers))
    return said


@pytest.mark.parametrize(
    ("capture", "rows"),
    [
        (BOOK_2023, {Table.BOOK: 692}),
        (BOOK_2026, {Table.BOOK: 22}),
        (BOOK_TWICE, {Table.BOOK: 49}),
        (TRADES, {Table.TRADES: 102}),
        (TICKERS, {Table.MD: 2, Table.QUOTES: 2}),
        (SINGLES, {Table.MD: 2, Table.QUOTES: 2, Table.TRADES: 4}),
    ],
)
def test_rows_are_what_the_frames_say(capture: str, rows: dict[Table, int]) -> None:
    """Every row of every table, value for value, of both wire formats; every frame understood."""
    symbols = AnySymbol()
    expected = read(capture, symbols)
    decoded = EXCHANGE.decode(frames(capture), symbols)
    check_rows(decoded, expected)
    assert {table: len(said) for table, said in expected.items() if said} == rows


def test_trades_match_the_truth_table() -> None:
    """Counts, ids and times per symbol, the fifty of each snapshot among them."""
    symbols = AnySymbol()
    decoded = EXCHANGE.decode(frames(TRADES), symbols)
    times = {
        "BTC/USD": ("2026-09-26T18:07:54.626190Z", "2026-09-26T18:09:14.347098Z"),
        "ETH/USD": ("2026-09-26T18:07:40.132395Z", "2026-09-26T18:09:04.216188Z"),
    }
    ids = {"BTC/USD": (52, 109183836, 109183887), "ETH/USD": (50, 66819466, 66819515)}
    assert trades_by_symbol(decoded, symbols) == {
        symbol: (*ids[symbol], iso_ns(first), iso_ns(last))
        for symbol, (first, last) in times.items()
    }


# -- events ----------------------------------------------------------------------------------------


def subscriptions(symbol: str, *feeds: str) -> frozenset[Subscription]:
    return frozenset(Subscription(symbol, feed) for feed in feeds)


@pytest.mark.parametrize(
    ("capture", "events"),
    [
        (BOOK_2023, {BookSnapshot: 1, BookTexts: 510}),
        (BOOK_2026, {Heartbeat: 1, Granted: 1, BookSnapshot: 1, BookTexts: 2}),
        (BOOK_TWICE, {Heartbeat: 1, Granted: 1, BookSnapshot: 2, BookTexts: 9}),
        (TRADES, {Heartbeat: 1 + 5, Granted: 2}),
        (TICKERS, {Heartbeat: 2, Granted: 1}),
        (SINGLES, {}),
    ],
)
def test_events_are_counted_as_in_the_truth_table(capture: str, events: dict[type, int]) -> None:
    """Snapshots and updates of books, heartbeats, the status at the beginning, answers."""
    decoded = EXCHANGE.decode(frames(capture), AnySymbol())
    assert collections.Counter(map(type, events_of(decoded))) == events


def test_control_frames() -> None:
    """A number beyond 2^63, a notice that is no JSON, refusals, an uninteresting channel."""
    decoded = EXCHANGE.decode(frames(CONTROL), AnySymbol())
    assert (decoded.rows, decoded.bad) == ((), ())
    assert decoded.events == (
        (0, Heartbeat()),
        (1, Heartbeat()),
        (2, GoingAway("maintenance")),
        (3, GoingAway("CloudFlare WebSocket proxy restarting")),
        (4, Refused(0, "Unsupported field: 'params' for the given msg type: ping")),
        (5, Refused(0, "Unsupported event")),
        (6, Pong()),
        (7, Granted(subscriptions("BTC/USD", "orderbook"))),
        (8, Granted(subscriptions("BTC/USD", "ticker", "quotes"))),
        (9, Granted(subscriptions("BTC/USD", "trades"))),
    )


def test_the_instrument_channel_is_passed_over() -> None:
    """A snapshot of all of it, 360 kB, as one frame."""
    decoded = EXCHANGE.decode([body("kraken/instrument_snapshot_v2.json")], {})
    assert (decoded.rows, decoded.events, decoded.bad) == ((), (), ())


# -- checksums -------------------------------------------------------------------------------------

Levels = Iterable[tuple[str, str]]


class Side:
    """One side of a book, by the numbers of its prices: the venue may write them otherwise."""

    def __init__(self, *, best_is_highest: bool) -> None:
        self._reverse = best_is_highest
        self._levels: dict[Decimal, tuple[str, str]] = {}

    def apply(self, levels: Levels, depth: int) -> list[tuple[str, str]]:
        """Set levels, cut to the depth, and list what is left, the best first."""
        for price, qty in levels:
            if Decimal(qty):
                self._levels[Decimal(price)] = (price, qty)
            else:
                self._levels.pop(Decimal(price), None)
        best = sorted(self._levels, reverse=self._reverse)
        self._levels = {price: self._levels[price] for price in best[:depth]}
        return list(self._levels.values())


def checksums(messages: Iterable[tuple[bool, Levels, Levels]], depth: int) -> Iterator[int]:
    """The adapter's checksum of one book after each message: (is snapshot, bids, asks)."""
    bids, asks = Side(best_is_highest=True), Side(best_is_highest=False)
    for snapshot, changed_bids, changed_asks in messages:
        if snapshot:
            bids, asks = Side(best_is_highest=True), Side(best_is_highest=False)
        sides = bids.apply(changed_bids, depth), asks.apply(changed_asks, depth)
        yield EXCHANGE.book_checksum(*sides)


def restored(level: tuple[str, str]) -> tuple[str, str]:
    """With the zeros that were lost when others wrote the frames again."""
    price, qty = map(Decimal, level)
    return f"{price:.{PRICE_DECIMALS}f}", f"{qty:.{QTY_DECIMALS}f}"


@pytest.mark.parametrize(
    ("capture", "verified", "padded"),
    [(BOOK_2023, 510, True), (BOOK_2026, 2, False), (BOOK_TWICE, 9, False)],
)
def test_every_recorded_checksum_is_that_of_the_book(
    capture: str, verified: int, padded: bool
) -> None:
    """Texts as decoded; a second snapshot on a live subscription begins the book anew."""
    decoded = EXCHANGE.decode(frames(capture), AnySymbol())
    said = [event for event in events_of(decoded) if isinstance(event, BookTexts)]
    books: list[tuple[bool, Levels, Levels]] = [(e.snapshot, e.bids, e.asks) for e in said]
    if not padded:
        books = [(first, map(restored, bids), map(restored, asks)) for first, bids, asks in books]
    assert list(checksums(books, RECORDED_DEPTH)) == [each.checksum for each in said]
    assert len(said) == verified


def test_texts_are_the_digits_that_were_sent() -> None:
    """Against a plain reading that keeps numbers as texts."""
    decoded = EXCHANGE.decode(frames(BOOK_2023), {"BTC/USD": 3})
    said = [event for event in events_of(decoded) if isinstance(event, BookTexts)]
    for event, text in zip(said, frames(BOOK_2023), strict=True):
        m = plain(text)
        (d,) = m["data"]
        bids, asks = (tuple((v["price"], v["qty"]) for v in d[side]) for side in ("bids", "asks"))
        snapshot = m["type"] == "snapshot"
        assert event == BookTexts(3, snapshot, bids, asks, int(d["checksum"]))


def test_checksums_of_deep_books_in_the_old_protocol() -> None:
    """14,496 of ten books of a thousand levels, in frames of version 1, read here from lists.

    Its numbers are quoted, its snapshots have no checksum, one update holds two objects, and levels
    that come back into the depth carry a mark.  The algorithm is the same.
    """
    messages: dict[str, list[tuple[bool, Levels, Levels]]] = collections.defaultdict(list)
    sent: dict[str, list[int | None]] = collections.defaultdict(list)
    two_objects = came_back = 0
    for text in frames(LEGACY):
        m = json.loads(text)
        if isinstance(m, dict):
            continue
        _, *parts, _, pair = m
        two_objects += len(parts) == 2
        merged = {key: value for part in parts for key, value in part.items()}
        snapshot = "as" in merged
        sides = [merged.get(key, []) for key in (("bs", "as") if snapshot else ("b", "a"))]
        came_back += sum(level[3:] == ["r"] for levels in sides for level in levels)
        bids, asks = ([(level[0], level[1]) for level in levels] for levels in sides)
        messages[pair].append((snapshot, bids, asks))
        sent[pair].append(int(merged["c"]) if "c" in merged else None)
    verified = 0
    for pair, of_pair in messages.items():
        for found, expected in zip(checksums(of_pair, 1000), sent[pair], strict=True):
            assert expected is None or found == expected
            verified += expected is not None
    assert (len(messages), verified, two_objects, came_back) == (10, 14_496, 1, 2_535)


# -- listing ---------------------------------------------------------------------------------------


def test_pairs() -> None:
    """AssetPairs of 2021 agrees with a plain reading; eleven dark pools are left out."""
    text = body("kraken/rest_AssetPairs_2021-04-17.json")
    pairs = json.loads(text)["result"].values()
    named = [p for p in pairs if "wsname" in p]
    assert (len(pairs), len(named)) == (304, 293)
    expected = []
    for pair in named:
        base, quote = (
            {"XBT": "BTC", "XDG": "DOGE"}.get(name, name) for name in pair["wsname"].split("/")
        )
        tick, lot = (f"{Decimal(1).scaleb(-pair[f'{of}_decimals']):f}" for of in ("pair", "lot"))
        least = pair.get("ordermin", "")
        expected.append(Instrument(f"{base}/{quote}", base, quote, True, tick, lot, min_size=least))
    assert EXCHANGE.parse_listing(text) == tuple(expected)


def test_names_of_the_listing_are_those_of_the_socket() -> None:
    """What the instrument channel calls the same pairs: but for the two, names did not change."""
    listed = EXCHANGE.parse_listing(body("kraken/rest_AssetPairs_2021-04-17.json"))
    channel = json.loads(body("kraken/instrument_snapshot_v2.json"))["data"]["pairs"]
    known = {pair["symbol"]: (pair["base"], pair["quote"]) for pair in channel}
    both = [each for each in listed if each.symbol in known]
    assert len(both) == 272  # of 293; the others were delisted in between
    assert {each.symbol: (each.base, each.quote) for each in both}.items() <= known.items()
