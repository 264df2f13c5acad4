"""Recorded OKX traffic decodes to exactly what its frames say, as a plain reading shows.

The oracle reads each frame with the standard library and builds each row by hand; the counts are
those of the recordings' own truth tables, which another program derived.
"""

from __future__ import annotations

import collections
import functools
import itertools
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.exchanges.said import AnySymbol, Row, by_frame, check_rows, events_of, trades_by_symbol
from tests.recordings import body, captures, frames, needs_recordings
from tick_logger.exchanges.base import (
    BookLink,
    BookSnapshot,
    BookTexts,
    Granted,
    Pong,
    Refused,
    Subscription,
)
from tick_logger.exchanges.okx import EXCHANGE
from tick_logger.model.instruments import Instrument
from tick_logger.model.tables import Table
from tick_logger.net.connection.following import NOTHING, Judgement
from tick_logger.net.connection.sequence import BookSequences

pytestmark = needs_recordings

TRIPLETS = [f"okx/ws_2021-07-22_conn{n}_books-l2-tbt-trades-tickers.jsonl" for n in (1, 2, 3)]
THREE = "okx/ws_2022-05-13_books-trades-tickers.jsonl"
BOOKS_2026 = "okx/books_2026-08-24.jsonl"
TRADES_2026 = "okx/trades_2026-08-12.jsonl"
TICKERS_2026 = "okx/tickers_2026-08-12.jsonl"
CONTROL = "okx/control.jsonl"

FEEDS = {"tickers": "ticker", "trades": "trades", "books": "orderbook", "books-l2-tbt": "orderbook"}


def number(text: str) -> float | None:
    """The nearest double of a decimal text, through exact arithmetic; None where there is none."""
    return float(Decimal(text)) if text else None


def messages(capture: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The frames that are JSON, with their numbers."""
    for frame, text in enumerate(frames(capture)):
        if text != b"pong":
            yield frame, json.loads(text)


def read(capture: str, symbols: AnySymbol) -> dict[Table, list[Row]]:
    """Every row that the frames of a capture say, by table."""
    said: dict[Table, list[Row]] = {table: [] for table in Table}
    for frame, m in messages(capture):
        for d in m.get("data", []):
            head = (frame, symbols[m["arg"]["instId"]], int(d["ts"]) * 10**6)
            channel = m["arg"]["channel"]
            if channel == "trades":
                side = {"buy": 1, "sell": 0}[d["side"]]
                trade = (int(d["tradeId"]), number(d["px"]), number(d["sz"]), side)
                said[Table.TRADES].append((*head, *trade, bytes(16), bytes(16)))
            elif channel == "tickers":
                last = (0, number(d["last"]), number(d["lastSz"]), 2)
                said[Table.MD].append((*head, *last, number(d["bidPx"]), number(d["askPx"])))
            else:
                seq, flag = d.get("seqId", 0), int(m["action"] == "snapshot")
                for side, levels in ((1, d["bids"]), (0, d["asks"])):
                    for price, size, _, _ in levels:
                        level = (seq, side, number(price), number(size), flag)
                        said[Table.BOOK].append((*head, *level))
    return said


KINDS = ("event:subscribe", "trades", "tickers", "snapshot", "update")


@pytest.mark.parametrize(
    ("capture", "counts"),
    [
        (TRIPLETS[0], (30, 36, 46, 10, 1494)),
        (TRIPLETS[1], (30, 36, 47, 10, 1436)),
        (TRIPLETS[2], (30, 36, 46, 10, 1412)),
        (THREE, (18, 74, 28, 3, 287)),
        (BOOKS_2026, (1, 0, 0, 1, 6)),
        (TRADES_2026, (1, 2, 0, 0, 0)),
        (TICKERS_2026, (1, 0, 2, 0, 0)),
    ],
)
def test_rows_are_what_the_frames_say(capture: str, counts: tuple[int, ...]) -> None:
    """Every row of every table, value for value; each frame is understood."""
    symbols = AnySymbol()
    expected = read(capture, symbols)
    decoded = EXCHANGE.decode(frames(capture), symbols)
    check_rows(decoded, expected)
    sent = collections.Counter(
        f"event:{m['event']}" if "event" in m else m.get("action", m["arg"]["channel"])
        for _, m in messages(capture)
    )
    assert sent == collections.Counter(dict(zip(KINDS, counts, strict=True)))
    told = collections.Counter(type(event) for event in events_of(decoded))
    rows = (len(expected[Table.TRADES]), len(expected[Table.MD]))
    assert (told[Granted], *rows, told[BookSnapshot]) == counts[:4]


def test_every_capture_is_understood() -> None:
    """Those too that are named nowhere here."""
    found = captures("okx")
    assert len(found) >= 8
    for capture in found:
        assert EXCHANGE.decode(frames(capture), AnySymbol()).bad == ()


OPTION = "BTC-USD-210924-66000-C"
TRADES_2021 = {
    OPTION: (1, 206, 206, 1626922893155, 1626922893155),
    "FUN-BTC": (6, 3435655, 3435660, 1626995753055, 1626995778060),
    "AUCTION-USDT": (2, 584231, 584232, 1626995748554, 1626995782556),
    "XMR-USDT-SWAP": (6, 6845125, 6845130, 1626995753200, 1626995778708),
    "OKT-BTC": (8, 3406229, 3406236, 1626995748605, 1626995778612),
    "PAY-BTC": (7, 6071311, 6071317, 1626995751369, 1626995781373),
    "ONT-USDT": (3, 11366799, 11366801, 1626995748814, 1626995780817),
    "DHT-USDT": (1, 1135005, 1135005, 1626995752886, 1626995752886),
    "TRX-USDT-210924": (2, 1200052, 1200053, 1626995752334, 1626995767335),
}


@pytest.mark.parametrize(
    ("capture", "trades"),
    [
        *((capture, TRADES_2021) for capture in TRIPLETS),
        (
            THREE,
            {
                "BTC-USD-220527": (4, 7849, 7852, 1652459199958, 1652459234354),
                "UNI-USD-SWAP": (1, 12883020, 12883020, 1652459215150, 1652459215150),
                "BTC-USDT": (69, 338476307, 338476375, 1652459224818, 1652459235576),
            },
        ),
        (TRADES_2026, {"BTC-USDT": (2, 1040968613, 1040968614, 1786538760218, 1786538760479)}),
    ],
)
def test_trades_match_the_truth_table(capture: str, trades: dict[str, tuple[int, ...]]) -> None:
    """Counts, ids and times per symbol; ids without holes or repetition."""
    symbols = AnySymbol()
    decoded = EXCHANGE.decode(frames(capture), symbols)
    assert {
        symbol: (count, low, high, first // 10**6, last // 10**6)
        for symbol, (count, low, high, first, last) in trades_by_symbol(decoded, symbols).items()
    } == trades


@pytest.mark.parametrize("capture", [*TRIPLETS, THREE, BOOKS_2026, TRADES_2026, TICKERS_2026])
def test_grants_are_those_acknowledged(capture: str) -> None:
    """One for each argument, repeated ones among them, with or without the connection's id."""
    granted = [
        Granted(frozenset({Subscription(m["arg"]["instId"], FEEDS[m["arg"]["channel"]])}))
        for _, m in messages(capture)
        if m.get("event") == "subscribe"
    ]
    told = events_of(EXCHANGE.decode(frames(capture), AnySymbol()))
    assert [event for event in told if isinstance(event, Granted)] == granted


def test_control_frames() -> None:
    """The answer to a ping, which is no JSON, and a refusal."""
    pong, refused = events_of(EXCHANGE.decode(frames(CONTROL), {}))
    assert pong == Pong()
    assert isinstance(refused, Refused)
    assert refused.reason.startswith('Invalid request: {"op": "subscribe"')
    assert refused.reason.endswith(" (code 60012)")
    assert (refused.request_id, refused.subscriptions) == (None, frozenset())


# -- books -----------------------------------------------------------------------------------------

Side = dict[Decimal, tuple[str, str]]


class Book:
    """A book as the venue says to keep it: price levels replaced, or deleted by a size of zero."""

    def __init__(self) -> None:
        self.sides: tuple[Side, Side] = ({}, {})

    def apply(self, m: dict[str, Any]) -> None:
        """One message about this book."""
        if m["action"] == "snapshot":
            self.sides = ({}, {})
        (sent,) = m["data"]
        for side, levels in zip(self.sides, (sent["bids"], sent["asks"]), strict=True):
            for price, size, _, _ in levels:
                side[Decimal(price)] = (price, size)
                if not Decimal(size):
                    del side[Decimal(price)]

    def checksum(self) -> int:
        """By the adapter."""
        bids, asks = self.sides
        return EXCHANGE.book_checksum(
            [bids[price] for price in sorted(bids, reverse=True)],
            [asks[price] for price in sorted(asks)],
        )


@pytest.mark.parametrize(
    ("capture", "verified"), [(THREE, 290), *zip(TRIPLETS, (1504, 1446, 1422), strict=True)]
)
def test_every_recorded_checksum_is_that_of_the_book(capture: str, verified: int) -> None:
    """Of a book that is kept here, with all of its levels; options and swaps among them."""
    books: dict[str, Book] = collections.defaultdict(Book)
    matching = 0
    for _, m in messages(capture):
        if "action" in m:
            book = books[m["arg"]["instId"]]
            book.apply(m)
            assert book.checksum() == m["data"][0]["checksum"]
            matching += 1
    assert matching == verified


@pytest.mark.parametrize(
    ("capture", "verified"), [(THREE, 290), *zip(TRIPLETS, (1504, 1446, 1422), strict=True)]
)
def test_the_recorder_finds_every_checksum_right(capture: str, verified: int) -> None:
    """By what decoding tells and by the mechanism that all venues share; no book begins anew."""
    sequences = BookSequences(EXCHANGE)
    snapshots = 0
    for event in events_of(EXCHANGE.decode(frames(capture), AnySymbol())):
        if isinstance(event, BookSnapshot):
            sequences.snapshot(event, 0)
            snapshots += 1
        elif isinstance(event, BookTexts):
            assert sequences.texts(event, 0) == NOTHING
    assert sequences.judged == {Judgement.OK: verified + snapshots}


@pytest.mark.parametrize("lost", [1, 100, 250])
def test_a_lost_update_shows_in_a_checksum(lost: int) -> None:
    """The book that it belonged to begins anew, and no other."""
    all_frames = list(frames(THREE))
    updates = [n for n, text in enumerate(all_frames) if b'"action":"update"' in text]
    missing = json.loads(all_frames.pop(updates[lost]))
    symbols = AnySymbol()
    sequences, broken = BookSequences(EXCHANGE), set[int]()
    for event in events_of(EXCHANGE.decode(all_frames, symbols)):
        if isinstance(event, BookTexts):
            broken |= sequences.texts(event, 0).broken
    assert broken == {symbols[missing["arg"]["instId"]]}
    assert sequences.judged[Judgement.GAP] == 1


@functools.cache
def links() -> list[BookLink | BookSnapshot]:
    """What the newest capture says about its chain."""
    told = events_of(EXCHANGE.decode(frames(BOOKS_2026), {"BTC-USDT": 1}))
    return [event for event in told if isinstance(event, BookLink | BookSnapshot)]


def test_ids_form_a_chain() -> None:
    """From the snapshot to the last update; the checksum of 0 is not taken for one."""
    ids = [m["data"][0]["seqId"] for _, m in messages(BOOKS_2026) if "action" in m]
    assert len(ids) == 7
    assert links() == [
        BookSnapshot(1, ids[0]),
        *(BookLink(1, one + 1, two, one) for one, two in itertools.pairwise(ids)),
    ]
    decoded = EXCHANGE.decode(frames(BOOKS_2026), {"BTC-USDT": 1})
    assert not any(isinstance(event, BookTexts) for event in events_of(decoded))


@pytest.mark.parametrize("lost", [None, 1, 3, 5])
def test_a_lost_update_shows_in_the_chain(lost: int | None) -> None:
    """At the update after it, and only there."""
    sequences, broken = BookSequences(EXCHANGE), []
    for position, event in enumerate(links()):
        if position == lost:
            continue
        if isinstance(event, BookSnapshot):
            sequences.snapshot(event, 0)
        elif sequences.link(event, 0).doubtful:
            broken.append(position)
    assert broken == ([] if lost is None else [lost + 1])


# -- the rest --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["SPOT", "SWAP", "FUTURES"])
def test_instruments(kind: str) -> None:
    """Listings of 2022 agree with a plain reading."""
    text = body(f"okx/rest_instruments_{kind}_2022-05-13.json")
    listed = json.loads(text)["data"]
    assert len(listed) > 50
    assert EXCHANGE.parse_listing(text) == tuple(
        Instrument(
            i["instId"],
            i["baseCcy"],
            i["quoteCcy"],
            i["state"] == "live",
            i["tickSz"],
            i["lotSz"],
            "spot" if kind == "SPOT" else i["ctType"],
            i["minSz"],
        )
        for i in listed
    )


def test_decoding_in_batches_of_any_size_is_the_same() -> None:
    """Rows do not depend on where one batch ends and the next begins."""
    payloads, symbols = frames(THREE), AnySymbol()
    whole = by_frame(EXCHANGE.decode(payloads, symbols))
    for start in range(0, len(payloads), 7):
        part = by_frame(EXCHANGE.decode(payloads[start : start + 7], symbols))
        assert part == {n: whole[start + n] for n in range(7) if start + n in whole}
