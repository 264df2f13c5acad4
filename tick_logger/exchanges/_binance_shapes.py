"""What the compiled core reads of Binance: trades, tickers, best prices and changes of books.

Each field of the structs in `_binance_messages` stands here too; what is not plain is left to them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tick_logger.core.scanning import Rows, Taken
from tick_logger.core.shape import (
    MESSAGE,
    After,
    Each,
    Integer,
    Members,
    Never,
    Node,
    Number,
    Symbol,
    Token,
    Tuple,
    UnixTime,
)
from tick_logger.exchanges import base, hot
from tick_logger.exchanges.columns import ABOVE_ZERO, Findings
from tick_logger.model import tables
from tick_logger.model.payloads import Payloads


def _of_stream(kinds: tuple[str, ...], data: dict[str, Node]) -> dict[str, Node]:
    """A message of the streams of these kinds; `snapshot` is our own wrapping of something else."""
    names = After(words=dict.fromkeys(kinds, 0))
    return {"stream": names, "snapshot": Never(), "data": Members(data)}


def _trades(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    hot.trades(found, taken.frame(MESSAGE), taken.messages)


def _book_tickers(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    names = ("instrument", "seq", "best_bid", "best_bid_size", "best_ask", "best_ask_size")
    columns = hot.columns(taken.messages, *names) | {"event_ns": tables.NO_TIME}
    found.rows(tables.Table.QUOTES, taken.frame(MESSAGE), columns)


def _tickers(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    rows = taken.messages
    names = ("instrument", "event_ns", "price", "volume", "best_bid", "best_ask")
    own = {"seq": np.maximum(rows["last_id"], 0), "side": tables.SIDE_UNKNOWN}
    found.rows(tables.Table.MD, taken.frame(MESSAGE), hot.columns(rows, *names) | own)


def _depths(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    rows = taken.messages
    hot.levels(found, taken, "levels", hot.columns(rows, "instrument", "event_ns", "seq"))
    each = (taken.frame(MESSAGE), rows["instrument"], rows["first"], rows["seq"])
    for frame, index, first, last in zip(*(column.tolist() for column in each), strict=True):
        found.event(frame, base.BookLink(index, first, last))


def _falls(rows: Rows) -> npt.NDArray[np.bool_]:
    """An update from an id to a smaller one."""
    return np.asarray(rows["seq"] < rows["first"])


_LEVEL = Tuple((Number("price", lowest=ABOVE_ZERO), Number("size")))

SHAPES = hot.HotShapes(
    hot.Hot(
        _of_stream(
            ("@trade",),
            {
                "s": Symbol("instrument"),
                "t": Integer("seq"),
                "p": Number("price", lowest=ABOVE_ZERO),
                "q": Number("size"),
                "T": UnixTime("event_ns"),
                # The buyer is the maker: the taker sold.
                "m": Token("side", words={"true": tables.SIDE_SELL, "false": tables.SIDE_BUY}),
            },
        ),
        _trades,
    ),
    hot.Hot(
        _of_stream(
            ("@bookTicker",),
            {
                "u": Integer("seq"),
                "s": Symbol("instrument"),
                "b": Number("best_bid", optional=True),
                "B": Number("best_bid_size", optional=True),
                "a": Number("best_ask", optional=True),
                "A": Number("best_ask_size", optional=True),
            },
        ),
        _book_tickers,
    ),
    hot.Hot(
        _of_stream(
            ("@depth", "@depth@100ms"),
            {
                "E": UnixTime("event_ns"),
                "s": Symbol("instrument"),
                "U": Integer("first"),
                "u": Integer("seq"),
                "b": Each("levels", _LEVEL, "side", tables.BOOK_BID, optional=True),
                "a": Each("levels", _LEVEL, "side", tables.BOOK_ASK, optional=True),
            },
        ),
        _depths,
        _falls,
    ),
    hot.Hot(
        _of_stream(
            ("@ticker",),
            {
                "E": UnixTime("event_ns"),
                "s": Symbol("instrument"),
                "c": Number("price", optional=True),
                "Q": Number("volume", optional=True),
                "b": Number("best_bid", optional=True),
                "a": Number("best_ask", optional=True),
                "L": Integer("last_id", low=-1, default=-1, optional=True),
            },
        ),
        _tickers,
    ),
)
