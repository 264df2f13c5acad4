"""The trades of one symbol on the disk, beside those that the exchange made.

Each venue is judged by what it can prove.  What a connection was subscribed to is on disk or in a
gap record, whatever happened:

* where ids are dense, also what was kept from everybody, as soon as a later id has come;
* where all messages are numbered, also that, as soon as a later message has come;
* elsewhere only what was sent, because nothing else leaves a trace.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs
import numpy as np

from tests.service.oracle import Rows
from tests.sim.by_rest import false_by_rest
from tests.sim.court import Given, Key, heard_after
from tests.sim.process import Process
from tests.sim.streams import MOST_SHOWN, ROUNDING_SECS, Stream
from tick_logger.exchanges import registry
from tick_logger.model.proof import Ids
from tick_logger.simulator.truth import TrueTrade

SIDES = {"buy": 1, "sell": 0}


@attrs.frozen
class Beside:
    """What else is known: what came of the symbol, and trades that did not reach a connection."""

    given: Mapping[str, Given]  # by table
    kept_back: set[Key]


def compared_with_truth(stream: Stream, beside: Beside) -> Iterator[str]:
    """True values, and everything that the venue can prove on disk or in a gap record."""
    trades = stream.trades
    truth = {_key(trade): trade for trade in trades}
    for part in stream.parts:
        yield from _false_values(part, truth)
    stream.court.counts["filled by REST"] += len(stream.rest_keys)
    if not stream.untrue_by_rest:
        yield from false_by_rest(stream.by_rest, stream.rest_keys, truth)
    yield from _holes_of_nothing(stream, trades)
    keys, numbering = set(stream.keys), _numberings(trades)
    reach = _reach(keys, numbering)
    missing = []
    for position, trade in enumerate(trades):
        if _key(trade) in keys:
            continue
        at = stream.court.venue_moment(trade.made_ns)
        if not stream.wanted(at):
            continue
        process = stream.court.process_at(at)
        if process is None or not _made(stream, trade, position, process):
            continue
        if not trade.subscribed and not _is_known(stream, at, process):
            continue
        key = _key(trade)
        first, last = reach.get(numbering[key], (0, 0))
        is_between = first < trade.trade_id < last
        if not _is_owed(stream, trade, at, process, beside, is_between=is_between):
            continue
        times = [at, *(came.at for came in beside.given["TRADES"].get(key, ()))]
        if any(stream.covers(key, when) for when in times):
            continue
        if stream.nothing_known(at):
            stream.court.counts["lost unknowingly"] += 1
            continue
        missing.append((trade.trade_id, at, process.number))
    if missing:
        yield f"{len(missing)} trades are neither on disk nor in a gap: {missing[:MOST_SHOWN]}"


def _is_known(stream: Stream, at: float, process: Process) -> bool:
    """Whether the recorder had to do with the stream by then: has rows of it, or had connected."""
    spans = stream.court.world.logs[stream.exchange].connections
    connected = any(process.began <= span.opened <= at for span in spans)
    return connected or stream.has_rows_until(at)


def _made(stream: Stream, trade: TrueTrade, position: int, process: Process) -> bool:
    """Whether it was made, and had left the exchange, before its process was told to stop."""
    if process.made is None:
        return True
    made = position < process.made[stream.exchange, stream.symbol]
    return made and not _was_unsent(stream, trade, process)


def _key(trade: TrueTrade) -> Key:
    return trade.trade_id, trade.event_ns


def _numberings(trades: Sequence[TrueTrade]) -> dict[Key, int]:
    """By key, in which numbering a trade is: another begins where an id is not above the last."""
    found, numbering, last_id = {}, 0, -1
    for trade in trades:
        numbering += trade.trade_id <= last_id
        last_id = trade.trade_id
        found[_key(trade)] = numbering
    return found


def _reach(keys: Iterable[Key], numbering: Mapping[Key, int]) -> dict[int, tuple[int, int]]:
    """By numbering, the lowest and the highest id on disk."""
    found: dict[int, list[int]] = {}
    for key in keys:
        if key in numbering:
            found.setdefault(numbering[key], []).append(key[0])
    return {number: (min(ids), max(ids)) for number, ids in found.items()}


def _holes_of_nothing(stream: Stream, trades: Sequence[TrueTrade]) -> Iterator[str]:
    """Ids in gap records that no trade ever had."""
    if registry.get(stream.exchange).trade_ids is not Ids.DENSE:
        return
    made = sorted({trade.trade_id for trade in trades})
    for gap in stream.gaps:
        first, last = gap["from_id"], gap["to_id"]
        if first is not None:
            count = bisect_right(made, last) - bisect_left(made, first)
            if count != last - first + 1:
                yield f"ids {first} to {last} are called missing, of which {count} ever were"


def _is_owed(
    stream: Stream,
    trade: TrueTrade,
    at: float,
    process: Process,
    beside: Beside,
    *,
    is_between: bool,
) -> bool:
    """Whether somebody could know of it; `is_between` others of its numbering on disk."""
    exchange = registry.get(stream.exchange)
    not_sent = trade.withheld or _key(trade) in beside.kept_back
    is_last = _was_unsent(stream, trade, process) or _was_silent(stream, at, process)
    if exchange.trade_ids is Ids.DENSE:
        return is_between or not (not_sent or is_last)  # only a hole between other ids can tell
    if is_last:
        # The next process knows when it last heard of the exchange, not of each connection.
        stream.court.counts["sent to a connection that was silent at the end"] += 1
        return False
    if not not_sent:
        return True
    if not exchange.counts_messages or any(began <= at for began in stream.court.world.silenced):
        return False  # nothing is numbered, or perhaps nothing was sent that could be
    return heard_after(beside.given.values(), process, at + stream.step_secs)


def _was_silent(stream: Stream, at: float, process: Process) -> bool:
    """Whether it may have been sent to a connection on which nothing came any more.

    That one is half-open or stalls shows only in time, or when an id comes later.  What the next
    process knows is when the exchange was heard of last, as far as that was durable.
    """
    court = stream.court
    known = (
        moment
        for gap in stream.gaps
        if gap["cause"] in ("crash", "restart") and gap["from_id"] is None
        for moment in court.moments(gap["from_ns"])
    )
    ends = [process.ending_at, *(end for end in known if at <= end <= process.ended)]
    told_at = math.ceil((at + ROUNDING_SECS) / stream.step_secs) * stream.step_secs
    since = told_at - ROUNDING_SECS
    if any(
        court.ended_in_silence(stream.exchange, stream.symbol, since, end)
        for end in court.ended_between(
            stream.exchange, stream.symbol, stream.table, since, process.ended
        )
    ):
        return True
    return any(court.silent(stream.exchange, stream.symbol, since, end) for end in ends)


def _was_unsent(stream: Stream, trade: TrueTrade, process: Process) -> bool:
    return (stream.exchange, stream.symbol, _key(trade)) in process.unsent


def _false_values(part: Rows, truth: Mapping[Key, TrueTrade]) -> Iterator[str]:
    keys = zip(part["trade_id"].tolist(), part.event_ns.tolist(), strict=True)
    trades = [truth.get(key) for key in keys]
    if None in trades:
        yield "trades that were never made"
        return
    known = [trade for trade in trades if trade is not None]
    expected = {
        "trade_price": np.array([float(t.price) for t in known]).astype(part["trade_price"].dtype),
        "trade_size": np.array([float(t.size) for t in known]).astype(part["trade_size"].dtype),
        "trade_side": np.array([SIDES[t.side] for t in known], "<u4"),
        "maker_order_id": np.array([_uuid(t.maker_order_id) for t in known], "V16"),
        "taker_order_id": np.array([_uuid(t.taker_order_id) for t in known], "V16"),
    }
    for name, values in expected.items():
        if part[name].tobytes() != values.tobytes():
            yield f"false values of {name}"


def _uuid(text: str | None) -> bytes:
    return bytes.fromhex(text.replace("-", "")) if text else bytes(16)
