"""What the compiled core reads of OKX: trades, tickers, best prices and changes of books.

Each field of the structs in `_okx_messages` stands here too; what is not plain is left to them.
"""

from __future__ import annotations

from tick_logger.core.scanning import Taken
from tick_logger.core.shape import (
    Each,
    Integer,
    Members,
    Never,
    Node,
    Number,
    Symbol,
    Tuple,
    UnixTime,
    Word,
)
from tick_logger.exchanges import base, hot
from tick_logger.exchanges.columns import ABOVE_ZERO, Findings
from tick_logger.model import tables
from tick_logger.model.payloads import Payloads


def _of_channel(
    names: tuple[str, ...], entry: dict[str, Node], more: dict[str, Node] | None = None
) -> dict[str, Node]:
    """Data of a channel; whatever else has a member of an event is none."""
    arg = {"channel": Word(words=dict.fromkeys(names, 0)), "instId": Symbol("instrument")}
    data = {"arg": Members(arg), **(more or {}), "data": Each("data", Members(entry))}
    return data | dict.fromkeys(("event", "code", "msg", "id"), Never())


def _trades(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    if len(taken["data"]):
        hot.trades(found, taken.frame("data"), taken["data"])


def _tickers(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    rows = taken["data"]
    if not len(rows):
        return
    names = ("instrument", "event_ns", "price", "volume", "best_bid", "best_ask")
    own = {"seq": 0, "side": tables.SIDE_UNKNOWN}
    found.rows(tables.Table.MD, taken.frame("data"), hot.columns(rows, *names) | own)


def _quotes(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    rows, levels = taken["data"], taken["levels"]
    if not len(rows):
        return
    bid, bid_size = hot.best(levels, len(rows), tables.BOOK_BID)
    ask, ask_size = hot.best(levels, len(rows), tables.BOOK_ASK)
    columns = {
        "instrument": taken.messages["instrument"][rows.of],
        **hot.columns(rows, "event_ns", "seq"),
        "best_bid": bid,
        "best_bid_size": bid_size,
        "best_ask": ask,
        "best_ask_size": ask_size,
    }
    found.rows(tables.Table.QUOTES, taken.frame("data"), columns)


def _updates(found: Findings, taken: Taken, _payloads: Payloads) -> None:
    rows = taken["data"]
    instrument = taken.messages["instrument"][rows.of]
    common = hot.columns(rows, "event_ns", "seq") | {"instrument": instrument}
    hot.levels(found, taken, "levels", common)
    each = (taken.frame("data"), instrument, rows["previous"], rows["seq"])
    for frame, index, previous, last in zip(*(column.tolist() for column in each), strict=True):
        # Ids rise by any amount, stay where nothing changed, and fall after maintenance.
        link = base.BookLink(index, min(previous + 1, last), last, previous)
        found.event(frame, link)


def _sides(level: Node) -> dict[str, Node]:
    """Bids and asks, in this order of rows."""
    return {
        "bids": Each("levels", level, "side", tables.BOOK_BID, optional=True),
        "asks": Each("levels", level, "side", tables.BOOK_ASK, optional=True),
    }


SHAPES = hot.HotShapes(
    hot.Hot(
        _of_channel(
            ("trades-all", "trades"),
            {
                "instId": Symbol("instrument"),
                "tradeId": Integer("seq"),
                "px": Number("price", lowest=ABOVE_ZERO),
                "sz": Number("size"),
                "side": Word("side", words={"buy": tables.SIDE_BUY, "sell": tables.SIDE_SELL}),
                "ts": UnixTime("event_ns"),
            },
        ),
        _trades,
    ),
    hot.Hot(
        _of_channel(
            ("tickers",),
            {
                "instId": Symbol("instrument"),
                "last": Number("price", optional=True),
                "lastSz": Number("volume", optional=True),
                "askPx": Number("best_ask", optional=True),
                "bidPx": Number("best_bid", optional=True),
                "ts": UnixTime("event_ns"),
            },
        ),
        _tickers,
    ),
    hot.Hot(
        _of_channel(
            ("bbo-tbt",),
            {
                **_sides(Tuple((Number("price"), Number("size")))),
                "ts": UnixTime("event_ns"),
                "seqId": Integer("seq", optional=True),
            },
        ),
        _quotes,
    ),
    hot.Hot(
        _of_channel(
            ("books", "books-l2-tbt", "books50-l2-tbt"),
            {
                **_sides(Tuple((Number("price", lowest=ABOVE_ZERO), Number("size")))),
                "ts": UnixTime("event_ns"),
                "checksum": Integer(high=0, optional=True),  # 0: there is none
                "prevSeqId": Integer("previous", low=-1),
                "seqId": Integer("seq"),
            },
            {"action": Word(words={"update": 0})},
        ),
        _updates,
    ),
)
