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


def _bad_trade_is_told(seen: Seen) -> Iterator[str]:
    """Of a message with three trades the two good ones are recorded, and the third is missed."""
    ids = seen.rows("AAA-USDT", "TRADES")["trade_id"]
    told = [(hole.from_id, hole.to_id) for hole in seen.holes("AAA-USDT", "TRADES")]
    if not {708, 710} <= {*ids} or 709 in ids or told != [(709, 709)]:
        yield f"recorded: {ids[5:12]}, told as missing: {told}"


OWN: tuple[Dialogue, ...] = (
    _dialogue(
        "ids-begin-again-okx",
        trades_complete("AAA-USDT"),
        no_holes("AAA-USDT"),
        said("AAA-USDT", "again"),
        secs=40.0,
    ),
    _dialogue(
        "new-kind-of-message-bybit",
        trades_complete("AAAUSDT"),
        no_holes("AAAUSDT"),
        connections_at_most(1),
        said("priceLimit"),
        secs=120.0,
    ),
    _dialogue(
        "no-snapshot-bybit",
        asked_again(60.0, '"subscribe"', "orderbook.200.AAAUSDT"),
        hole_at(20.0, "AAAUSDT", "BOOK"),
        secs=90.0,
        feeds=("orderbook",),
        settings={"data_timeout_secs": 10.0},
    ),
    _dialogue(
        "no-snapshot-kraken",
        asked_again(60.0, '"subscribe"', '"book"', "AAA/USD"),
        hole_at(20.0, "AAA/USD", "BOOK"),
        secs=90.0,
        feeds=("orderbook",),
        settings={"data_timeout_secs": 10.0},
    ),
    _dialogue(
        "odd-listing-coinbase",
        recorded_within(25.0, "AAA-USD"),
        trades_complete("AAA-USD"),
        secs=40.0,
    ),
    _dialogue("one-bad-trade-okx", _bad_trade_is_told, secs=30.0),
    _dialogue(
        "one-channel-refused-kraken",
        recorded_within(15.0, "AAA/USD", "BBB/USD"),
        trades_complete("AAA/USD", "BBB/USD"),
        no_holes("AAA/USD", "BBB/USD", cause="refused"),
        refused("AAA/USD", "BOOK"),
        refused("BBB/USD", "BOOK"),
        secs=40.0,
        feeds=("trades", "orderbook"),
    ),
    _dialogue("one-code-busy-upbit", recorded_within(60.0, "KRW-A", "KRW-B"), secs=90.0),
    _dialogue("one-trade-ahead-okx", trades_complete("AAA-USDT", late=1), one_day, secs=40.0),
    _dialogue("one-trade-behind-kraken", trades_complete("AAA/USD", late=1), one_day, secs=40.0),
    _dialogue(
        "quotes-begin-again-bybit",
        _quotes("AAAUSDT", 501, 502, 503, 504, 505, 1, 2),
        secs=40.0,
        feeds=("quotes",),
    ),
    _dialogue(
        "refused-and-closed-binance",
        recorded_within(60.0, "AUSDT", "BUSDT", "DUSDT"),
        refused("CUSDT", "TRADES"),
        no_holes("AUSDT", "BUSDT", "DUSDT", cause="refused"),
        secs=60.0,
    ),
    _dialogue(
        "slow-down-listing-kraken",
        asked_once("rest", "/0/public/AssetPairs", within=90.0),
        recorded_within(100.0, "AAA/USD"),
        secs=150.0,
    ),
)
