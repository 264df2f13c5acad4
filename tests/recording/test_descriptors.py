"""A small limit of open files is said at the start, with the number that is needed."""

from __future__ import annotations

import pytest
import structlog

from tick_logger.config.schema import Config, ExchangeConfig, HttpConfig
from tick_logger.errors import ConfigError
from tick_logger.recording.descriptors import (
    OF_COLUMNS,
    OF_HTTP,
    least_needed,
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


def test_with_too_few_nothing_is_begun() -> None:
    """How many there are, and how many are needed; an exchange that is off needs none."""
    config = Config(exchanges={"a": VENUE, "b": OFF})
    least = least_needed(config)
    assert least < needed_beside_columns(config)
    with structlog.testing.capture_logs() as logs:
        report_few(config, least)
        assert [line["event"] for line in logs] == ["few_open_files"]
        with pytest.raises(ConfigError) as caught:
            report_few(config, least - 1)
    ((where, reason),) = caught.value.problems
    assert where == "limit of open files"
    assert f"{least - 1} are too few" in reason
    assert f"{least} are needed at least" in reason
    assert "ulimit -n" in reason
