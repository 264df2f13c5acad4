"""Our own dialogues, of the same kinds as those from the field, and what is right of each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from tests.field.checks import (
    asked_again,
    asked_once,
    connections_at_most,
    hole_at,
    no_holes,
    one_day,
    recorded_within,
    refused,
    said,
    trades_complete,
)
from tests.field.dialogue import Check, Dialogue, dialogue
from tests.field.places import OWN_DIALOGUES
from tests.field.seen import Seen

_dialogue = partial(dialogue, OWN_DIALOGUES)


def _quotes(symbol: str, *ids: int) -> Check:
    """Just these quotes are on disk, in this order."""

    def check(seen: Seen) -> Iterator[str]:
        found = seen.rows(symbol, "QUOTES")["update_id"]
        if found != [*ids]:
            yield f"{symbol}: quotes {found}, not {[*ids]}"

    return check


def _just_missing(symbol: str, id_: int) -> Check:
    """No trade but this one is told as missing."""

    def check(seen: Seen) -> Iterator[str]:
        told = [(hole.from_id, hole.to_id) for hole in seen.holes(symbol, "TRADES")]
        if told != [(id_, id_)]:
            yield f"{symbol}: told as missing: {told}"

    return check


def snapshot_within(secs: float, symbol: str) -> Check:
    """A flagged row of the book came by then."""

    def check(seen: Seen) -> Iterator[str]:
        rows = seen.rows(symbol, "BOOK")
        times = [at for at, flag in zip(rows.recv_secs, rows["flags"], strict=True) if flag & 1]
        if not times or times[0] > secs:
            yield f"{symbol} BOOK: snapshot at {times[:1]}"

    return check


def _bad_trade_is_told(seen: Seen) -> Iterator[str]:
    """Of a message with three trades the two good ones are recorded, and the third is missed."""
    ids = seen.rows("AAA-USDT", "TRADES")["trade_id"]
    told = [(hole.from_id, hole.to_id) for hole in seen.holes("AAA-USDT", "TRADES")]
    if not {708, 710} <= {*ids} or 709 in ids or told != [(709, 709)]:
        yield f"recorded: {ids[5:12]}, told as missing: {told}"


def _told_once(symbol: str, table: str, *ids: int | None) -> Check:
    """There is one record of what was not understood, by these ids."""

    def check(seen: Seen) -> Iterator[str]:
        told = [hole for hole in seen.holes(symbol, table) if hole.cause != "resync"]
        if [(h.from_id, h.to_id, h.cause) for h in told] != [(*ids, "undecodable")]:
            yield f"{symbol} {table}: told {told}"

    return check


def _halted(symbol: str) -> Check:
    """The first trade after the halt came on the stream that was there before it."""

    def check(seen: Seen) -> Iterator[str]:
        again = [secs for secs in seen.rows(symbol, "TRADES").recv_secs if secs > 300.0]
        if not again or again[0] > 362.0:
            yield f"{symbol}: first trade after the halt at {again[:1]}"

    return check


def _begins_anew(seen: Seen) -> Iterator[str]:
    """After the broken level, whose neighbour is recorded, a snapshot, and nothing before it."""
    rows = seen.rows("AAAUSDT", "BOOK")
    flagged = [at for at, flags in zip(rows.recv_secs, rows["flags"], strict=True) if flags]
    if 1.25 not in rows["price"]:
        yield "the good level of the broken message is missing"
    if len(seen.asked("rest", "/api/v3/depth")) != 2 or flagged[-1] < 20.0:
        yield f"snapshots at {flagged}"


def _only_that_book_begins_anew(seen: Seen) -> Iterator[str]:
    """The other one of the same message is right, and stays."""
    ended = seen.asked("got", "unsubscribe")
    if len(ended) != 1 or seen.asked("got", "unsubscribe", "AAA-USD"):
        yield f"ended at {ended}"


OWN: tuple[Dialogue, ...] = (
    *(
        _dialogue(
            name,
            "the halted symbol goes on with its first trade after the halt, and nothing is lost",
            trades_complete(*symbols),
            no_holes(*symbols),
            _halted(symbols[1]),
            secs=660.0,
        )
        for name, symbols in (
            ("halt-bybit", ("AAAUSDT", "BBBUSDT")),
            ("halt-kraken", ("AAA/USD", "BBB/USD")),
            ("halt-okx", ("AAA-USDT", "BBB-USDT")),
        )
    ),
    _dialogue(
        "ids-begin-again-coinbase",
        "each trade is recorded, the one that never came is the only hole, and both are said",
        trades_complete("AAA-USD"),
        _just_missing("AAA-USD", 890),
        said("AAA-USD", "again"),
        said("AAA-USD", "stray"),
        secs=60.0,
    ),
    _dialogue(
        "ids-begin-again-okx",
        "each trade is recorded, no hole is invented, and something says that ids began again",
        trades_complete("AAA-USDT"),
        no_holes("AAA-USDT"),
        said("AAA-USDT", "again"),
        secs=40.0,
    ),
    _dialogue(
        "new-kind-of-message-bybit",
        "one connection, all trades, no holes, and a line about the unknown kind",
        trades_complete("AAAUSDT"),
        no_holes("AAAUSDT"),
        connections_at_most(1),
        said("impliedVolatility"),
        secs=120.0,
    ),
    _dialogue(
        "no-snapshot-bybit",
        "the book is asked for again within a minute, and a record tells of the time until then",
        asked_again(60.0, '"subscribe"', "orderbook.200.AAAUSDT"),
        hole_at(20.0, "AAAUSDT", "BOOK"),
        secs=90.0,
        feeds=("orderbook",),
        settings={"data_timeout_secs": 10.0},
    ),
    _dialogue(
        "no-snapshot-kraken",
        "the book is asked for again within a minute, and a record tells of the time until then",
        asked_again(60.0, '"subscribe"', '"book"', "AAA/USD"),
        hole_at(20.0, "AAA/USD", "BOOK"),
        no_holes("AAA/USD", tables=("BOOK",), cause="undecodable"),
        secs=90.0,
        feeds=("orderbook",),
        settings={"data_timeout_secs": 10.0},
    ),
    _dialogue(
        "odd-listing-coinbase",
        "AAA-USD is recorded, whatever else is listed",
        recorded_within(25.0, "AAA-USD"),
        trades_complete("AAA-USD"),
        secs=40.0,
    ),
    _dialogue(
        "one-bad-level-binance",
        "the good level is recorded, a record tells of the other, and the book begins anew",
        _told_once("AAAUSDT", "BOOK", None, None),
        _begins_anew,
        secs=40.0,
        feeds=("orderbook",),
    ),
    _dialogue(
        "one-bad-level-coinbase-advanced",
        "only the book whose level is broken begins anew",
        _told_once("BBB-USD", "BOOK", None, None),
        no_holes("AAA-USD", tables=("BOOK",)),
        _only_that_book_begins_anew,
        secs=40.0,
        feeds=("orderbook",),
    ),
    _dialogue(
        "one-bad-trade-coinbase",
        "the hole in the ids is the one record, and has the cause",
        _told_once("AAA-USD", "TRADES", 308, 308),
        asked_once("got", "AAA-USD"),
        secs=40.0,
    ),
    _dialogue(
        "one-bad-trade-okx",
        "both good trades of the message are recorded, and a record tells of the third",
        _bad_trade_is_told,
        secs=30.0,
    ),
    _dialogue(
        "one-channel-refused-kraken",
        "trades of both are recorded within seconds; only their books are refused",
        recorded_within(15.0, "AAA/USD", "BBB/USD"),
        trades_complete("AAA/USD", "BBB/USD"),
        no_holes("AAA/USD", "BBB/USD", cause="refused"),
        refused("AAA/USD", "BOOK"),
        refused("BBB/USD", "BOOK"),
        secs=40.0,
        feeds=("trades", "orderbook"),
    ),
    _dialogue(
        "one-code-busy-upbit",
        "both symbols are recorded within a minute",
        recorded_within(60.0, "KRW-A", "KRW-B"),
        secs=90.0,
    ),
    _dialogue(
        "one-trade-ahead-okx",
        "nothing but that one trade lies beside the others",
        trades_complete("AAA-USDT", late=1),
        one_day,
        secs=40.0,
    ),
    _dialogue(
        "one-trade-behind-kraken",
        "nothing but that one trade lies beside the others, and no file is of another day",
        trades_complete("AAA/USD", late=1),
        one_day,
        secs=40.0,
    ),
    _dialogue(
        "quotes-begin-again-bybit",
        "each quote is recorded once, however often the last one is pushed again",
        _quotes("AAAUSDT", 501, 502, 503, 504, 505, 1, 2),
        secs=40.0,
        feeds=("quotes",),
    ),
    _dialogue(
        "torn-message-okx",
        "a record tells of the torn message; the other is named, and costs nothing",
        trades_complete("AAA-USDT"),
        _told_once("AAA-USDT", "TRADES", None, None),
        connections_at_most(2),
        said("weather"),
        secs=60.0,
    ),
    _dialogue(
        "refused-and-closed-binance",
        "three symbols are recorded within a minute, and CUSDT alone stays refused",
        recorded_within(60.0, "AUSDT", "BUSDT", "DUSDT"),
        refused("CUSDT", "TRADES"),
        no_holes("AUSDT", "BUSDT", "DUSDT", cause="refused"),
        secs=60.0,
    ),
    _dialogue(
        "slow-down-listing-kraken",
        "the listing is asked for again as late as the answer says, and then all is recorded",
        asked_once("rest", "/0/public/AssetPairs", within=90.0),
        recorded_within(100.0, "AAA/USD"),
        secs=150.0,
    ),
    _dialogue(
        "slow-down-snapshot-binance",
        "no second snapshot is asked for before the time; then the book begins",
        asked_once("rest", "/api/v3/depth", within=40.0),
        snapshot_within(60.0, "AAAUSDT"),
        secs=80.0,
        feeds=("orderbook",),
    ),
    _dialogue(
        "slow-down-upgrade-coinbase",
        "there is no second attempt before the date, by the venue's own clock",
        asked_once("refused", within=120.0),
        said("told_to_wait", "Tue, 14 Nov 2023 22:15:20 GMT"),
        secs=60.0,
        longer_secs=119.0,
    ),
    _dialogue(
        "too-many-requests-okx",
        "there is no second connection for 40 s; then all is recorded",
        asked_once("open", within=40.0),
        recorded_within(50.0, "AAA-USDT"),
        secs=60.0,
    ),
    _dialogue(
        "try-again-later-kraken",
        "there is no second connection for half a minute; then all is recorded",
        asked_once("open", within=30.0),
        recorded_within(50.0, "AAA/USD"),
        secs=60.0,
    ),
)
