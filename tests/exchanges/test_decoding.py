"""What a decode call is recorded as: rows, payloads kept aside, and marks of what is lost."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.exchanges.samples import SAMPLES, SYMBOLS
from tick_logger.exchanges import registry
from tick_logger.exchanges.decoding import MOST_IDS_TOLD, Recordable, decode
from tick_logger.model.cause import Cause
from tick_logger.model.marks import Lapse, MissingIds
from tick_logger.model.tables import Table
from tick_logger.model.wanted import WantedTables


def recorded(venue: str, *payloads: bytes, tables: tuple[Table, ...] = tuple(Table)) -> Recordable:
    """Each payload came a nanosecond after the one before it."""
    wanted = WantedTables()
    for instrument in SYMBOLS.values():
        wanted.set(instrument, tables)
    recv_ns = np.arange(len(payloads), dtype=np.int64) + 100
    return decode(registry.get(venue), payloads, recv_ns, SYMBOLS, wanted)


def trades_of_okx(*ids: int, bad: int) -> bytes:
    """Trades in one message, one of them without a price."""
    message = json.loads(SAMPLES["okx"]["trades-all"])
    (trade,) = message["data"]
    message["data"] = [{**trade, "tradeId": str(n), "px": "" if n == bad else "1.5"} for n in ids]
    return json.dumps(message).encode()


def test_the_good_trades_are_rows_and_the_bad_one_is_told_by_its_id() -> None:
    """It is in the file for inspection, too, with the whole message."""
    payload = trades_of_okx(7, 8, 9, bad=8)
    found = recorded("okx", SAMPLES["okx"]["tickers"], payload)
    (trades,) = (rows for rows in found.rows if rows.table is Table.TRADES)
    assert trades["seq"].tolist() == [7, 9]
    btc = SYMBOLS["BTC-USDT"]
    assert found.losses == (MissingIds(btc, Table.TRADES, 8, 8, 101, 101, Cause.UNDECODABLE),)
    assert [(each.recv_ns, each.payload, each.kind) for each in found.aside] == [(101, payload, "")]


def test_many_are_told_by_their_times() -> None:
    """A venue may change what all of its messages look like."""
    payloads = [trades_of_okx(n, bad=n) for n in range(MOST_IDS_TOLD + 1)]
    found = recorded("okx", *payloads)
    stream = (SYMBOLS["BTC-USDT"],), (Table.TRADES,)
    assert list(found.losses) == [
        Lapse(*stream, 100 + n, 100 + n, Cause.UNDECODABLE, ids_tell=True)
        for n in range(MOST_IDS_TOLD + 1)
    ]
    assert len(recorded("okx", *payloads[1:]).losses) == MOST_IDS_TOLD


@pytest.mark.parametrize(
    ("venue", "sample", "fields", "lost"),
    [
        ("coinbase", "match", {"size": "x"}, [Table.TRADES]),
        ("coinbase", "ticker", {"best_bid": "x"}, [Table.MD, Table.QUOTES]),
        ("kraken", "ticker", {"data": [{"symbol": "BTC/USD"}, 5]}, [Table.MD, Table.QUOTES]),
        ("upbit", "orderbook", {"orderbook_units": 5}, [Table.BOOK, Table.QUOTES]),
        ("bybit", "delta", {"data": {"u": "x", "s": "MNTUSDT"}}, [Table.BOOK]),
    ],
)
def test_all_else_is_told_by_the_time_of_its_receipt(
    venue: str, sample: str, fields: dict[str, Any], lost: list[Table]
) -> None:
    """For each table that is recorded, and no other; of dense trades ids tell the rest."""
    payload = json.dumps(json.loads(SAMPLES[venue][sample]) | fields).encode()
    found = recorded(venue, payload)
    assert [mark.tables for mark in found.losses if isinstance(mark, Lapse)] == [
        (table,) for table in lost
    ]
    assert {(m.from_ns, m.to_ns, m.cause) for m in found.losses if isinstance(m, Lapse)} == {
        (100, 100, Cause.UNDECODABLE)
    }
    assert recorded(venue, payload, tables=()).losses == ()
    (first, *_) = lost
    assert len(recorded(venue, payload, tables=(first,)).losses) == 1


@pytest.mark.parametrize(
    "payload",
    [
        b"<html>BTC-USD</html>",
        b'{"type":"match","product_id":"NOPE-USD","price":',
        b'{"type":"subscriptions","channels":[{"name":"ticker","product_ids":["BTC-USD',
        b'{"type":"surprise","product_id":"BTC-USD"}',
    ],
)
def test_where_nothing_of_ours_is_named_nothing_is_told(payload: bytes) -> None:
    """Nobody can know whether anything is missing; answers and unknown kinds are no data."""
    assert recorded("coinbase", payload).losses == ()


@pytest.mark.parametrize("end", [25, 60, 90])
def test_a_torn_message_is_told_by_what_it_names(end: int) -> None:
    """Its kind and symbol; where it names a symbol only, all that is recorded of that."""
    torn = b'{"type":"match","product_id":"BTC-USD","price":"1.5","side":"sell"}'
    named = {25: set(), 60: {Table.TRADES}, 90: set()}[end]
    found = recorded("coinbase", torn[:end] if end < 90 else torn[:0])
    assert {table for mark in found.losses for table in mark.tables} == named  # type: ignore[union-attr]
    alone = recorded("coinbase", b'"product_id":"BTC-USD","price":"1.5"')
    assert {table for mark in alone.losses for table in mark.tables} == {*Table}  # type: ignore[union-attr]


def test_of_unknown_kinds_the_first_of_a_batch_is_kept() -> None:
    """Each of its own kind, beside what is undecodable."""
    payloads = [b'{"type":"%b","n":%d}' % (kind, n) for n, kind in enumerate((b"a", b"b", b"a"))]
    found = recorded("coinbase", *payloads, b"?")
    assert [(each.kind, each.payload) for each in found.aside] == [
        ("", b"?"),
        ("a", payloads[0]),
        ("b", payloads[1]),
    ]
    assert [each.frame for each in found.decoded.unknown] == [0, 1, 2]
