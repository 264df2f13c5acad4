"""What the compiled core reads of Coinbase Advanced Trade: trades, tickers and changes of books.

Each field of the structs in `_coinbase_advanced_messages` stands here too; what is not plain is
left to them.
"""

from __future__ import annotations

import numpy as np

from tick_logger.core.scanning import Places, Taken
from tick_logger.core.shape import (
    MESSAGE,
    Each,
    Integer,
    IsoTime,
    Members,
    Node,
    Number,
    Symbol,
    Word,
)
from tick_logger.exchanges import hot
from tick_logger.exchanges.columns import ABOVE_ZERO, Findings
from tick_logger.model import tables
from tick_logger.model.payloads import Payloads


def _of_channel(
    name: str, event: dict[str, Node], more: dict[str, Node] | None = None
) -> dict[str, Node]:
    """A message of a channel, with its number."""
    envelope: dict[str, Node] = {
        "channel": Word(words={name: 0}),
        "sequence_num": Integer("number"),
        "events": Each("events", Members(event), fewest=1),
    }
    return envelope | (more or {})


def _market_trades(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    """Those of an event come the newest first."""
    found.count(taken.frame(MESSAGE), taken.messages["number"].tolist())
    rows, frame = taken["trades"], taken.frame("trades")
    if not len(rows):
        return
    order = _last_first(rows.of, len(taken["events"]))
    names = ("instrument", "event_ns", "seq", "price", "size", "side")
    columns = {name: column[order] for name, column in hot.columns(rows, *names).items()}
    hot.trades(found, frame, rows, **columns)


def _last_first(of: Places, events: int) -> Places:
    """The rows of each event in the opposite order."""
    counts = np.bincount(of, minlength=events)
    ends = np.cumsum(counts)
    return np.repeat(2 * ends - counts - 1, counts) - np.arange(len(of))


def _tickers(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    found.count(taken.frame(MESSAGE), taken.messages["number"].tolist())
    rows, frame = taken["tickers"], taken.frame("tickers")
    if not len(rows):
        return
    time_ns = taken.messages["event_ns"][taken["events"].of[rows.of]]
    common = hot.columns(rows, "instrument", "best_bid", "best_ask")
    common |= {"event_ns": time_ns, "seq": 0}
    md = {"price": rows["price"], "volume": np.nan, "side": tables.SIDE_UNKNOWN}
    found.rows(tables.Table.MD, frame, common | md)
    quotes = common | hot.columns(rows, "best_bid_size", "best_ask_size")
    found.rows(tables.Table.QUOTES, frame, quotes, needs_any=("best_bid", "best_ask"))


def _updates(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    found.count(taken.frame(MESSAGE), taken.messages["number"].tolist())
    rows = taken["levels"]
    if not len(rows):
        return
    columns = {
        "instrument": taken["events"]["instrument"][rows.of],
        "seq": 0,
        "flags": 0,
        **hot.columns(rows, "event_ns", "side", "price", "size"),
    }
    found.rows(tables.Table.BOOK, taken.frame("levels"), columns)


SHAPES = hot.HotShapes(
    hot.Hot(
        _of_channel(
            "market_trades",
            {
                "trades": Each(
                    "trades",
                    Members(
                        {
                            "trade_id": Integer("seq"),
                            "product_id": Symbol("instrument"),
                            "price": Number("price", lowest=ABOVE_ZERO),
                            "size": Number("size"),
                            # The side is the maker's.
                            "side": Word(
                                "side",
                                words={
                                    "BUY": tables.SIDE_SELL,
                                    "SELL": tables.SIDE_BUY,
                                    "UNKNOWN_ORDER_SIDE": tables.SIDE_UNKNOWN,
                                },
                            ),
                            "time": IsoTime("event_ns"),
                        }
                    ),
                    optional=True,
                )
            },
        ),
        _market_trades,
    ),
    hot.Hot(
        _of_channel(
            "ticker",
            {
                "tickers": Each(
                    "tickers",
                    Members(
                        {
                            "product_id": Symbol("instrument"),
                            "price": Number("price", optional=True),
                            "best_bid": Number("best_bid", optional=True),
                            "best_ask": Number("best_ask", optional=True),
                            "best_bid_quantity": Number("best_bid_size", optional=True),
                            "best_ask_quantity": Number("best_ask_size", optional=True),
                        }
                    ),
                    optional=True,
                )
            },
            {"timestamp": IsoTime("event_ns")},
        ),
        _tickers,
    ),
    hot.Hot(
        _of_channel(
            "l2_data",
            {
                "type": Word(words={"update": 0}),
                "product_id": Symbol("instrument"),
                "updates": Each(
                    "levels",
                    Members(
                        {
                            "side": Word(
                                "side", words={"bid": tables.BOOK_BID, "offer": tables.BOOK_ASK}
                            ),
                            "event_time": IsoTime("event_ns"),
                            "price_level": Number("price", lowest=ABOVE_ZERO),
                            "new_quantity": Number("size"),
                        }
                    ),
                    optional=True,
                ),
            },
        ),
        _updates,
    ),
)
