"""What the compiled core reads of Upbit: trades, tickers and books, in the DEFAULT format.

Each field of the structs in `_upbit_messages` stands here too; what is not plain is left to them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tick_logger.core.scanning import Taken
from tick_logger.core.shape import (
    MESSAGE,
    Each,
    Integer,
    Members,
    Never,
    Node,
    Number,
    Symbol,
    UnixTime,
    Word,
)
from tick_logger.exchanges import base, hot
from tick_logger.exchanges.columns import ABOVE_ZERO, Findings
from tick_logger.model import tables
from tick_logger.model.payloads import Payloads

_TAKER = {"ASK": tables.SIDE_SELL, "BID": tables.SIDE_BUY}
_OTHERS = ("ty", "status", "error", "method", "mthd", "result", "rslt")
_NS_PER_MS = 1_000_000
_MILLISECONDS = Integer("stamp", low=946_684_800_000, high=4_102_444_799_999)  # 2000 to 2100


def _of_type(name: str, members: dict[str, Node]) -> dict[str, Node]:
    """A message of a type; whatever has a member of an answer is none."""
    return {"type": Word(words={name: 0}), **members, **dict.fromkeys(_OTHERS, Never())}


def _trades(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    hot.trades(found, taken.frame(MESSAGE), taken.messages)


def _tickers(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    rows = taken.messages
    columns = {
        **hot.columns(rows, "instrument", "event_ns", "price", "volume", "side"),
        "seq": rows["day_volume"].view(np.uint64),
        "best_bid": np.nan,
        "best_ask": np.nan,
    }
    found.rows(tables.Table.MD, taken.frame(MESSAGE), columns)


def _orderbooks(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    """Each unit is the n-th bid and the n-th ask; all bids of a book come first."""
    rows, units, frame = taken.messages, taken["units"], taken.frame(MESSAGE)
    common = {
        "instrument": rows["instrument"],
        "event_ns": rows["stamp"] * _NS_PER_MS,
        "seq": rows["stamp"],
    }
    counts = np.bincount(units.of, minlength=len(rows))
    begins = np.cumsum(counts) - counts
    bid_at = np.arange(len(units)) + begins[units.of]
    at = np.concatenate([bid_at, bid_at + counts[units.of]])
    side = np.repeat(np.array([tables.BOOK_BID, tables.BOOK_ASK]), len(units))
    of = np.empty(2 * len(units), np.int64)
    of[at] = np.concatenate([units.of, units.of])
    levels = {"side": np.empty_like(of), "price": np.empty(len(of)), "size": np.empty(len(of))}
    levels["side"][at] = side
    for name, names in (("price", ("bid", "ask")), ("size", ("bid_size", "ask_size"))):
        levels[name][at] = np.concatenate([units[each] for each in names])
    repeated = {name: column[of] for name, column in common.items()}
    columns: dict[str, npt.ArrayLike] = {**repeated, **levels, "flags": tables.FLAG_SNAPSHOT}
    found.rows(tables.Table.BOOK, frame[of], columns)
    best = {
        "best_bid": units["bid"][begins],
        "best_bid_size": units["bid_size"][begins],
        "best_ask": units["ask"][begins],
        "best_ask_size": units["ask_size"][begins],
    }
    found.rows(tables.Table.QUOTES, frame, common | best)
    for number, instrument in zip(frame.tolist(), common["instrument"].tolist(), strict=True):
        found.event(number, base.BookSnapshot(instrument, 0))


SHAPES = hot.HotShapes(
    hot.Hot(
        _of_type(
            "trade",
            {
                "code": Symbol("instrument"),
                "trade_timestamp": UnixTime("event_ns"),
                "trade_price": Number("price", lowest=ABOVE_ZERO),
                "trade_volume": Number("size"),
                "ask_bid": Word("side", words=_TAKER),
                "sequential_id": Integer("seq"),
            },
        ),
        _trades,
    ),
    hot.Hot(
        _of_type(
            "orderbook",
            {
                "code": Symbol("instrument"),
                "timestamp": _MILLISECONDS,
                "orderbook_units": Each(
                    "units",
                    Members(
                        {
                            "ask_price": Number("ask", lowest=ABOVE_ZERO),
                            "bid_price": Number("bid", lowest=ABOVE_ZERO),
                            "ask_size": Number("ask_size"),
                            "bid_size": Number("bid_size"),
                        }
                    ),
                    fewest=1,
                ),
            },
        ),
        _orderbooks,
    ),
    hot.Hot(
        _of_type(
            "ticker",
            {
                "code": Symbol("instrument"),
                "trade_price": Number("price", optional=True),
                "trade_volume": Number("volume", optional=True),
                "ask_bid": Word("side", words=_TAKER, default=tables.SIDE_UNKNOWN, optional=True),
                "acc_trade_volume": Number("day_volume"),
                "timestamp": UnixTime("event_ns"),
            },
        ),
        _tickers,
    ),
)
