"""What an operator is told: one document with everything, and whether all is well.

Pure.  The document is part of the HTTP contract; unknown numbers are null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from tick_logger.model.connections import (
    OFFLINE,
    Absent,
    ConnectionState,
    Loss,
    Patience,
    Unreachable,
)
from tick_logger.model.proof import Proof
from tick_logger.model.tables import FEEDS, Table
from tick_logger.ops.status.archived import Archive
from tick_logger.ops.status.disk_space import DiskSpace
from tick_logger.ops.status.history import STEP_SECS, History
from tick_logger.ops.status.loop_watch import Step
from tick_logger.ops.status.reasons import (
    duration,
    in_words,
    is_offline,
    iso,
    not_connected,
    told_to_wait,
    unconnected,
)
from tick_logger.ops.status.snapshot import ExchangeNumbers, Rates, together
from tick_logger.telemetry.logs import first_few
from tick_logger.telemetry.open_holes import OpenNow

SOON_FULL_DAYS = 1.0

MOST_OFFSET_SECS = 10.0
"""More than any exchange's clock or network is off in ordinary times."""


@attrs.frozen(kw_only=True)
class ExchangeView:
    """One exchange at one moment."""

    numbers: ExchangeNumbers
    rates: Rates
    latency_ms: Mapping[str, float] | None  # p50 and p99 of the last minute
    gaps_today: Mapping[str, int]
    open_holes: Sequence[OpenNow]
    late_today: int
    aside_today: int
    proofs: Mapping[Table, Proof]
    connections: Sequence[ConnectionState]
    messages_per_second: Mapping[str, float]  # by connection
    losses: Sequence[Loss]
    patience: Patience
    absent: Absent = attrs.field(factory=Absent)
    unreachable: Unreachable | None = None


@attrs.frozen(kw_only=True)
class Durable:
    """How safe what was received is."""

    lag_secs: float
    journal_bytes: int
    journal_bytes_per_sec: float
    queue_depth: int
    buffered_bytes: int
    buffer_limit_bytes: int
    checkpoint_age_secs: float | None


@attrs.frozen(kw_only=True)
class View:
    """The recorder at one moment."""

    version: str
    now_secs: float  # Unix time
    uptime_secs: float
    recovering: str  # why nothing is recorded yet; empty once recording has begun
    troubles: Sequence[str]  # of the recorder itself
    durable: Durable
    disk: DiskSpace
    loop: Step
    dropped_lately: int
    archive: Archive | None  # None: nothing is to be kept elsewhere
    exchanges: Mapping[str, ExchangeView]
    history: History
    owners: Sequence[str] = ("",)
    """Whose rates the totals of the history are: of all together, or of each that is shown."""


def reasons_not_ready(view: View) -> list[str]:
    """Why what should be recorded is not, in words; empty if it is."""
    if view.recovering:
        return [view.recovering, *view.troubles]
    return [*view.troubles, *not_connected(*_ways(view))]


def _ways(
    view: View,
) -> tuple[dict[str, ExchangeNumbers], dict[str, Unreachable | None]]:
    """Of each exchange the numbers, and why it cannot be reached."""
    exchanges = view.exchanges
    return (
        {name: each.numbers for name, each in exchanges.items()},
        {name: each.unreachable for name, each in exchanges.items()},
    )


def reasons_degraded(view: View) -> list[str]:
    """What is not as it should be, in words; empty if all is well."""
    if view.recovering:  # no exchange was spoken to yet
        return [view.recovering, *view.troubles]
    found = list(view.troubles)
    if is_offline(*_ways(view)):
        found.append(OFFLINE)
    for name, exchange in view.exchanges.items():
        found += [f"{name}: {reason}" for reason in _troubles(exchange, view.uptime_secs)]
    if view.dropped_lately:
        many = _many(view.dropped_lately, "message was", "messages were")
        found.append(f"{many} dropped in the last 5 minutes, because the buffer was full")
    days = view.disk.days_until_full
    if days is not None and days < SOON_FULL_DAYS:
        found.append(f"the disk will be full in {days * 24:.1f} hours, if this goes on")
    return found


def _troubles(exchange: ExchangeView, uptime_secs: float) -> list[str]:
    numbers = exchange.numbers
    silent_secs, patience = numbers.seconds_since_data, exchange.patience
    found = []
    up, wanted = numbers.connections_up, numbers.connections_wanted
    if not up:
        found.append(unconnected(numbers, exchange.unreachable))
    elif up < wanted:
        why = f": {in_words(exchange.unreachable)}" if exchange.unreachable else ""
        found.append(f"only {up} of {wanted} connections are open{why}")
    found += told_to_wait(numbers)
    if silent_secs is None and uptime_secs > patience.first_secs:
        found.append("no data since the start")
    elif silent_secs is not None and silent_secs > patience.secs:
        found.append(f"no data for {duration(silent_secs)}")
    if numbers.subscriptions_silent:
        many = _many(numbers.subscriptions_silent, "subscription", "subscriptions")
        found.append(f"{many} accepted by the exchange, but silent")
    if numbers.token_rejected:
        found.append("it rejects the API key that was given, and is recorded without one")
    offset_secs = numbers.clock_offset_secs
    if abs(offset_secs) > MOST_OFFSET_SECS:
        word = "ahead of" if offset_secs > 0 else "behind"
        found.append(f"its times are {duration(abs(offset_secs))} {word} this machine's clock")
    if numbers.symbols_left_out:
        many = _many(numbers.symbols_left_out, "symbol is", "symbols are")
        found.append(f"{many} not recorded, because its connections are full")
    if missing := exchange.absent.not_listed:
        many = _many(len(missing), "configured symbol is", "configured symbols are")
        found.append(f"{many} not listed as traded: {', '.join(first_few(missing))}")
    return found


def _many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


def document(view: View) -> dict[str, Any]:
    """Everything, as it is served."""
    degraded, not_ready = reasons_degraded(view), reasons_not_ready(view)
    rates = together(each.rates for each in view.exchanges.values())
    return {
        "version": view.version,
        "now": view.now_secs,
        "now_at": iso(view.now_secs),
        "started": view.now_secs - view.uptime_secs,
        "started_at": iso(view.now_secs - view.uptime_secs),
        "uptime_secs": round(view.uptime_secs, 1),
        "status": "degraded" if degraded else "healthy",
        "reasons": degraded,
        "ready": not not_ready,
        "not_ready": not_ready,
        "durable": attrs.asdict(view.durable),
        "disk": _disk(view.disk),
        "loop": {"lag_secs": round(view.loop.secs, 6), "task": view.loop.task or None},
        "archive": view.archive.document() if view.archive else None,
        "messages_dropped": sum(each.numbers.dropped for each in view.exchanges.values()),
        "totals": {
            "messages_per_second": round(rates.messages, 2),
            "rows_per_second": round(rates.rows, 2),
        },
        "history": {"step_secs": STEP_SECS, **_charts(view.history, *view.owners)},
        "exchanges": [_exchange(name, each, view) for name, each in view.exchanges.items()],
    }


def _disk(disk: DiskSpace) -> dict[str, Any]:
    newest = disk.newest
    return {
        "free_bytes": newest.free_bytes if newest else None,
        "size_bytes": newest.size_bytes if newest else None,
        "bytes_per_day": disk.bytes_per_day,
        "days_until_full": disk.days_until_full,
    }


def _charts(history: History, *owners: str) -> dict[str, list[float]]:
    return {
        f"{kind}_per_second": [
            round(sum(each), 2)
            for each in zip(*(history.of(o, kind) for o in owners), strict=False)
        ]
        for kind in ("messages", "rows")
    }


def _exchange(name: str, view: ExchangeView, whole: View) -> dict[str, Any]:
    numbers = view.numbers
    up, wanted = numbers.connections_up, numbers.connections_wanted
    return {
        "name": name,
        "connected": bool(wanted) and up >= wanted,
        "unreachable": _unreachable(view.unreachable) if up < max(wanted, 1) else None,
        "connections_up": up,
        "connections_wanted": wanted,
        "symbols": numbers.symbols,
        "symbols_left_out": numbers.symbols_left_out,
        "left_out": list(view.absent.left_out),
        "not_listed": list(view.absent.not_listed),
        "subscriptions_silent": numbers.subscriptions_silent,
        "messages_per_second": round(view.rates.messages, 2),
        "rows_per_second": round(view.rates.rows, 2),
        "seconds_since_data": numbers.seconds_since_data,
        "last_message": numbers.last_message,
        "last_message_at": None if numbers.last_message is None else iso(numbers.last_message),
        "latency_ms": view.latency_ms,
        "messages": numbers.messages,
        "rows": numbers.rows,
        "dropped": numbers.dropped,
        "parse_errors": numbers.parse_errors,
        "duplicates": numbers.duplicates,
        "late_rows_today": view.late_today,
        "aside_rows_today": view.aside_today,
        "clock_offset_secs": round(numbers.clock_offset_secs, 3),
        "reconnects": numbers.reconnects,
        "gaps_today": dict(view.gaps_today),
        "holes_open": numbers.holes_open,
        "backfill": _backfill(numbers),
        "stopped_symbols": numbers.stopped_symbols,
        "stopped_secs": round(numbers.stopped_secs, 1),
        "open_holes": [
            {
                "cause": hole.cause.value,
                "streams": hole.streams,
                "since": hole.since_ns / 1e9,
                "seconds": round(max(0.0, whole.now_secs - hole.since_ns / 1e9), 1),
            }
            for hole in view.open_holes
        ],
        "ids_missing": numbers.ids_missing,
        "sealed": numbers.sealed.document() if numbers.sealed else None,
        "proof": {
            feed: view.proofs[table].word for feed, table in FEEDS.items() if table in view.proofs
        },
        "history": _charts(whole.history, name),
        "connections": [_connection(each, view, whole.now_secs) for each in view.connections],
        "reconnects_recent": [
            {
                "at": loss.at_ns / 1e9,
                "connection": loss.connection,
                "cause": loss.ending,
                "reason": loss.reason,
            }
            for loss in reversed(view.losses)
        ],
    }


def _backfill(numbers: ExchangeNumbers) -> dict[str, int]:
    """What became of holes in trades that were asked about by REST."""
    return {
        "holes_waiting": numbers.holes_waiting,
        "holes_filled": numbers.holes_filled,
        "holes_void": numbers.holes_void,
        "holes_left": numbers.holes_left,
        "trades": numbers.trades_filled,
    }


def _unreachable(why: Unreachable | None) -> dict[str, Any] | None:
    """Nothing, too, where a way fails whose connections are all open."""
    if why is None:
        return None
    return {
        "since": why.since_ns / 1e9,
        "since_at": iso(why.since_ns / 1e9),
        "place": why.place,
        "step": why.step,
        "reason": why.reason,
        "what_to_do": why.what_to_do,
    }


def _connection(state: ConnectionState, view: ExchangeView, now_secs: float) -> dict[str, Any]:
    return {
        "label": state.label,
        "state": state.state,
        "since": None if state.open_secs is None else round(now_secs - state.open_secs, 3),
        "symbols": state.symbols,
        "subscriptions": state.subscriptions,
        "live": state.live,
        "refused": state.refused,
        "silent": state.silent,
        "seconds_since_data": state.silent_secs,
        "messages_per_second": view.messages_per_second.get(state.label, 0.0),
    }
