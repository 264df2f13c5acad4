"""What the compiled core reads of Coinbase Exchange: matches, tickers and changes of books.

Each field of the structs in `coinbase` stands here too; what is not plain is left to them.
"""

from __future__ import annotations

from tick_logger.core.scanning import Taken
from tick_logger.core.shape import (
    MESSAGE,
    Each,
    Integer,
    IsoTime,
    Number,
    Symbol,
    Tuple,
    Uuid,
    Word,
)
from tick_logger.exchanges import hot
from tick_logger.exchanges.columns import ABOVE_ZERO, Findings
from tick_logger.model import tables
from tick_logger.model.payloads import Payloads

_BUY, _SELL = tables.SIDE_BUY, tables.SIDE_SELL


def _matches(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    rows = taken.messages
    hot.trades(found, taken.frame(MESSAGE), rows, **hot.columns(rows, "maker", "taker"))


def _tickers(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    rows, frame = taken.messages, taken.frame(MESSAGE)
    common = hot.columns(rows, "instrument", "event_ns", "seq", "best_bid", "best_ask")
    md = hot.columns(rows, "price", "volume", "side")
    found.rows(tables.Table.MD, frame, common | md)
    quotes = common | hot.columns(rows, "best_bid_size", "best_ask_size")
    found.rows(tables.Table.QUOTES, frame, quotes, needs_any=("best_bid", "best_ask"))


def _l2updates(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    common = hot.columns(taken.messages, "instrument", "event_ns") | {"seq": 0}
    hot.levels(found, taken, "levels", common)


SHAPES = hot.HotShapes(
    hot.Hot(
        {
            "type": Word(words={"match": 0, "last_match": 0}),
            "trade_id": Integer("seq"),
            "maker_order_id": Uuid("maker", optional=True),
            "taker_order_id": Uuid("taker", optional=True),
            # A match names the maker's side.
            "side": Word("side", words={"buy": _SELL, "sell": _BUY}),
            "size": Number("size"),
            "price": Number("price", lowest=ABOVE_ZERO),
            "product_id": Symbol("instrument"),
            "time": IsoTime("event_ns"),
        },
        _matches,
    ),
    hot.Hot(
        {
            "type": Word(words={"ticker": 0}),
            "sequence": Integer("seq", optional=True),
            "product_id": Symbol("instrument"),
            "price": Number("price", optional=True),
            "best_bid": Number("best_bid", optional=True),
            "best_bid_size": Number("best_bid_size", optional=True),
            "best_ask": Number("best_ask", optional=True),
            "best_ask_size": Number("best_ask_size", optional=True),
            "side": Word(
                "side",
                words={"buy": _BUY, "sell": _SELL},
                default=tables.SIDE_UNKNOWN,
                optional=True,
            ),
            "time": IsoTime("event_ns", default=tables.NO_TIME, optional=True),
            "last_size": Number("volume", optional=True),
        },
        _tickers,
    ),
    hot.Hot(
        {
            "type": Word(words={"l2update": 0}),
            "product_id": Symbol("instrument"),
            "changes": Each(
                "levels",
                Tuple(
                    (
                        Word("side", words={"buy": tables.BOOK_BID, "sell": tables.BOOK_ASK}),
                        Number("price", lowest=ABOVE_ZERO),
                        Number("size"),
                    )
                ),
                optional=True,
            ),
            "time": IsoTime("event_ns"),
        },
        _l2updates,
    ),
)
