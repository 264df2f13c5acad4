"""Books without levels: each empty side of a snapshot is said by a row, at every venue."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.exchanges.said import rows_of
from tests.exchanges.samples import SAMPLES, SYMBOLS
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import BookSnapshot
from tick_logger.model.tables import BOOK_ASK, BOOK_BID, FLAG_SNAPSHOT, Table

Levels = Sequence[tuple[float, float]]

BIDS, ASKS = [(1.5, 3.0), (1.25, 4.0)], [(1.75, 5.0)]


def texts(levels: Levels, more: Sequence[str] = ()) -> list[list[str]]:
    return [[str(price), str(size), *more] for price, size in levels]


def binance(bids: Levels, asks: Levels) -> bytes:
    """As REST answers, in our wrapping."""
    body = json.dumps({"lastUpdateId": 7, "bids": texts(bids), "asks": texts(asks)})
    return registry.get("binance").snapshot_payload("ETHUSDT", body.encode())


def okx(bids: Levels, asks: Levels) -> bytes:
    """The first message of `books`."""
    message = json.loads(SAMPLES["okx"]["books_snapshot"])
    message["data"][0] |= {"bids": texts(bids, ["0", "1"]), "asks": texts(asks, ["0", "1"])}
    return json.dumps(message).encode()


def okx_whole(bids: Levels, asks: Levels) -> bytes:
    """Any message of `books5`."""
    message = json.loads(SAMPLES["okx"]["books5"])
    message["data"][0] |= {"bids": texts(bids, ["0", "1"]), "asks": texts(asks, ["0", "1"])}
    return json.dumps(message).encode()


def bybit(bids: Levels, asks: Levels) -> bytes:
    """A snapshot of spot."""
    message = json.loads(SAMPLES["bybit"]["snapshot"])
    message["data"] |= {"b": texts(bids), "a": texts(asks)}
    return json.dumps(message).encode()


def bybit_linear(bids: Levels, asks: Levels) -> bytes:
    """A snapshot of a perpetual."""
    message = json.loads(SAMPLES["bybit_linear"]["snapshot"])
    message["data"] |= {"b": texts(bids), "a": texts(asks)}
    return json.dumps(message).encode()


def coinbase(bids: Levels, asks: Levels) -> bytes:
    """The first message of `level2_batch`."""
    message = json.loads(SAMPLES["coinbase"]["snapshot"])
    return json.dumps(message | {"bids": texts(bids), "asks": texts(asks)}).encode()


def coinbase_advanced(bids: Levels, asks: Levels) -> bytes:
    """The first message of `level2`, which has both sides in one list."""
    message = json.loads(SAMPLES["coinbase_advanced"]["l2_snapshot"])
    message["events"][0]["updates"] = [
        {"side": side, "event_time": "", "price_level": str(price), "new_quantity": str(size)}
        for side, levels in (("bid", bids), ("offer", asks))
        for price, size in levels
    ]
    return json.dumps(message).encode()


def upbit(bids: Levels, asks: Levels) -> bytes:
    """A book, where zeros stand for the levels that a side lacks."""
    message = json.loads(SAMPLES["upbit"]["orderbook"])
    count = max(len(bids), len(asks))
    padded = (list(side) + [(0.0, 0.0)] * (count - len(side)) for side in (bids, asks))
    message["orderbook_units"] = [
        {"bid_price": bid[0], "bid_size": bid[1], "ask_price": ask[0], "ask_size": ask[1]}
        for bid, ask in zip(*padded, strict=True)
    ]
    return json.dumps(message).encode()


def kraken(bids: Levels, asks: Levels) -> bytes:
    """The first message of `book`."""
    message = json.loads(SAMPLES["kraken"]["book_snapshot"])
    for name, levels in (("bids", bids), ("asks", asks)):
        message["data"][0][name] = [{"price": price, "qty": size} for price, size in levels]
    return json.dumps(message).encode()


SNAPSHOTS: dict[str, tuple[str, Callable[[Levels, Levels], bytes]]] = {
    "binance": ("binance", binance),
    "okx": ("okx", okx),
    "okx, whole books": ("okx", okx_whole),
    "bybit": ("bybit", bybit),
    "bybit_linear": ("bybit_linear", bybit_linear),
    "coinbase": ("coinbase", coinbase),
    "coinbase_advanced": ("coinbase_advanced", coinbase_advanced),
    "upbit": ("upbit", upbit),
    "kraken": ("kraken", kraken),
}


def said(venue: str, *payloads: bytes) -> list[tuple[Any, ...]]:
    """Payload, side, price (None: NaN), size and flags of each row of BOOK."""
    decoded = registry.get(venue).decode(payloads, SYMBOLS)
    assert decoded.bad == ()
    assert [type(event) for _, event in decoded.events if isinstance(event, BookSnapshot)] == [
        BookSnapshot
    ] * len(payloads)
    return [
        (
            row["frame"],
            row["side"],
            None if math.isnan(row["price"]) else row["price"],
            row["size"],
            row["flags"],
        )
        for row in rows_of(decoded, Table.BOOK)
    ]


def run(frame: int, bids: Levels, asks: Levels) -> list[tuple[Any, ...]]:
    """The rows of a snapshot."""
    nothing: list[tuple[float | None, float]] = [(None, 0.0)]
    sides = [(BOOK_BID, [*bids] or nothing), (BOOK_ASK, [*asks] or nothing)]
    return [
        (frame, side, price, size, FLAG_SNAPSHOT)
        for side, levels in sides
        for price, size in levels
    ]


def by_side(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """In the order in which they are compared: within a message, bids first."""
    return sorted(rows, key=lambda row: (row[0], -row[1]))


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_an_empty_side_is_a_row_without_a_price(name: str) -> None:
    """Of size 0, flagged, on its side; whole books around it are as they were."""
    venue, snapshot = SNAPSHOTS[name]
    books: list[tuple[Levels, Levels]] = [
        (BIDS, ASKS), ([], ASKS), (BIDS, []), ([], []), (BIDS[:1], ASKS), ([], []),
    ]  # fmt: skip
    found = said(venue, *(snapshot(bids, asks) for bids, asks in books))
    expected = [row for frame, book in enumerate(books) for row in run(frame, *book)]
    assert by_side(found) == by_side(expected)
    for frame, book in enumerate(books):  # and each alone as among others
        assert by_side(said(venue, snapshot(*book))) == by_side(run(0, *book)), frame


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_side_whose_levels_were_not_understood_is_not_empty(name: str) -> None:
    """What is lost is told as lost; the other side is recorded."""
    venue, snapshot = SNAPSHOTS[name]
    payload = snapshot(BIDS, [(1.75, -5.0)])
    decoded = registry.get(venue).decode([payload], SYMBOLS)
    assert [each.table for each in decoded.lost if each.table is Table.BOOK] == [Table.BOOK]
    rows = rows_of(decoded, Table.BOOK)
    assert not any(math.isnan(row["price"]) for row in rows)
    assert BOOK_ASK not in {row["side"] for row in rows}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_an_update_of_one_side_says_nothing_of_the_other(name: str) -> None:
    """It has rows of the levels that change, and no others."""
    venue, _ = SNAPSHOTS[name]
    for payload in SAMPLES[venue].values():
        decoded = registry.get(venue).decode([payload], SYMBOLS)
        for row in rows_of(decoded, Table.BOOK):
            assert row["flags"] == FLAG_SNAPSHOT or not math.isnan(row["price"])
