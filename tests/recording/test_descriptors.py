"""A small limit of open files is said at the start, with the number that is needed."""

from __future__ import annotations

import structlog

from tick_logger.config.schema import Config, ExchangeConfig, HttpConfig
from tick_logger.recording.descriptors import (
    OF_COLUMNS,
    OF_HTTP,
    needed_beside_columns,
    report_few,
)

VENUE = ExchangeConfig(ws_endpoint="ws://x", rest_endpoint="http://x", max_connections=10)
OFF = ExchangeConfig(ws_endpoint="ws://x", rest_endpoint="http://x", enabled=False)


def test_each_connection_and_the_status_page_count() -> None:
    """Not those of an exchange that is not recorded."""
    one, two = Config(exchanges={"a": VENUE, "c": OFF}), Config(exchanges={"a": VENUE, "b": VENUE})
    assert needed_beside_columns(two) - needed_beside_columns(one) == 20
    without = Config(http=HttpConfig(enabled=False), exchanges=one.exchanges)
    assert needed_beside_columns(one) - needed_beside_columns(without) == OF_HTTP


def test_a_limit_that_is_too_small_is_told_once() -> None:
    """With how many there are, how many are needed, and how to raise it."""
    config = Config(exchanges={"a": VENUE})
    needed = needed_beside_columns(config) + OF_COLUMNS
    with structlog.testing.capture_logs() as logs:
        report_few(config, needed)
        assert logs == []
        report_few(config, needed - 1)
    (line,) = logs
    assert (line["event"], line["limit"], line["needed"]) == ("few_open_files", needed - 1, needed)
    assert "ulimit -n" in line["explanation"]
