"""Statuses of a recorder as it might send them: healthy, in trouble, just started, and hostile."""

from __future__ import annotations

import math
from typing import Any

NOW = 1_750_000_065.25  # 15:07:45 UTC on 15 June 2025
Document = dict[str, Any]

HOSTILE_TEXTS = (
    "<img src=x onerror=\"document.title='broken'; window.broken = 1\">",
    "</bdi></script><script>window.broken = 1</script>",
    "javascript:window.broken=1",
    "\u202egnp.sj \N{RIGHT-TO-LEFT OVERRIDE}" + "long" * 400,
)


def wave(mean: float, swing: float, phase: float, count: int = 120) -> list[float]:
    """A history that moves about a mean."""
    return [
        round(
            mean
            + swing * math.sin(phase + index / 9)
            + swing * 0.4 * math.sin(phase * 3 + index / 2.3)
            + swing * 0.25 * math.sin(index * 7.7 + phase),
            1,
        )
        for index in range(count)
    ]


def connection(number: int, symbols: int, **changes: object) -> Document:
    """An open connection, with changes."""
    return {
        "label": f"0-public.{number}",
        "state": "open",
        "since": NOW - 9_960.0,
        "symbols": symbols,
        "subscriptions": symbols * 2,
        "live": symbols * 2,
        "refused": 0,
        "silent": 0,
        "seconds_since_data": 0.2,
        "messages_per_second": 15.5,
        **changes,
    }


def exchange(name: str, mean: float = 400.0, count: int = 2, **changes: object) -> Document:
    """An exchange to which all is well, with changes."""
    phase = float(len(name)) + mean
    symbols = count * 12
    return {
        "name": name,
        "connected": True,
        "connections_up": count,
        "connections_wanted": count,
        "symbols": symbols,
        "symbols_left_out": 0,
        "left_out": [],
        "not_listed": [],
        "subscriptions_silent": 0,
        "messages_per_second": mean,
        "rows_per_second": mean * 1.3,
        "seconds_since_data": 0.2,
        "last_message": NOW - 0.2,
        "latency_ms": {"p50": 12.0, "p99": 84.0},
        "messages": 4_123_456,
        "rows": 5_345_678,
        "dropped": 0,
        "parse_errors": 0,
        "duplicates": 17,
        "holes_open": 0,
        "backfill": {
            "holes_waiting": 0,
            "holes_filled": 0,
            "holes_void": 0,
            "holes_left": 0,
            "trades": 0,
        },
        "open_holes": [],
        "late_rows_today": 0,
        "aside_rows_today": 0,
        "doubtful_rows_today": {},
        "clock_offset_secs": -0.04,
        "reconnects": 0,
        "gaps_today": {},
        "ids_missing": 0,
        "sealed": {"day": "2025-06-14", "condition": "available", "coverage": 0.99996},
        "proof": {
            "ticker": "unprovable",
            "trades": "proven",
            "quotes": "unprovable",
            "orderbook": "consistent",
        },
        "history": {
            "messages_per_second": wave(mean, mean / 5, phase),
            "rows_per_second": wave(mean * 1.3, mean / 4, phase + 1),
        },
        "connections": [connection(number, 12) for number in range(count)],
        "reconnects_recent": [],
        **changes,
    }


def healthy() -> Document:
    """Four exchanges, of which one had some trouble earlier in the day."""
    mended = exchange(
        "okx",
        31.2,
        1,
        reconnects=3,
        gaps_today={"disconnect": 2, "sequence": 1},
        late_rows_today=4,
        latency_ms={"p50": 131.0, "p99": 480.0},
        reconnects_recent=[
            reconnect(NOW - 190.0, "0-public.0", "eof", "the peer closed the connection"),
            reconnect(NOW - 7_400.0, "0-public.0", "timeout", "no data for 60 s"),
            reconnect(NOW - 90_000.0, "0-public.0", "eof", "close code 1001: server restarts"),
        ],
    )
    quiet = exchange("upbit", 8.4, 1, latency_ms=None, sealed=None)
    return document([exchange("binance", 2140.5, 4), exchange("coinbase", 688.0, 3), mended, quiet])


def degraded() -> Document:
    """One exchange silent, one gone, messages dropped, the disk nearly full."""
    silent = exchange(
        "okx",
        0.0,
        2,
        connected=False,
        connections_up=1,
        seconds_since_data=95.0,
        dropped=12,
        parse_errors=3,
        ids_missing=1_204,
        symbols_left_out=2,
        left_out=["ETH-USDT", "ZRX-USDT"],
        not_listed=["NO-SUCH"],
        subscriptions_silent=5,
        gaps_today={"disconnect": 2, "overflow": 1},
        doubtful_rows_today={"crossed": 7, "jump": 2},
        connections=[
            connection(0, 12, seconds_since_data=95.0, silent=5, refused=1, live=18),
            connection(1, 12, state="connecting", since=None, live=0, seconds_since_data=None),
        ],
        reconnects=1,
        reconnects_recent=[reconnect(NOW - 61.0, "0-public.1", "eof", "reset by peer")],
    )
    gone = exchange(
        "kraken",
        0.0,
        1,
        connected=False,
        connections_up=0,
        connections=[],
        seconds_since_data=None,
        last_message=None,
        latency_ms=None,
    )
    reasons = [
        "okx: no data for 95 s",
        "kraken: 0 of 1 connections open",
        "disk: full in 5 h at the present rate",
    ]
    return document(
        [exchange("binance", 2140.5, 4), silent, gone],
        status="degraded",
        reasons=reasons,
        ready=False,
        not_ready=["kraken: 0 of 1 connections open"],
        messages_dropped=12,
        disk={
            "free_bytes": 1_900_000_000,
            "size_bytes": 100_000_000_000,
            "bytes_per_day": 9_100_000_000.0,
            "days_until_full": 0.209,
        },
    )


def just_started() -> Document:
    """Before the first exchange was opened: nothing is known."""
    return document(
        [],
        ready=False,
        not_ready=["no exchange has connected yet"],
        uptime_secs=0.4,
        started=NOW - 0.4,
        durable={
            "lag_secs": None,
            "journal_bytes": 0,
            "journal_bytes_per_sec": 0.0,
            "queue_depth": 0,
            "buffered_bytes": 0,
            "buffer_limit_bytes": 268_435_456,
            "checkpoint_age_secs": None,
        },
        disk={"free_bytes": 1, "size_bytes": 2, "bytes_per_day": None, "days_until_full": None},
        loop={"lag_secs": 0.0, "task": None},
        totals={"messages_per_second": 0.0, "rows_per_second": 0.0},
        history={"step_secs": 5.0, "messages_per_second": [], "rows_per_second": []},
    )


def hostile() -> Document:
    """Texts that would be markup, in every place where an exchange can put one."""
    evil = HOSTILE_TEXTS[0]
    return document(
        [
            exchange(
                text,
                10.0,
                1,
                gaps_today={evil: 1},
                proof={evil: evil, "__proto__": "proven", "constructor": "constructor"},
                left_out=[text, text],
                not_listed=[text],
                sealed={"day": text, "condition": evil, "coverage": evil},
                connections=[connection(0, 1, label=text, state=evil)] * 2,
                reconnects=1,
                reconnects_recent=[reconnect(NOW - 5.0, text, evil, text)],
            )
            for text in HOSTILE_TEXTS
        ],
        status="degraded",
        reasons=[f"{text}: {text}" for text in HOSTILE_TEXTS],
        version=evil,
        loop={"lag_secs": 0.1, "task": evil},
        archive={
            "rows_waiting": evil,
            "objects_waiting": evil,
            "bytes_waiting": evil,
            "oldest_secs": evil,
            "kept_bytes": {"local": 1, "s3": 2, evil: evil},
        },
    )


def document(exchanges: list[Document], **changes: object) -> Document:
    """A whole status with these exchanges, healthy but for the changes."""
    total = sum(each["messages_per_second"] for each in exchanges)
    return {
        "version": "0.1.0",
        "now": NOW,
        "started": NOW - 10_000.1,
        "uptime_secs": 10_000.1,
        "status": "healthy",
        "reasons": [],
        "ready": True,
        "not_ready": [],
        "durable": {
            "lag_secs": 0.41,
            "journal_bytes": 1_234_567_890,
            "journal_bytes_per_sec": 40_960.0,
            "queue_depth": 2,
            "buffered_bytes": 1_234_567,
            "buffer_limit_bytes": 268_435_456,
            "checkpoint_age_secs": 12.0,
        },
        "disk": {
            "free_bytes": 412_000_000_000,
            "size_bytes": 1_000_000_000_000,
            "bytes_per_day": 9_930_000_000.0,
            "days_until_full": 41.5,
        },
        "loop": {"lag_secs": 0.004, "task": "tick_logger.net.intake.intake.Intake.run"},
        "archive": None,
        "messages_dropped": 0,
        "totals": {"messages_per_second": total, "rows_per_second": total * 1.3},
        "history": {
            "step_secs": 5.0,
            "messages_per_second": wave(total, total / 6, 2.0),
            "rows_per_second": wave(total * 1.3, total / 5, 4.0),
        },
        "exchanges": exchanges,
        **changes,
    }


def reconnect(at: float, label: str, cause: str, reason: str) -> Document:
    """One entry of the history of reconnects."""
    return {"at": at, "connection": label, "cause": cause, "reason": reason}


def symbol(name: str = "kraken", title: str = "BTC/USD", trades: int = 240) -> Document:
    """A symbol with trades, a healed gap and one that is not."""
    start = NOW - trades * 1.9
    walk = wave(61_234.5, 18.0, 1.0, trades)
    rows = [
        [
            start + index * 1.9 + 0.31 * math.sin(index),
            price,
            round(0.002 + abs(math.sin(index * 1.7)) ** 6 * 1.4, 5),
            ("buy", "sell", "buy", "sell", "unknown")[int(index * 2.7) % 5],
            str(90_100_200 + index),
        ]
        for index, price in enumerate(walk)
    ]
    first = int(NOW - 4_000) * 1_000_000_000
    return {
        "exchange": name,
        "symbol": title,
        "trades": rows,
        "rows_today": {"MD": 81_234, "TRADES": 12_345, "BOOK": 1_204_777},
        "gaps_today": [
            gap("TRADES", first, 3_200_000_000, 90_100_007, "disconnect", "rest"),
            gap("BOOK", first + 9_000_000_000, 61_000_000_000, None, "checksum", False),
        ],
        "proof": {"MD": "unprovable", "TRADES": "proven", "BOOK": "consistent"},
        "absent": "",
    }


def gap(
    table: str, from_ns: int, nanos: int, from_id: int | None, cause: str, healed: str | bool
) -> Document:
    """A hole of some nanoseconds and, if ids are known, of eleven ids."""
    return {
        "table": table,
        "from_ns": from_ns,
        "to_ns": from_ns + nanos,
        "from_id": from_id,
        "to_id": None if from_id is None else from_id + 10,
        "cause": cause,
        "healed": healed,
    }
