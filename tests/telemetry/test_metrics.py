"""Metrics: names as Prometheus wants them, one child per exchange, reading back."""

from __future__ import annotations

import re

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tick_logger import core
from tick_logger.exchanges.base import DecodedRows
from tick_logger.model.cause import Cause
from tick_logger.model.rows import RowBatch
from tick_logger.model.steps import Step
from tick_logger.model.tables import Table
from tick_logger.ops.status.snapshot import (
    ExchangeNumbers,
    Rates,
    Snapshot,
    rates,
    snapshot,
    together,
)
from tick_logger.telemetry import symbol_metrics
from tick_logger.telemetry.metrics import Metrics
from tick_logger.version import __version__

COUNTERS = {
    "quality_marks_unwritten",
    "bytes_received",
    "messages_dropped",
    "bytes_dropped",
    "read_pauses",
    "parse_errors",
    "unknown_messages",
    "event_times_missing",
    "parse_circuit_breaks",
    "reconnects",
    "told_to_wait",
    "message_timeouts",
    "ack_retries",
    "subscriptions_refused",
    "subscriptions_postponed",
    "pings_sent",
    "pongs_received",
    "duplicates",
    "ids_missing",
    "sequence_breaks",
    "sequence_resets",
    "twin_rows",
    "sequence_duplicates",
    "out_of_order",
    "book_resyncs",
    "book_snapshots_missing",
    "unproven_id_holes",
    "ids_begun_again",
    "stray_ids",
    "silent_renewals",
    "prices_inexact",
    "backfill_requests",
    "candle_requests",
    "candle_failures",
    "backfill_trades",
    "backfill_unneeded",
    "backfill_ids_denied",
    "backfill_ids_differ",
}
SYMBOL_ROWS = "collector_symbol_rows_written_total"
GAUGES = {
    "websocket_connected",
    "connections_up",
    "connections_wanted",
    "symbols",
    "symbols_left_out",
    "symbols_not_listed",
    "symbols_kept",
    "stopped_symbols",
    "stopped_seconds",
    "listing_entries_odd",
    "streams_unwritable",
    "subscriptions_silent",
    "rest_waits_until_timestamp_seconds",
    "connects_wait_until_timestamp_seconds",
    "token_rejected",
    "clock_offset_seconds",
    "last_message_timestamp_seconds",
    "backfill_waiting",
}

SEALED = {
    "seals_withheld_total",
    "seal_due_timestamp_seconds",
    "sealed_day_timestamp_seconds",
    "sealed_day_coverage",
    "sealed_day_condition",
    "sealed_day_candles_lacking",
}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


def test_every_number_of_an_exchange_is_there(metrics: Metrics) -> None:
    """Counters end in `_total`, gauges do not; all carry the exchange and start at zero."""
    numbers = metrics.exchange("alpha")
    assert {name for name, each in vars(numbers).items() if isinstance(each, Counter)} == COUNTERS
    assert {name for name, each in vars(numbers).items() if isinstance(each, Gauge)} == GAUGES
    for name in COUNTERS:
        getattr(numbers, name).inc(2)
        assert metrics.read(f"collector_{name}_total", "alpha") == 2
    for name in (*GAUGES, *SEALED):
        assert metrics.read(f"collector_{name}", "alpha") == 0


def test_exchanges_are_counted_apart_and_bound_once(metrics: Metrics) -> None:
    """The same child at every call, another one for another exchange."""
    assert metrics.exchange("alpha") is metrics.exchange("alpha")
    metrics.exchange("alpha").duplicates.inc(3)
    metrics.exchange("beta").duplicates.inc(4)
    assert metrics.read("collector_duplicates_total", "alpha") == 3
    assert metrics.read("collector_duplicates_total", "beta") == 4


def test_rows_are_counted_by_feed(metrics: Metrics) -> None:
    """Every feed is there from the start; what is read is the sum of all."""
    for number, table in enumerate(Table, 1):
        metrics.exchange("alpha").rows_written[table].inc(number)
        metrics.exchange("alpha").late_rows[table].inc(10 * number)
    assert metrics.read("collector_rows_written_total", "alpha") == 10
    assert metrics.read("collector_late_rows_total", "alpha") == 100
    text = generate_latest(metrics.registry).decode()
    assert 'collector_rows_written_total{exchange="alpha",feed="trades"} 2.0\n' in text
    metrics.exchange("beta")
    text = generate_latest(metrics.registry).decode()
    assert text.count('collector_rows_written_total{exchange="beta",feed=') == len(Table)


def test_holes_are_counted_by_cause(metrics: Metrics) -> None:
    """Every known cause is exported as 0 first, or nobody would see the first hole."""
    alpha = metrics.exchange("alpha")
    text = generate_latest(metrics.registry).decode()
    for cause in Cause:
        assert f'collector_sequence_gaps_total{{cause="{cause}",exchange="alpha"}} 0.0\n' in text
    alpha.holes.written(Cause.CRASH).inc(2)
    alpha.holes.written(Cause("a cause that was never heard of")).inc(3)
    text = generate_latest(metrics.registry).decode()
    assert 'collector_sequence_gaps_total{cause="crash",exchange="alpha"} 2.0\n' in text
    assert 'collector_sequence_gaps_total{cause="other",exchange="alpha"} 3.0\n' in text
    assert metrics.read("collector_sequence_gaps_total", "alpha") == 5


def test_holes_that_are_left_are_asked_for_at_each_scrape(metrics: Metrics) -> None:
    """Those that no record heals beside those that are known, whichever came first."""
    alpha = metrics.exchange("alpha")
    assert metrics.text().decode().count('collector_holes_left{cause="') == len(Cause) + 1
    alpha.holes.left_for_good(Cause.UNWRITABLE)
    left = {Cause.UNWRITABLE: 3, Cause.CRASH: 2}
    for cause in left:
        alpha.holes.watch_left(cause, lambda _exchange, cause: left[cause])
    text = metrics.text().decode()
    assert 'collector_holes_left{cause="unwritable",exchange="alpha"} 4.0\n' in text
    assert 'collector_holes_left{cause="crash",exchange="alpha"} 2.0\n' in text
    assert 'collector_sequence_gaps_total{cause="unwritable",exchange="alpha"} 1.0\n' in text
    left[Cause.CRASH] = 0
    assert 'collector_holes_left{cause="crash",exchange="alpha"} 0.0\n' in metrics.text().decode()


def test_numbers_by_symbol_only_where_they_are_asked_for(metrics: Metrics) -> None:
    """They would be thousands: a scrape has them, what is read each second has not."""
    by_symbol = Metrics(CollectorRegistry(), by_symbol=True)
    strange = 'A"B\\C\nD'
    for each in (metrics, by_symbol):
        if each.symbols is not None:
            each.symbols.count("alpha", "BTC-USD", rows(Table.TRADES, 3, 0.25), in_order=True)
            each.symbols.count("alpha", "BTC-USD", rows(Table.TRADES, 4, 99.0), in_order=False)
            each.symbols.count("beta", strange, rows(Table.MD, 5, 0.0), in_order=True)
            each.symbols.count_gap("alpha", "BTC-USD", Table.TRADES)
            each.symbols.connected = lambda: [(("alpha", "BTC-USD", "trades"), True)]
    families = list(text_string_to_metric_families(by_symbol.text().decode()))
    (found,) = [each for each in families if each.name == "collector_symbol_rows_written"]
    assert (found.type, found.documentation) == ("counter", "Rows written, by symbol")
    assert [(sample.name, sample.labels, sample.value) for sample in found.samples] == [
        (SYMBOL_ROWS, {"exchange": "alpha", "feed": "trades", "symbol": "BTC-USD"}, 7),
        (SYMBOL_ROWS, {"exchange": "beta", "feed": "ticker", "symbol": strange}, 5),
    ]
    stream = '{exchange="alpha",feed="trades",symbol="BTC-USD"}'
    for line in (
        f"collector_symbol_last_message_timestamp_seconds{stream} 1500.0",
        f"collector_symbol_latency_seconds_sum{stream} 0.75",
        f"collector_symbol_latency_seconds_count{stream} 3",
        f"collector_symbol_sequence_gaps_total{stream} 1",
        f"collector_symbol_connected{stream} 1",
        "collector_symbol_streams_beyond 0",
    ):
        assert line in by_symbol.text().decode().splitlines()
    assert by_symbol.samples().keys() == metrics.samples().keys()
    assert SYMBOL_ROWS.encode() not in metrics.text()


def test_numbers_by_symbol_have_normal_names(metrics: Metrics) -> None:
    """As a label more of the same series, where somebody says what a symbol is."""
    numbers = symbol_metrics.SymbolMetrics()
    for symbol in ("XBT/USD", "ODD"):
        numbers.count("alpha", symbol, rows(Table.TRADES, 3, 0.25), in_order=True)
    numbers.connected = lambda: [(("alpha", "XBT/USD", "book"), True)]
    before = numbers.text().decode()
    numbers.pair_of = lambda _exchange, symbol: {"XBT/USD": "BTC-USD"}.get(symbol)
    after = numbers.text().decode()
    named = 'symbol="XBT/USD",pair="BTC-USD"}'
    assert after == before.replace('symbol="XBT/USD"}', named)
    assert after.count(named) == 6
    assert {
        sample.labels.get("pair")
        for family in text_string_to_metric_families(after)
        for sample in family.samples
        if sample.labels
    } == {"BTC-USD", None}


def test_numbers_by_symbol_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond the bound is counted; what was there before goes on."""
    monkeypatch.setattr(symbol_metrics, "MOST_STREAMS", 2)
    numbers = symbol_metrics.SymbolMetrics()
    for symbol in "ABCDA":
        numbers.count("alpha", symbol, rows(Table.TRADES, 1, 0.0), in_order=True)
    text = numbers.text().decode()
    assert text.count("collector_symbol_rows_written_total{") == 2
    assert 'symbol="A"} 2\n' in text
    assert "collector_symbol_streams_beyond 2\n" in text


def rows(table: Table, count: int, delay_secs: float) -> RowBatch:
    """So many rows, received at 1500 seconds."""
    recv_ns = np.full(count, 1500 * 10**9, np.int64)
    columns = {"event_ns": recv_ns - round(delay_secs * 1e9), "recv_ns": recv_ns, "seq": recv_ns}
    return RowBatch(table, columns)


def test_reading_what_is_not_there(metrics: Metrics) -> None:
    """A wrong name or exchange is an error, never a zero."""
    metrics.exchange("alpha")
    for name, exchange in (("collector_duplicate_total", "alpha"), ("collector_symbols", "x")):
        with pytest.raises(KeyError):
            metrics.read(name, exchange)


def test_exposition(metrics: Metrics) -> None:
    """What Prometheus scrapes: our prefix, a help text each, and which version runs."""
    metrics.exchange("alpha").messages_received.inc(7)
    metrics.flush_seconds.observe(0.002)
    metrics.flush_step_seconds[Step.WRITING].observe(0.002)
    metrics.buffered_bytes.set(5)
    metrics.start_timestamp_seconds.set(1.5)
    text = generate_latest(metrics.registry).decode()
    assert 'collector_messages_received_total{exchange="alpha",feed="other"} 7.0\n' in text
    assert 'collector_flush_seconds_bucket{le="0.0025"} 1.0\n' in text
    for step, count in (("pipeline", 0), ("opening", 0), ("syncing", 0), ("writing", 1)):
        bucket = f'collector_flush_step_seconds_bucket{{le="0.0025",step="{step}"}}'
        assert f"{bucket} {count}.0\n" in text
    assert "collector_buffered_bytes 5.0\n" in text
    assert "collector_start_timestamp_seconds 1.5\n" in text
    used = "none" if core.compiled is None else "compiled"
    assert f'collector_build_info{{core="{used}",version="{__version__}"}} 1.0\n' in text
    assert all(line.startswith("collector_") for line in re.findall(r"(?m)^[^#].*", text))


def test_two_registries_share_nothing() -> None:
    """Each run has its own numbers."""
    one, other = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    one.exchange("alpha").reconnects.inc()
    other.exchange("alpha")
    assert other.read("collector_reconnects_total", "alpha") == 0


def test_numbers_by_feed(metrics: Metrics) -> None:
    """A message counts once, for one feed of its rows; delays are read as of all feeds."""
    alpha = metrics.exchange("alpha")
    rows = [(Table.QUOTES, [0, 0, 3]), (Table.TRADES, [2, 3]), (Table.BOOK, [4, 4])]
    alpha.messages_received.count(
        6, [DecodedRows(table, {}, np.array(frames, np.int32)) for table, frames in rows]
    )
    by_feed = metrics.read_by("collector_messages_received_total", "feed")
    assert {feed: count for (_, feed), count in by_feed.items() if count} == {
        "quotes": 1, "trades": 2, "orderbook": 1, "other": 2,
    }  # fmt: skip
    alpha.feeds.latency["trades"].observe(np.array([0.0015, 0.3]))
    alpha.feeds.latency["quotes"].observe(np.array([0.0015]))
    assert (int(alpha.latency.counts.sum()), alpha.latency.sum) == (3, 0.303)
    text = generate_latest(metrics.registry).decode()
    bucket = 'collector_latency_exchange_to_collector_bucket{exchange="alpha",feed="trades",le='
    assert f'{bucket}"0.002"}} 1.0\n' in text
    alpha.feeds.connected({"trades": True, "quotes": False})
    alpha.feeds.connected({"trades": False})
    alpha.feeds.delivered(Table.TRADES, 1_500_000_000_000_000_000)
    assert metrics.read_by("collector_feed_connected", "feed") == {("alpha", "trades"): 0}
    newest = metrics.read_by("collector_feed_last_message_timestamp_seconds", "feed")
    assert newest == {("alpha", "trades"): 1.5e9}


def test_snapshot(metrics: Metrics) -> None:
    """Each number comes from its metric."""
    alpha = metrics.exchange("alpha")
    for number, gauge in enumerate(
        (alpha.connections_up, alpha.connections_wanted, alpha.symbols, alpha.symbols_left_out), 1
    ):
        gauge.set(number)
    alpha.messages_received.inc(5)
    for number, counter in enumerate(
        (
            alpha.rows_written[Table.BOOK],
            alpha.reconnects,
            alpha.holes.written(Cause.SEQUENCE),
            alpha.late_rows[Table.MD],
            alpha.messages_dropped,
            alpha.parse_errors,
            alpha.duplicates,
            alpha.ids_missing,
        ),
        6,
    ):
        counter.inc(number)
    alpha.last_message_timestamp_seconds.set(1000.0)
    metrics.exchange("beta")
    taken = snapshot(metrics, ["alpha", "beta"], monotonic_secs=3.0, wall_ns=1_002_500_000_000)
    assert taken.monotonic_secs == 3.0
    assert taken.exchanges["alpha"] == ExchangeNumbers(
        connections_up=1,
        connections_wanted=2,
        symbols=3,
        symbols_left_out=4,
        messages=5,
        rows=6,
        reconnects=7,
        gaps=8,
        late=9,
        dropped=10,
        parse_errors=11,
        duplicates=12,
        ids_missing=13,
        seconds_since_data=2.5,
        last_message=1000.0,
    )
    assert taken.exchanges["beta"] == ExchangeNumbers()


def test_snapshot_of_a_clock_set_back(metrics: Metrics) -> None:
    """Data is never from the future; an exchange not yet counted shows zeros."""
    metrics.exchange("alpha").last_message_timestamp_seconds.set(1000.0)
    taken = snapshot(metrics, ["alpha", "new"], monotonic_secs=0.0, wall_ns=999_000_000_000)
    assert taken.exchanges["alpha"].seconds_since_data == 0.0
    assert taken.exchanges["new"] == ExchangeNumbers()


def test_total() -> None:
    """Sums, and of the silences the longest that is known."""
    one = ExchangeNumbers(messages=1, gaps=2, symbols=3, seconds_since_data=0.5)
    two = ExchangeNumbers(messages=10, gaps=20, symbols=30, seconds_since_data=9.0)
    total = Snapshot(0.0, {"a": one, "b": two, "c": ExchangeNumbers()}).total
    assert total == ExchangeNumbers(messages=11, gaps=22, symbols=33, seconds_since_data=9.0)
    assert Snapshot(0.0, {}).total == ExchangeNumbers()


def test_rates() -> None:
    """Difference over time; nothing is known of an exchange that is new or of no time at all."""
    before = Snapshot(10.0, {"a": ExchangeNumbers(messages=100, rows=50)})
    after = Snapshot(
        14.0, {"a": ExchangeNumbers(messages=300, rows=60), "b": ExchangeNumbers(messages=9)}
    )
    assert rates(before, after) == {"a": Rates(50.0, 2.5), "b": Rates(0.0, 0.0)}
    assert rates(after, after) == {"a": Rates(0.0, 0.0), "b": Rates(0.0, 0.0)}
    assert together([Rates(1.0, 2.0), Rates(3.0, 4.0)]) == Rates(4.0, 6.0)
    assert together([]) == Rates(0.0, 0.0)
