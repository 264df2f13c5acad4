"""What the compiled core reads of Bybit: trades, tickers, best prices and changes of books.

Each field of the structs in `_bybit_messages` stands here too; what is not plain is left to them.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from tick_logger.core.scanning import Column, Taken
from tick_logger.core.shape import (
    MESSAGE,
    Begins,
    Each,
    Integer,
    Members,
    Never,
    Node,
    Number,
    Symbol,
    Tuple,
    UnixTime,
    Uuid,
    Word,
)
from tick_logger.exchanges import base, hot
from tick_logger.exchanges._bybit_messages import BOOK_TOPICS
from tick_logger.exchanges.columns import ABOVE_ZERO, Findings
from tick_logger.model import tables
from tick_logger.model.payloads import Payloads


def _of_topic(beginnings: tuple[str, ...], data: Node, more: dict[str, Node]) -> dict[str, Node]:
    """A message of a topic; whatever has a member of an answer is none."""
    topic = Begins(words=dict.fromkeys(beginnings, 0))
    members = {"topic": topic, **more, "data": data}
    return members | dict.fromkeys(("op", "success", "ret_msg"), Never())


def _trades(found: Findings, taken: Taken, _payloads: Payloads, *, of_uuid: bool) -> None:
    rows, frame = taken["data"], taken.frame("data")
    if not len(rows):
        return
    if of_uuid:  # the first 60 bits
        words = rows["id"].view(">u8")[::2].astype(np.uint64)
        hot.trades(found, frame, rows, seq=words >> np.uint64(4))
    else:
        hot.trades(found, frame, rows, seq=rows["id"])


def _tickers(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    names = ("instrument", "event_ns", "seq", "price", "best_bid", "best_ask")
    columns = hot.columns(taken.messages, *names)
    columns |= {"volume": np.nan, "side": tables.SIDE_UNKNOWN}
    needs_any = ("price", "best_bid", "best_ask")
    found.rows(tables.Table.MD, taken.frame(MESSAGE), columns, needs_any=needs_any)


def _common(taken: Taken) -> dict[str, Column]:
    """Instrument, update id, and the matching engine's time, or else that of sending."""
    columns = hot.columns(taken.messages, "instrument", "seq")
    own, sent = taken.messages["own_ns"], taken.messages["sent_ns"]
    return columns | {"event_ns": np.where(own == tables.NO_TIME, sent, own)}


def _quotes(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    """The best levels; one of size 0 has gone."""
    count, columns = len(taken.messages), _common(taken)
    bid, bid_size = hot.best(taken["levels"], count, tables.BOOK_BID, gone=True)
    ask, ask_size = hot.best(taken["levels"], count, tables.BOOK_ASK, gone=True)
    columns |= {"best_bid": bid, "best_bid_size": bid_size}
    columns |= {"best_ask": ask, "best_ask_size": ask_size}
    needs_any = ("best_bid", "best_ask")
    found.rows(tables.Table.QUOTES, taken.frame(MESSAGE), columns, needs_any=needs_any)


def _deltas(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    common = _common(taken)
    hot.levels(found, taken, "levels", common)
    each = (taken.frame(MESSAGE), common["instrument"], common["seq"])
    for frame, index, number in zip(*(column.tolist() for column in each), strict=True):
        found.event(frame, base.BookLink(index, number, number))


def _book(beginnings: tuple[str, ...], kinds: tuple[str, ...], level: Node) -> dict[str, Node]:
    """Levels of a book, bids before asks."""
    data: dict[str, Node] = {
        "s": Symbol("instrument"),
        "b": Each("levels", level, "side", tables.BOOK_BID, optional=True),
        "a": Each("levels", level, "side", tables.BOOK_ASK, optional=True),
        "u": Integer("seq"),
    }
    more: dict[str, Node] = {
        "type": Word(words=dict.fromkeys(kinds, 0)),
        "ts": UnixTime("sent_ns"),
        "cts": UnixTime("own_ns", default=tables.NO_TIME, optional=True),
    }
    return _of_topic(beginnings, Members(data), more)


def shapes(*, of_uuid: bool) -> hot.HotShapes:
    """Those of spot, or of linear, where ids of trades are UUIDs."""
    trade: dict[str, Node] = {
        "i": Uuid("id") if of_uuid else Integer("id"),
        "T": UnixTime("event_ns"),
        "p": Number("price", lowest=ABOVE_ZERO),
        "v": Number("size"),
        "S": Word("side", words={"Buy": tables.SIDE_BUY, "Sell": tables.SIDE_SELL}),
        "s": Symbol("instrument"),
    }
    prices: dict[str, Node] = {
        "symbol": Symbol("instrument"),
        "lastPrice": Number("price", optional=True),
        "bid1Price": Number("best_bid", optional=True),
        "ask1Price": Number("best_ask", optional=True),
    }
    times: dict[str, Node] = {"ts": UnixTime("event_ns"), "cs": Integer("seq", optional=True)}
    level = Tuple((Number("price", lowest=ABOVE_ZERO), Number("size")))
    best = Tuple((Number("price"), Number("size")))
    return hot.HotShapes(
        hot.Hot(
            _of_topic(("publicTrade.",), Each("data", Members(trade)), {}),
            partial(_trades, of_uuid=of_uuid),
        ),
        hot.Hot(_book(BOOK_TOPICS, ("delta",), level), _deltas),
        hot.Hot(_book(("orderbook.1.",), ("snapshot", "delta"), best), _quotes),
        hot.Hot(_of_topic(("tickers.",), Members(prices), times), _tickers),
    )
