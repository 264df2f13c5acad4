"""The torture reads what exchanges send by itself; here against messages written out by hand."""

from __future__ import annotations

import json

import pytest

from scripts.torture_rig.messages import Row, payloads, row_of


@pytest.mark.parametrize(
    ("message", "row"),
    [
        (
            {"type": "last_match", "trade_id": 7, "maker_order_id": "0" * 32,
             "taker_order_id": "f" * 32, "side": "sell", "size": "2.5", "price": "3",
             "product_id": "A-B", "time": "2026-11-21T06:00:00.000001Z"},
            Row("TRADES", "A-B", 7,
                (1_795_240_800_000_001_000, 7, 3.0, 2.5, 1, bytes(16), b"\xff" * 16)),
        ),
        (
            {"type": "ticker", "trade_id": 8, "price": "3", "last_size": "0.5", "side": "sell",
             "best_bid": "2", "best_ask": "4", "product_id": "A-B",
             "time": "2026-11-21T06:00:00.000000Z"},
            Row("MD", "A-B", 8, (1_795_240_800_000_000_000, 3.0, 0.5, 0, 2.0, 4.0)),
        ),
        (
            {"stream": "ab@trade", "data": {"s": "AB", "t": 9, "p": "3", "q": "2", "T": 5,
             "m": True}},
            Row("TRADES", "AB", 9, (5000, 9, 3.0, 2.0, 0, bytes(16), bytes(16))),
        ),
        (
            {"stream": "ab@ticker", "data": {"s": "AB", "L": 9, "c": "3", "Q": "2", "E": 5,
             "b": "1", "a": "4"}},
            Row("MD", "AB", 9, (5000, 3.0, 2.0, 2, 1.0, 4.0)),
        ),
        (
            {"stream": "ab@bookTicker", "data": {"s": "AB", "u": 6, "b": "1", "B": "10",
             "a": "4", "A": "40"}},
            Row("QUOTES", "AB", 6, (6, 1.0, 10.0, 4.0, 40.0)),
        ),
        ({"type": "heartbeat", "product_id": "A-B"}, None),
        ({"stream": "ab@depth@100ms", "data": {}}, None),
        ({"result": None, "id": 1}, None),
    ],
)  # fmt: skip
def test_message_says_its_row(message: dict[str, object], row: Row | None) -> None:
    """Exactly the values that the column files must have."""
    assert row_of(json.dumps(message).encode()) == row


def test_frames_of_every_length_are_split() -> None:
    """Short, 16-bit and 64-bit lengths; control frames and HTTP answers carry no messages."""
    short, longer, longest = b"a" * 125, b"b" * 126, b"c" * 70_000
    data = (
        b"\x81\x7d" + short
        + b"\x89\x02hi"
        + b"\x81\x7e" + (126).to_bytes(2, "big") + longer
        + b"\x81\x7f" + (70_000).to_bytes(8, "big") + longest
    )  # fmt: skip
    assert list(payloads(data)) == [short, longer, longest]
    assert list(payloads(b"HTTP/1.1 200 OK\r\n\r\n{}")) == []
