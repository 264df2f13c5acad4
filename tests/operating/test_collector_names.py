"""Another collector's names, made from ours: its dashboards are answered, ours stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.operating.checkers import needs_promtool, promtool
from tests.operating.operations import NAMES, every_expression, recorded
from tests.operating.running import (
    PROMETHEUS_PROGRAM,
    Prometheus,
    prometheus,
    recorder,
    simulated,
    wait_for,
)
from tick_logger.telemetry.families import LATENCY_BOUNDS_SECS

ITS_EXPRESSIONS = (
    "collector_websocket_connected",
    "time() - collector_last_message_timestamp_seconds",
    "increase(collector_websocket_reconnects_total[1h])",
    "sum by (exchange) (rate(collector_websocket_pings_sent_total[1m]))",
    "sum by (exchange) (rate(collector_websocket_pongs_received_total[1m]))",
    'sum by (exchange) (rate(collector_messages_received_total{data_type="orderbook"}[1m]))',
    'sum by (exchange) (rate(collector_messages_received_total{data_type="trade"}[1m]))',
    "collector_messages_dropped_total",
    "collector_channel_queue_depth",
    "sum(increase(collector_message_timeouts_total[1h]))",
    "sum(collector_parse_circuit_breaks_total)",
    "histogram_quantile(0.5, sum by (le, exchange)"
    " (rate(collector_latency_exchange_to_collector_ms_bucket[5m])))",
    "histogram_quantile(0.95, sum by (le, exchange)"
    " (rate(collector_latency_exchange_to_collector_ms_bucket[5m])))",
    "rate(collector_parquet_rows_written_total[1m])",
    "collector_parquet_rows_buffered",
    "collector_upload_queue_depth",
    "sum(collector_parquet_files_rotated_total)",
    "collector_parquet_rows_written_total",
    "collector_parquet_write_errors_total",
    "collector_s3_upload_failures_total",
    "collector_s3_upload_retries_total",
    "histogram_quantile(0.5, sum by (le) (rate(collector_s3_upload_seconds_bucket[5m])))",
    "histogram_quantile(0.95, sum by (le) (rate(collector_s3_upload_seconds_bucket[5m])))",
    "time() - collector_start_timestamp_seconds",
    # Of earlier versions of it:
    "sum by (exchange, data_type) (increase(collector_sequence_gaps_total[1h]))",
    "sum by (exchange) (increase(collector_sequence_out_of_order_total[1h]))",
    "sum by (exchange) (increase(collector_sequence_duplicates_total[1h]))",
    "histogram_quantile(0.5, sum by (le) (rate(collector_sequence_gap_size_bucket[1h])))",
)
"""What its dashboard asks for, each name and label once."""


@needs_promtool
def test_the_rules_are_correct() -> None:
    """Expressions, and none twice."""
    said = promtool("check", "rules", "--lint=all", "--lint-fatal", str(NAMES))
    assert f"{len(recorded())} rules found" in said


@needs_promtool
@pytest.mark.slow
def test_what_they_make_of_our_metrics() -> None:
    """Values and labels, as `collector-names.test.yml` tells."""
    assert "SUCCESS" in promtool("test", "rules", str(NAMES.with_suffix(".test.yml")))


def test_every_bucket_of_the_delays_is_recorded() -> None:
    """In milliseconds; a bound of ours that is changed must be changed there."""
    bounds = {
        rule["labels"]["le"]
        for rule in recorded()
        if rule["record"] == "collector_latency_exchange_to_collector_ms_bucket"
    }
    assert bounds == {*(f"{bound * 1000:g}" for bound in LATENCY_BOUNDS_SECS), "+Inf"}


def test_what_is_recorded_is_not_counted_twice() -> None:
    """Our dashboards and alerts leave out what a rule adds to a name of ours; so do the rules."""
    expressions = [*every_expression(), *(rule["expr"] for rule in recorded())]
    added = {"collector_messages_received_total": 'data_type=""'}
    for name in ("websocket_connected", "last_message_timestamp_seconds"):
        added[f"collector_{name}"] = 'symbol=""'
    added["collector_sequence_gaps_total"] = 'data_type=""'
    for expression in expressions:
        for name, selector in added.items():
            for selected in re.findall(rf"\b{name}(?![a-z_])(\{{[^}}]*\}})?", expression):
                recording = "feed=" in selected  # of a name of its own label
                assert selector in selected.replace("\\", "") or recording, expression


# -- for real -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus with these rules over a recorder of two feeds."""
    if PROMETHEUS_PROGRAM is None:
        pytest.skip("prometheus is not installed (Debian: apt install prometheus)")
    folder = tmp_path_factory.mktemp("names")
    with ExitStack() as stack:
        _, address = stack.enter_context(simulated("okx", 200.0, folder))
        _, target = stack.enter_context(recorder({"okx": address}, 'trades", "orderbook', folder))
        yield stack.enter_context(prometheus(target, folder))


@pytest.mark.slow
@pytest.mark.xdist_group("prometheus")
def test_its_dashboard_is_answered(watching: Prometheus) -> None:
    """Each expression has a value; by symbol, too."""
    waiting = set(ITS_EXPRESSIONS)

    def all_are() -> bool:
        waiting.difference_update([each for each in waiting if watching.query(each)])
        return not waiting

    with suppress(AssertionError):
        wait_for(all_are)
    assert waiting == set()
    by_symbol = watching.query('collector_websocket_connected{symbol!=""} == 1')
    assert by_symbol
    assert {each["exchange"] for each in by_symbol} == {"okx"}
    assert watching.query('collector_last_message_timestamp_seconds{symbol!=""} > 0')
    assert watching.rules().keys() >= {"FeedSilent"}
    assert set(watching.rules().values()) <= {"ok", "unknown"}
