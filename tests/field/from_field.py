"""The dialogues of the folder beside the repository, and what is right of each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from tests.field.checks import (
    END_SECS,
    FIRST_SECS,
    asked_again,
    asked_once,
    begun_within,
    hole_at,
    hole_until_first_row,
    never_asked,
    no_holes,
    one_day,
    recorded_within,
    refused,
    said,
    snapshot_first,
    trades_complete,
)
from tests.field.dialogue import Dialogue, dialogue
from tests.field.places import DIALOGUES
from tests.field.seen import Seen

KRAKEN = tuple(f"S{number:02}/USD" for number in range(12))
OKX = tuple(f"S{number:02}-USDT" for number in range(6))
UPBIT = tuple(f"KRW-S{number:02}" for number in range(6))


_dialogue = partial(dialogue, DIALOGUES)


def _every_bad_message_is_told(seen: Seen) -> Iterator[str]:
    """Each message with a trade that has no side: a gap record of when it came."""
    for secs in seen.asked("sent", '"S":""'):
        if secs < seen.secs - 5.0:
            yield from hole_at(secs, "AAAUSDT", "TRADES")(seen)


def _whole_messages_are_recorded(seen: Seen) -> Iterator[str]:
    """All trades of the messages in which nothing is odd."""
    found = {*seen.rows("AAAUSDT", "TRADES")["trade_id"]}
    odd = {*seen.asked("sent", '"S":""')}
    sent = [each for each in seen.sent_trades("AAAUSDT") if each[0] < seen.secs - END_SECS]
    whole = {key for secs, key in sent if secs not in odd or f"{key}"[-1] in "12"}
    if not whole or whole - found:
        yield f"{len(whole - found)} of {len(whole)} trades are missing"


def _best_ask_is_recorded(seen: Seen) -> Iterator[str]:
    """Of a product that was never traded."""
    asks = seen.rows("NEW-USD", "MD")["best_ask"]
    if not asks or set(asks) != {9.5}:
        yield f"best asks: {asks}"


def _halted_goes_on(seen: Seen) -> Iterator[str]:
    """The first trade after the halt is there when it was sent."""
    ids, times = seen.rows("BBBUSDT", "TRADES")["trade_id"], seen.rows("BBBUSDT", "TRADES")
    after = [at for key, at in zip(ids, times.recv_secs, strict=True) if key > 1245]
    if not after or after[0] > 362.0:
        yield f"BBBUSDT goes on at {after[:1]}"


def _other_is_refused_or_recorded(seen: Seen) -> Iterator[str]:
    """The name that is too long for a folder: either there is a line, or rows under a short one."""
    if not seen.said("XXXXXXXX") and len(seen.symbols) < 2:
        yield "nothing tells of the symbol with the long name"


BOOK_OF_OKX = '"subscribe"', '"books"', "AAA-USDT"

FROM_FIELD: tuple[Dialogue, ...] = (
    _dialogue(
        "banned-listing-binance",
        "the listing is not asked for again in the twelve minutes that the answer names",
        asked_once("rest", "/api/v3/exchangeInfo", within=720.0),
        secs=60.0,
        longer_secs=719.0,
    ),
    _dialogue(
        "busy-at-first-kraken",
        "all twelve symbols are recorded within a minute, and their holes end there",
        recorded_within(60.0, *KRAKEN),
        hole_until_first_row(*KRAKEN),
        secs=90.0,
    ),
    _dialogue(
        "busy-at-first-okx",
        "all six symbols are recorded within a minute, and their holes end there",
        recorded_within(60.0, *OKX),
        hole_until_first_row(*OKX),
        secs=90.0,
    ),
    _dialogue(
        "busy-for-some-kraken",
        "all twelve symbols are recorded within a minute, and the holes of six end there",
        recorded_within(60.0, *KRAKEN),
        hole_until_first_row(*KRAKEN[6:]),
        no_holes(*KRAKEN[:6]),
        secs=720.0,
    ),
    _dialogue(
        "chinese-name-binance",
        "its folder has its own name; all trades, and a book that begins with a snapshot",
        trades_complete("币安人生USDT"),
        snapshot_first("币安人生USDT"),
        no_holes("币安人生USDT", tables=("TRADES", "BOOK")),
        secs=30.0,
        feeds=("trades", "orderbook"),
    ),
    _dialogue(
        "halt-binance",
        "the halted symbol goes on with its first trade after the halt, and nothing is lost",
        trades_complete("AAAUSDT", "BBBUSDT"),
        no_holes("AAAUSDT", "BBBUSDT"),
        _halted_goes_on,
        secs=660.0,
    ),
    _dialogue(
        "ids-begin-again-binance",
        "each trade is recorded, no hole is invented, and something says that ids began again",
        trades_complete("AAAUSDT"),
        no_holes("AAAUSDT"),
        said("AAAUSDT", "again"),
        secs=40.0,
    ),
    _dialogue(
        "long-name-okx",
        "AAA-USDT is recorded, the other does no harm, and the next start works",
        begun_within(10.0, "AAA-USDT"),
        _other_is_refused_or_recorded,
        secs=40.0,
        lives=2,
    ),
    _dialogue(
        "new-kind-of-message-coinbase",
        "one connection, all trades, no holes, and a line about the unknown kind",
        trades_complete("AAA-USD"),
        no_holes("AAA-USD"),
        asked_once("got", "AAA-USD"),
        said("indicative_auction"),
        secs=120.0,
    ),
    _dialogue(
        "no-snapshot-coinbase-advanced",
        "the book is asked for again within a minute, and a record tells of the time until then",
        asked_again(60.0, '"subscribe"', '"level2"'),
        hole_at(20.0, "AAA-USD", "BOOK"),
        secs=90.0,
        feeds=("orderbook",),
        settings={"data_timeout_secs": 10.0},
    ),
    _dialogue(
        "no-snapshot-coinbase",
        "the book is asked for again within a minute, and a record tells of the time until then",
        asked_again(60.0, '"subscribe"', "level2", "AAA-USD"),
        hole_at(20.0, "AAA-USD", "BOOK"),
        secs=90.0,
        feeds=("orderbook",),
        settings={"data_timeout_secs": 10.0},
    ),
    _dialogue(
        "no-snapshot-okx",
        "the book is asked for again within a minute, and a record tells of the time until then",
        asked_again(60.0, *BOOK_OF_OKX),
        hole_at(20.0, "AAA-USDT", "BOOK"),
        secs=90.0,
        feeds=("orderbook",),
        settings={"data_timeout_secs": 10.0},
    ),
    _dialogue(
        "one-bad-trade-bybit",
        "a gap record tells of each bad message; all other trades are recorded",
        _whole_messages_are_recorded,
        _every_bad_message_is_told,
        secs=40.0,
    ),
    _dialogue(
        "one-channel-refused-binance",
        "trades of both are recorded within seconds; only their books are refused",
        recorded_within(15.0, "AAAUSDT", "BBBUSDT"),
        trades_complete("AAAUSDT", "BBBUSDT"),
        no_holes("AAAUSDT", "BBBUSDT", cause="refused"),
        refused("AAAUSDT", "BOOK"),
        refused("BBBUSDT", "BOOK"),
        secs=40.0,
        feeds=("trades", "orderbook"),
    ),
    _dialogue(
        "one-channel-refused-coinbase",
        "trades of both are recorded within seconds; only their books are refused",
        recorded_within(FIRST_SECS, "AAA-USD", "BBB-USD"),
        trades_complete("AAA-USD", "BBB-USD"),
        no_holes("AAA-USD", "BBB-USD", cause="refused"),
        refused("AAA-USD", "BOOK"),
        refused("BBB-USD", "BOOK"),
        secs=40.0,
        feeds=("trades", "orderbook"),
    ),
    _dialogue(
        "one-product-refused-coinbase",
        "two products are recorded; the third is refused, as a record tells",
        recorded_within(FIRST_SECS, "AAA-USD", "CCC-USD"),
        trades_complete("AAA-USD", "CCC-USD"),
        no_holes("AAA-USD", "CCC-USD", cause="refused"),
        refused("BBB-USD", "TRADES"),
        secs=60.0,
    ),
    _dialogue(
        "one-trade-ahead-bybit",
        "nothing but that one trade lies beside the others",
        trades_complete("AAAUSDT", late=1),
        one_day,
        secs=40.0,
    ),
    _dialogue(
        "refused-and-closed-upbit",
        "five symbols are recorded within a minute, and KRW-S03 alone stays refused",
        recorded_within(60.0, *UPBIT[:3], *UPBIT[4:]),
        refused("KRW-S03", "TRADES"),
        no_holes(*UPBIT[:3], *UPBIT[4:], cause="refused"),
        secs=60.0,
    ),
    _dialogue(
        "slow-down-upgrade-binance",
        "there is no second attempt for two minutes",
        asked_once("refused", within=120.0),
        secs=60.0,
        longer_secs=119.0,
    ),
    _dialogue(
        "snapshot-before-answer-bybit",
        "flagged rows come first, then the updates",
        snapshot_first("AAAUSDT"),
        no_holes("AAAUSDT", tables=("BOOK",)),
        asked_once("got", "orderbook.200.AAAUSDT"),
        secs=30.0,
        feeds=("orderbook",),
    ),
    _dialogue(
        "zero-last-price-coinbase-advanced",
        "each book is asked for once; no gap records; the best ask is recorded",
        asked_once("got", '"subscribe"', '"level2"'),
        never_asked('"unsubscribe"'),
        no_holes("AAA-USD", "NEW-USD", tables=("MD", "BOOK")),
        _best_ask_is_recorded,
        secs=60.0,
        feeds=("ticker", "orderbook"),
    ),
)
