"""The books that recorded messages make, by messages as venues write them."""

from __future__ import annotations

import json
import zlib
from decimal import Decimal

import pytest

from tests.fakes.clock import NOON_NS
from tick_logger.exchanges import registry
from tick_logger.playback.books import Books
from tick_logger.simulator.listing import Listing
from tick_logger.simulator.market import Market
from tick_logger.simulator.registry import DIALECTS


def market(name: str, symbol: str) -> Listing:
    """A symbol in a market in which nothing happens."""
    kind = DIALECTS[name]
    made = Market([kind.spec(symbol)], kind.cost, seed=0, levels=1, now_ns=NOON_NS)
    return made.listings[symbol]


def after(name: str, symbol: str, *payloads: bytes) -> tuple[Listing, int] | None:
    """The symbol with its book after these messages, and its time."""
    books = Books(registry.get(name), {symbol: 0})
    for said in books.read(payloads):
        for each, message in said.items():
            books.apply(each, message)
    return books.of(market(name, symbol), NOON_NS)


def okx(action: str, before: int, now: int, bids: list[tuple[str, str]]) -> bytes:
    """A message of a book, without asks but for the snapshot."""
    asks = [["11", "1", "0", "1"]] if action == "snapshot" else []
    data = {
        "asks": asks,
        "bids": [[*level, "0", "1"] for level in bids],
        "ts": str(1_700_000_000_000 + now),
        "checksum": 0,
        "seqId": now,
        "prevSeqId": before,
    }
    arg = {"channel": "books", "instId": "BTC-USDT"}
    return json.dumps({"arg": arg, "action": action, "data": [data]}).encode()


BEGIN = okx("snapshot", -1, 5, [("10", "1.5"), ("9.25", "2")])


def test_updates_change_levels_and_keep_every_digit() -> None:
    """The next update's predecessor is the newest that the book has."""
    found = after(
        "okx", "BTC-USDT", BEGIN, okx("update", 5, 9, [("9.25", "0"), ("9.1234567", "3")])
    )
    assert found is not None
    listing, time_ns = found
    assert time_ns == 1_700_000_000_009 * 10**6
    assert listing.book.update_id == 9
    bids = [
        (listing.spec.price(ticks).rstrip("0").rstrip("."), Decimal(listing.spec.size(lots)))
        for ticks, lots in listing.book.levels(is_bid=True)
    ]
    assert bids == [("10", Decimal("1.5")), ("9.1234567", Decimal(3))]


@pytest.mark.parametrize(
    "payloads",
    [
        (BEGIN, okx("update", 7, 9, [("10", "2")])),  # what came between 5 and 7 is missing
        (okx("update", 5, 9, [("10", "2")]),),  # its snapshot is from before the journal
        (BEGIN, BEGIN.replace(b'"snapshot"', b'"update"').replace(b'"1.5"', b'"much"')),
    ],
)
def test_a_book_that_may_be_wrong_is_told_to_nobody(payloads: tuple[bytes, ...]) -> None:
    """Until its next snapshot."""
    assert after("okx", "BTC-USDT", *payloads) is None
    found = after("okx", "BTC-USDT", *payloads, BEGIN)
    assert found is not None
    assert found[0].book.update_id == 5


def test_updates_from_before_a_snapshot_by_rest_are_in_it() -> None:
    """Those that it covers change nothing; the first that goes on from it is the next."""

    def depth(first: int, last: int, size: str) -> bytes:
        data = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": first, "u": last}
        data |= {"b": [["10", size]], "a": []}
        return json.dumps({"stream": "btcusdt@depth@100ms", "data": data}).encode()

    body = b'{"lastUpdateId":7,"bids":[["10","1"]],"asks":[["11","1"]]}'
    snapshot = registry.get("binance").snapshot_payload("BTCUSDT", body)
    found = after("binance", "BTCUSDT", depth(1, 6, "6"), snapshot, depth(5, 7, "7"))
    assert found is not None
    listing, _ = found
    assert (listing.book.update_id, *listing.book.levels(is_bid=True)[0]) == (
        7,
        *(10 * 10**listing.spec.price_decimals, 10**listing.spec.size_decimals),
    )
    joined = after("binance", "BTCUSDT", snapshot, depth(7, 9, "9"))
    assert joined is not None
    assert joined[0].book.update_id == 9
    assert after("binance", "BTCUSDT", snapshot, depth(9, 9, "9")) is None


def kraken(kind: str, bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> bytes:
    """A message of a book of ten levels."""
    sides = (
        ",".join(f'{{"price":{price},"qty":{size}}}' for price, size in side)
        for side in (bids, asks)
    )
    text = '{"channel":"book","type":"%s","data":[{"symbol":"BTC/USD","bids":[%s],"asks":[%s],'
    return (text % (kind, *sides) + '"checksum":1,"timestamp":"2026-01-01T00:00:00Z"}]}').encode()


def test_levels_that_fall_out_are_gone_and_digits_make_the_checksum() -> None:
    """Ten levels a side began, so that the eleventh falls out, and is not sent as deleted."""
    bids = [(f"{price}.0", "0.50000000") for price in range(100, 90, -1)]
    asks = [(f"{price}.0", "5.0E-7") for price in range(101, 111)]
    found = after(
        "kraken",
        "BTC/USD",
        kraken("snapshot", bids, asks),
        kraken("update", [("100.5", "0.25000000")], []),
        kraken("update", [("100.5", "0.00000000")], []),
    )
    assert found is not None
    listing, time_ns = found
    payload = DIALECTS["kraken"].recorded.book(listing, "book:10:BTC/USD", time_ns, 0)
    told = json.loads(payload, parse_float=str)["data"][0]
    assert [level["price"] for level in told["bids"]] == [price for price, _ in bids[:9]]
    digits = "".join(
        text.replace(".", "").lstrip("0")
        for side in ([(price, "0.00000050") for price, _ in asks], bids[:9])
        for level in side
        for text in level
    )
    assert told["checksum"] == zlib.crc32(digits.encode())
