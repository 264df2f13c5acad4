"""The metrics read back as plain numbers, for the view and the summary.

What a person sees is what Prometheus sees.  Times come in as arguments; nothing here asks a clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import attrs

from tick_logger.model.connections import Unreachable
from tick_logger.ops.status.archived import SealedNumbers
from tick_logger.ops.status.reasons import is_offline, not_connected
from tick_logger.telemetry.families import PREFIX
from tick_logger.telemetry.metrics import OF_HOW, OF_STOPS, Metrics


@attrs.frozen(kw_only=True)
class ExchangeNumbers:
    """What a person wants to know of one exchange; counts are since the start."""

    connections_up: int = 0
    connections_wanted: int = 0
    symbols: int = 0
    symbols_left_out: int = 0
    symbols_not_listed: int = 0
    messages: int = 0
    rows: int = 0
    seconds_since_data: float | None = None  # None before the first
    reconnects: int = 0
    gaps: int = 0  # but those that a stop in order left
    stopped_symbols: int = 0  # not recorded while the program was stopped in order
    stopped_secs: float = 0.0  # for so long
    holes_open: int = 0  # streams that have one now
    holes_waiting: int = 0  # to be asked about by REST
    holes_filled: int = 0  # by REST
    holes_void: int = 0  # of which the exchange has nothing either
    holes_left: int = 0  # that were given up
    trades_filled: int = 0
    late: int = 0
    dropped: int = 0
    parse_errors: int = 0
    duplicates: int = 0
    ids_missing: int = 0
    subscriptions_silent: int = 0
    token_rejected: int = 0
    last_message: float | None = None  # Unix time of the newest data; None before the first
    rest_wait_secs: float = 0.0  # for how much longer it wants no requests by REST
    connect_wait_secs: float = 0.0  # likewise, no new connections
    clock_offset_secs: float = 0.0  # how far its times are ahead of this machine's clock
    sealed: SealedNumbers | None = None  # None before the first


_SOURCES = {
    "connections_up": "connections_up",
    "connections_wanted": "connections_wanted",
    "symbols": "symbols",
    "symbols_left_out": "symbols_left_out",
    "symbols_not_listed": "symbols_not_listed",
    "messages": "messages_received_total",
    "rows": "rows_written_total",
    "reconnects": "reconnects_total",
    "gaps": "sequence_gaps_total",
    "stopped_symbols": "stopped_symbols",
    "holes_open": "holes_open",
    "holes_waiting": "backfill_waiting",
    "holes_filled": f"backfill_holes_total{OF_HOW}rest",
    "holes_void": f"backfill_holes_total{OF_HOW}void",
    "holes_left": f"backfill_holes_total{OF_HOW}left",
    "trades_filled": "backfill_trades_total",
    "late": "late_rows_total",
    "dropped": "messages_dropped_total",
    "parse_errors": "parse_errors_total",
    "duplicates": "duplicates_total",
    "ids_missing": "ids_missing_total",
    "subscriptions_silent": "subscriptions_silent",
    "token_rejected": "token_rejected",
}
_LAST_DATA = "last_message_timestamp_seconds"
_STOPPED = "stopped_seconds"
_OFFSET = "clock_offset_seconds"
_WAITS = ("rest_waits_until_timestamp_seconds", "connects_wait_until_timestamp_seconds")
_OF_SEALED = ("timestamp_seconds", "condition", "coverage")
_OF_PROCESS = (
    "archive_bytes", "buffer_limit_bytes", "buffered_bytes", "channel_queue_depth",
    "checkpoint_timestamp_seconds", "durable_lag_seconds", "journal_bytes_total",
    "parquet_rows_buffered", "upload_oldest_seconds", "upload_queue_bytes", "upload_queue_depth",
)  # fmt: skip
_ASKED = [
    PREFIX + name.partition(OF_HOW)[0]
    for name in (
        *_SOURCES.values(),
        *_OF_PROCESS,
        *("sealed_day_" + of for of in _OF_SEALED),
        _LAST_DATA,
        _STOPPED,
        _OFFSET,
        *_WAITS,
    )
]
"""All samples that are looked at.  There are five times as many, and they are read each second."""


@attrs.frozen
class Snapshot:
    """The numbers of every exchange at one moment of a clock that only runs forward."""

    monotonic_secs: float
    exchanges: Mapping[str, ExchangeNumbers]
    troubles: tuple[str, ...] = ()  # of the recorder itself, in words; empty while all is well
    recovering: str = ""  # why nothing is recorded yet, in words; empty once recording has begun
    process: Mapping[str, float] = attrs.field(factory=dict)
    """Numbers of no exchange that are looked at, by the names of their metrics without prefix."""
    unreachable: Mapping[str, Unreachable | None] = attrs.field(factory=dict)
    """By exchange why it cannot be reached, where a way to it fails."""

    @property
    def not_ready(self) -> list[str]:
        """Why what should be recorded is not, in words; empty if it is."""
        if self.recovering:  # no exchange was spoken to yet
            return [self.recovering, *self.troubles]
        return [*self.troubles, *not_connected(self.exchanges, self.unreachable)]

    @property
    def is_offline(self) -> bool:
        """Whether no exchange can be reached by name."""
        return is_offline(self.exchanges, self.unreachable)

    @property
    def total(self) -> ExchangeNumbers:
        """The sums; of the silences the longest, since that is the one to look at."""
        numbers = self.exchanges.values()
        silences = [each.seconds_since_data for each in numbers]
        return ExchangeNumbers(
            **{key: sum(getattr(each, key) for each in numbers) for key in _SOURCES},
            stopped_secs=max((each.stopped_secs for each in numbers), default=0.0),
            seconds_since_data=max((each for each in silences if each is not None), default=None),
        )


def snapshot(
    metrics: Metrics,
    names: Collection[str],
    *,
    monotonic_secs: float,
    wall_ns: int,
    recovering: str = "",
    troubles: Collection[str] = (),
    unreachable: Mapping[str, Unreachable | None] | None = None,
) -> Snapshot:
    """The numbers of the named exchanges now; one pass over what is needed."""
    samples = metrics.samples(_ASKED)
    numbers = {name: _numbers(samples, name, wall_ns / 1e9) for name in names}
    process = {
        name.removeprefix(PREFIX): value
        for (name, exchange), value in samples.items()
        if not exchange
    }
    return Snapshot(
        monotonic_secs,
        numbers,
        tuple(troubles),
        recovering=recovering,
        process=process,
        unreachable=unreachable or {},
    )


def _numbers(
    samples: Mapping[tuple[str, str], float], name: str, wall_secs: float
) -> ExchangeNumbers:
    def until(source: str) -> float:
        return max(0.0, samples.get((PREFIX + source, name), 0.0) - wall_secs)

    sealed = (samples.get((PREFIX + "sealed_day_" + of, name), 0.0) for of in _OF_SEALED)
    counts = {key: int(samples.get((PREFIX + of, name), 0)) for key, of in _SOURCES.items()}
    counts["gaps"] -= int(samples.get((PREFIX + _SOURCES["gaps"] + OF_STOPS, name), 0))
    last_data = samples.get((PREFIX + _LAST_DATA, name), 0.0)
    return ExchangeNumbers(
        **counts,
        stopped_secs=samples.get((PREFIX + _STOPPED, name), 0.0),
        seconds_since_data=max(0.0, wall_secs - last_data) if last_data else None,
        last_message=last_data or None,
        rest_wait_secs=until(_WAITS[0]),
        connect_wait_secs=until(_WAITS[1]),
        clock_offset_secs=samples.get((PREFIX + _OFFSET, name), 0.0),
        sealed=SealedNumbers.of(*sealed),
    )


@attrs.frozen
class Rates:
    """Per second, between two snapshots."""

    messages: float
    rows: float


def rates(before: Snapshot, after: Snapshot) -> dict[str, Rates]:
    """How fast each exchange of `after` went; zero where `before` does not know it."""
    seconds = after.monotonic_secs - before.monotonic_secs
    found = {}
    for name, now in after.exchanges.items():
        then = before.exchanges.get(name)
        if then is None or seconds <= 0:
            found[name] = Rates(0.0, 0.0)
        else:
            found[name] = Rates(
                (now.messages - then.messages) / seconds, (now.rows - then.rows) / seconds
            )
    return found


def together(speeds: Iterable[Rates]) -> Rates:
    """The sum of several exchanges' rates."""
    every = tuple(speeds)
    return Rates(sum(each.messages for each in every), sum(each.rows for each in every))
