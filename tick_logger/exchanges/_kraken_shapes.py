"""What the compiled core reads of Kraken: trades, tickers and changes of books.

Each field of the structs in `_kraken_messages` stands here too; what is not plain is left to them.
"""

from __future__ import annotations

import numpy as np

from tick_logger.core.scanning import Column, Rows, Taken
from tick_logger.core.shape import (
    Each,
    Integer,
    IsoTime,
    Members,
    Node,
    Number,
    Symbol,
    Word,
)
from tick_logger.exchanges import base, hot
from tick_logger.exchanges.columns import ABOVE_ZERO, Findings
from tick_logger.model import tables
from tick_logger.model.payloads import Payloads

_NO_CHECKSUM = -1


def _trades(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    if len(taken["data"]):
        hot.trades(found, taken.frame("data"), taken["data"])


def _tickers(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    rows, frame = taken["data"], taken.frame("data")
    if not len(rows):
        return
    common = hot.columns(rows, "instrument", "event_ns", "best_bid", "best_ask")
    md = {**hot.columns(rows, "seq", "price"), "volume": np.nan, "side": tables.SIDE_UNKNOWN}
    found.rows(tables.Table.MD, frame, common | md)
    quotes = {**common, "seq": 0, **hot.columns(rows, "best_bid_size", "best_ask_size")}
    found.rows(tables.Table.QUOTES, frame, quotes, needs_any=("best_bid", "best_ask"))


def _updates(found: Findings, taken: Taken, payloads: Payloads) -> None:
    rows, levels = taken["data"], taken["levels"]
    hot.levels(found, taken, "levels", hot.columns(rows, "instrument", "event_ns") | {"seq": 0})
    texts = _texts(levels, payloads.block)
    ends = np.cumsum(np.bincount(levels.of, minlength=len(rows)))
    bids = np.bincount(levels.of, levels["side"] == tables.BOOK_BID, len(rows)).astype(np.int64)
    each = (taken.frame("data"), rows["instrument"], rows["checksum"], bids, ends)
    begin = 0
    for frame, index, checksum, count, end in zip(*(c.tolist() for c in each), strict=True):
        middle = begin + count
        sides = tuple(texts[begin:middle]), tuple(texts[middle:end])
        sent = None if checksum == _NO_CHECKSUM else checksum
        found.event(frame, base.BookTexts(index, False, *sides, sent))
        begin = end


def _texts(levels: Rows, block: bytes) -> list[base.TextLevel]:
    """Price and size of each level, as they are spelled."""
    text = block.decode("latin-1")  # a byte is a character, whatever there is beside numbers

    def spelled(places: Column) -> list[str]:
        begins = places >> 8
        pairs = zip(begins.tolist(), (begins + (places & 255)).tolist(), strict=True)
        return [text[begin:end] for begin, end in pairs]

    return list(zip(spelled(levels["price_at"]), spelled(levels["size_at"]), strict=True))


_LEVEL = Members(
    {
        "price": Number("price", lowest=ABOVE_ZERO, spelled=True),
        "qty": Number("size", spelled=True),
    }
)
_WHENEVER = IsoTime("event_ns", default=tables.NO_TIME, optional=True)


def _of_channel(
    name: str, entry: dict[str, Node], more: dict[str, Node] | None = None
) -> dict[str, Node]:
    """A message of a channel."""
    channel = Word(words={name: 0})
    return {"channel": channel, **(more or {}), "data": Each("data", Members(entry))}


SHAPES = hot.HotShapes(
    hot.Hot(
        _of_channel(
            "book",
            {
                "symbol": Symbol("instrument"),
                "bids": Each("levels", _LEVEL, "side", tables.BOOK_BID, optional=True),
                "asks": Each("levels", _LEVEL, "side", tables.BOOK_ASK, optional=True),
                "checksum": Integer(
                    "checksum", high=2**32 - 1, default=_NO_CHECKSUM, optional=True
                ),
                "timestamp": _WHENEVER,
            },
            {"type": Word(words={"update": 0})},
        ),
        _updates,
    ),
    hot.Hot(
        _of_channel(
            "trade",
            {
                "symbol": Symbol("instrument"),
                "side": Word("side", words={"buy": tables.SIDE_BUY, "sell": tables.SIDE_SELL}),
                "price": Number("price", lowest=ABOVE_ZERO),
                "qty": Number("size"),
                "trade_id": Integer("seq"),
                "timestamp": IsoTime("event_ns"),
            },
        ),
        _trades,
    ),
    hot.Hot(
        _of_channel(
            "ticker",
            {
                "symbol": Symbol("instrument"),
                "bid": Number("best_bid", optional=True),
                "bid_qty": Number("best_bid_size", optional=True),
                "ask": Number("best_ask", optional=True),
                "ask_qty": Number("best_ask_size", optional=True),
                "last": Number("price", optional=True),
                "trades": Integer("seq", optional=True),
                "timestamp": _WHENEVER,
            },
        ),
        _tickers,
    ),
)
