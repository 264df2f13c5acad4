"""Where there is no terminal: one log line a minute that says how the recording goes."""

from __future__ import annotations

from collections.abc import Callable

import trio

from tick_logger.ops.status.snapshot import ExchangeNumbers, Rates, Snapshot, rates, together
from tick_logger.telemetry.logs import get_logger


async def run_summary(
    snapshot_source: Callable[[], Snapshot], *, interval_secs: float = 60.0
) -> None:
    """Log one line every interval, until cancelled; rates are those of the interval."""
    log = get_logger()
    before = snapshot_source()
    while True:
        await trio.sleep(interval_secs)
        after = snapshot_source()
        log.info("summary", **summary(before, after))
        before = after


def summary(before: Snapshot, after: Snapshot) -> dict[str, object]:
    """The totals as keys of a log line, and under `exchanges` the same of each exchange."""
    speeds = rates(before, after)
    each = {name: _keys(numbers, speeds[name]) for name, numbers in after.exchanges.items()}
    totals = _keys(after.total, together(speeds.values()))
    return totals | {"not_ready": list(after.not_ready), "exchanges": each}


def _keys(numbers: ExchangeNumbers, speed: Rates) -> dict[str, object]:
    silence = numbers.seconds_since_data
    return {
        "connections_up": numbers.connections_up,
        "connections_wanted": numbers.connections_wanted,
        "symbols": numbers.symbols,
        "symbols_left_out": numbers.symbols_left_out,
        "messages_per_second": round(speed.messages, 1),
        "rows_per_second": round(speed.rows, 1),
        "seconds_since_data": None if silence is None else round(silence, 1),
        "reconnects": numbers.reconnects,
        "gaps": numbers.gaps,
        "holes_open": numbers.holes_open,
        "holes_waiting": numbers.holes_waiting,
        "holes_filled": numbers.holes_filled,
        "stopped_symbols": numbers.stopped_symbols,
        "stopped_secs": round(numbers.stopped_secs, 1),
        "late": numbers.late,
        "dropped": numbers.dropped,
    }
