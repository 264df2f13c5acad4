"""A stop in order is summed up apart from all other holes."""

from __future__ import annotations

import structlog
from prometheus_client import CollectorRegistry

from tests.fakes.clock import StillClock
from tests.storage.sample import instruments
from tick_logger.derive.derivation import Outcome
from tick_logger.model.cause import Cause
from tick_logger.model.flush import Flush, GapRecord
from tick_logger.model.stops import in_words
from tick_logger.model.tables import Table
from tick_logger.pipeline.pipeline import TickCounts
from tick_logger.recording.accounts import Accounts
from tick_logger.telemetry.metrics import OF_STOPS, Metrics
from tick_logger.telemetry.today import Today


def hole(instrument: int, cause: Cause, from_s: int | None, to_s: int) -> GapRecord:
    from_ns = None if from_s is None else from_s * 10**9
    return GapRecord(instrument, Table.TRADES, None, None, from_ns, to_s * 10**9, cause)


def test_symbols_are_counted_once_and_the_shortest_hole_says_how_long() -> None:
    """Of each exchange; other holes are counted and told as ever."""
    metrics = Metrics(CollectorRegistry())
    names = instruments(("one", "A"), ("two", "B"), ("one", "C"))
    accounts = Accounts(names, metrics, Today(StillClock()))
    assert accounts.totals.stops.words == ""
    flushes = (
        (
            hole(0, Cause.RESTART, 10, 17),
            hole(0, Cause.RESTART, 10, 20),
            hole(2, Cause.CRASH, 1, 2),
        ),
        (hole(2, Cause.RESTART, 9, 17), hole(1, Cause.RESTART, None, 17)),
        (hole(1, Cause.RESTART, 8, 17), hole(0, Cause.DISCONNECT, 20, 21)),
    )
    with structlog.testing.capture_logs() as logs:
        for gaps in flushes:
            accounts.flushed(Outcome(Flush(gaps=gaps), TickCounts()))
    assert accounts.totals.gaps == 2
    assert accounts.totals.stops.words == (
        "3 symbols were not recorded for 9.0 s while the program was stopped"
    )
    for exchange, symbols, secs in (("one", 2, 7.0), ("two", 1, 9.0)):
        assert metrics.read("collector_stopped_symbols", exchange) == symbols
        assert metrics.read("collector_stopped_seconds", exchange) == secs
    assert metrics.read("collector_sequence_gaps_total", "one") == 5
    assert metrics.samples()[f"collector_sequence_gaps_total{OF_STOPS}", "one"] == 3
    planned = [line for line in logs if line["event"] == "not_recorded_while_stopped"]
    assert [(line["exchange"], line["symbols"]) for line in planned] == [
        *(("one", 1), ("one", 2), ("two", 1), ("two", 1)),
    ]
    assert {line["log_level"] for line in planned} == {"info"}
    assert [line["cause"] for line in logs if line["event"] == "gaps"] == ["crash", "disconnect"]


def test_words() -> None:
    """One symbol, many, none."""
    assert in_words(0, 3.0) == ""
    assert in_words(1, 0.04) == "1 symbol was not recorded for 0.0 s while the program was stopped"
    assert in_words(1096, 3600.0, "up to ") == (
        "1,096 symbols were not recorded for up to 3,600.0 s while the program was stopped"
    )
