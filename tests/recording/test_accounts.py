"""What was put on disk is counted once, by exchange and table, and every hole is reported."""

from __future__ import annotations

from collections import Counter

import attrs
import numpy as np
import pytest
import structlog
from prometheus_client import CollectorRegistry

from tests.fakes.clock import StillClock
from tests.storage.sample import instruments, numbered, run
from tick_logger.derive.derivation import Outcome
from tick_logger.model.cause import Cause
from tick_logger.model.flush import VOID, Flush, GapRecord, OpenHole, Run
from tick_logger.model.tables import ORIGIN_ASIDE, ORIGIN_REST, Table
from tick_logger.pipeline.pipeline import TickCounts
from tick_logger.recording.accounts import MAX_STREAMS_IN_LOG, Accounts
from tick_logger.recording.venue_times import SILENT_NS, VenueTimes
from tick_logger.telemetry.metrics import Metrics
from tick_logger.telemetry.today import Today


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def today(clock: StillClock) -> Today:
    return Today(clock)


@pytest.fixture
def accounts(metrics: Metrics, today: Today) -> Accounts:
    """Over two symbols of one exchange and one of another."""
    return Accounts(instruments(("one", "A"), ("two", "B"), ("one", "C")), metrics, today)


def rows(instrument: int, count: int, table: Table = Table.TRADES, *, late: bool = False) -> Run:
    return run(table, numbered(1, count, instrument=instrument), late=late)


def gap(instrument: int, cause: Cause, *ids: int) -> GapRecord:
    first, last = ids or (None, None)
    return GapRecord(instrument, Table.TRADES, first, last, 5, 6, cause)


def test_rows_are_counted_by_exchange_and_by_table(accounts: Accounts, metrics: Metrics) -> None:
    """Late ones among them, and apart."""
    runs = (rows(0, 3), rows(2, 2, Table.MD), rows(0, 4, late=True), rows(1, 5))
    accounts.flushed(Outcome(Flush(runs), TickCounts()))
    accounts.flushed(Outcome(Flush((rows(0, 1),)), TickCounts()))
    assert accounts.totals.rows == {Table.TRADES: 13, Table.MD: 2}
    assert accounts.totals.late_rows == 4
    assert metrics.read("collector_rows_written_total", "one") == 10
    assert metrics.read("collector_rows_written_total", "two") == 5
    assert metrics.read("collector_late_rows_total", "one") == 4


def test_duplicates_are_counted(accounts: Accounts, metrics: Metrics) -> None:
    """Of each exchange, all symbols together."""
    counts = TickCounts(duplicates=Counter({0: 2, 1: 1, 2: 4}))
    accounts.flushed(Outcome(Flush(), counts))
    assert metrics.read("collector_duplicates_total", "one") == 6
    assert metrics.read("collector_duplicates_total", "two") == 1


def test_open_holes_are_shown_while_they_last(
    accounts: Accounts, metrics: Metrics, today: Today, clock: StillClock
) -> None:
    """By exchange and cause: how many, and for how long the first, though nothing comes."""
    now_ns = clock.now_ns()
    holes = (
        OpenHole(0, Table.TRADES, Cause.SILENT, now_ns - 7 * 10**9),
        OpenHole(2, Table.MD, Cause.SILENT, now_ns - 9 * 10**9),
        OpenHole(1, Table.MD, Cause.REFUSED, now_ns),
    )
    accounts.flushed(Outcome(Flush(open_holes=holes), TickCounts()))
    (one,) = today.open_holes.of("one")
    assert (one.cause, one.streams, one.since_ns) == (Cause.SILENT, 2, now_ns - 9 * 10**9)
    of_one = '{cause="silent",exchange="one"}'
    assert f"collector_holes_open{of_one} 2.0" in metrics.text().decode()
    assert f"collector_hole_open_seconds{of_one} 9.0" in metrics.text().decode()
    clock.at_ns += 60 * 10**9
    assert f"collector_hole_open_seconds{of_one} 69.0" in metrics.text().decode()
    assert metrics.read("collector_holes_open", "two") == 1
    accounts.flushed(Outcome(Flush(open_holes=holes[2:]), TickCounts()))
    assert f"collector_holes_open{of_one} 0.0" in metrics.text().decode()
    assert f"collector_hole_open_seconds{of_one} 0.0" in metrics.text().decode()
    assert today.open_holes.of("one") == []


def test_an_open_hole_is_told_at_once_and_counted_when_it_is_over(
    accounts: Accounts, metrics: Metrics
) -> None:
    """One line for each exchange and cause when it opens, and one when it is closed."""
    opened = attrs.evolve(gap(0, Cause.SILENT), to_ns=None)
    closed = attrs.evolve(opened, to_ns=61 * 10**9)
    with structlog.testing.capture_logs() as logs:
        accounts.flushed(Outcome(Flush(gaps=(opened,)), TickCounts()))
        assert ("collector_sequence_gaps_total", "one") not in metrics.samples()
        accounts.flushed(Outcome(Flush(gaps=(closed,)), TickCounts()))
        assert metrics.read("collector_sequence_gaps_total", "one") == 1
    first, second = logs
    since = "1970-01-01T00:00:00.000+00:00"
    assert (first["event"], first["cause"], first["since"]) == ("hole_open", "silent", since)
    assert first["streams"] == ["A TRADES"]
    until = "1970-01-01T00:01:01.000+00:00"
    assert (second["event"], second["since"], second["until"]) == ("gaps", since, until)


def test_holes_that_heal_are_counted_and_those_left_shown(metrics: Metrics, today: Today) -> None:
    """By cause; all causes are there from the start, and a planned stop leaves holes too."""
    asked: set[GapRecord] = set()
    names = instruments(("one", "A"), ("two", "B"), ("one", "C"))
    accounts = Accounts(names, metrics, today, asked=lambda _exchange: asked)
    lost, cut = gap(0, Cause.SEQUENCE, 10, 19), gap(2, Cause.DISCONNECT)
    asked.add(lost)
    accounts.flushed(Outcome(Flush(gaps=(lost, cut)), TickCounts()))

    def shown(name: str, cause: str) -> str:
        (line,) = (
            each
            for each in metrics.text().decode().splitlines()
            if each.startswith(f'collector_{name}{{cause="{cause}",exchange="one"}}')
        )
        return line.split()[-1]

    assert [shown("holes_left", each) for each in ("sequence", "disconnect")] == ["0.0", "1.0"]
    asked.clear()
    assert [shown("holes_left", each) for each in ("sequence", "crash")] == ["1.0", "0.0"]
    assert shown("holes_healed_total", "sequence") == "0.0"
    rest = attrs.evolve(lost, to_ns=60, healed="rest")
    accounts.flushed(Outcome(Flush(gaps=(rest,)), TickCounts()))
    assert shown("holes_left", "sequence") == "0.0"
    assert shown("holes_healed_total", "sequence") == "1.0"
    assert shown("sequence_gaps_total", "sequence") == "1.0"


def aside(instrument: int, *ahead_secs: int) -> Run:
    """Trades whose times are so far ahead of their receipt."""
    made = run(Table.TRADES, numbered(1, len(ahead_secs), instrument=instrument), late=True)
    event_ns = made.rows["recv_ns"] + np.array(ahead_secs) * 10**9
    return attrs.evolve(made, rows=made.rows.replace(event_ns=event_ns), origin=ORIGIN_ASIDE)


def test_times_that_cannot_be_are_told(accounts: Accounts, metrics: Metrics, today: Today) -> None:
    """By exchange and direction, with the worst of them, as the exchange's own clock has it."""
    runs = (aside(0, 600, -900_000), aside(2, 700, 9), aside(1, 100), rows(0, 4, late=True))
    outcome = Outcome(Flush(runs), TickCounts(), clock_offsets_ns={"one": 8 * 10**9})
    with structlog.testing.capture_logs() as logs:
        accounts.flushed(outcome)
    said = [(e["event"], e["exchange"], e["rows"], e["seconds"], e["stream"]) for e in logs]
    assert said == [
        ("event_time_ahead", "one", 3, 692.0, "C TRADES"),
        ("event_time_behind", "one", 1, 900_008.0, "A TRADES"),
        ("event_time_ahead", "two", 1, 100.0, "B TRADES"),
    ]
    assert metrics.read("collector_rows_aside_total", "one") == 4
    assert metrics.read("collector_late_rows_total", "one") == 4
    assert metrics.read("collector_rows_written_total", "one") == 8
    assert (accounts.totals.aside_rows, accounts.totals.late_rows) == (5, 4)
    assert (today.aside("one"), today.late("one"), today.aside("two")) == (4, 4, 1)


def test_who_sends_rows_shows_its_time(metrics: Metrics, today: Today) -> None:
    """What came by REST was asked for, and says nothing of whether an exchange is silent."""
    now = [5]
    times = VenueTimes(lambda: now[0])
    names = instruments(("one", "A"), ("two", "B"))
    accounts = Accounts(names, metrics, today, times=times)
    offsets = {"one": -10, "two": -20}
    asked = attrs.evolve(rows(1, 2, late=True), origin=ORIGIN_REST)
    accounts.flushed(Outcome(Flush(), TickCounts(), clock_offsets_ns=offsets))
    now[0] += SILENT_NS - 1
    flush = Flush((rows(0, 3), asked))
    accounts.flushed(Outcome(flush, TickCounts(), clock_offsets_ns=offsets))
    now[0] += 1
    assert [times.now_ns(name, 100) for name in ("one", "two")] == [90, 90]


def test_prices_that_lost_digits_are_told(accounts: Accounts, metrics: Metrics) -> None:
    """Counted by exchange, in one line for each flush that has any; none without."""
    with structlog.testing.capture_logs() as logs:
        accounts.flushed(Outcome(Flush(), TickCounts(), inexact={"one": 3, "two": 1}))
        accounts.flushed(Outcome(Flush(), TickCounts(), inexact={"one": 2}))
        accounts.flushed(Outcome(Flush(), TickCounts()))
    assert [(line["event"], line["prices"], line["exchanges"]) for line in logs] == [
        ("prices_inexact", 4, {"one": 3, "two": 1}),
        ("prices_inexact", 2, {"one": 2}),
    ]
    assert metrics.read("collector_prices_inexact_total", "one") == 5
    assert metrics.read("collector_prices_inexact_total", "two") == 1


def test_holes_of_one_cause_are_one_line(accounts: Accounts, metrics: Metrics) -> None:
    """With the ids missing in all of them, and some of the streams."""
    gaps = (
        gap(0, Cause.SEQUENCE, 5, 7),
        gap(2, Cause.SEQUENCE, 9, 9),
        gap(1, Cause.SEQUENCE),
        gap(0, Cause.CRASH),
    )
    with structlog.testing.capture_logs() as logs:
        accounts.flushed(Outcome(Flush((), gaps), TickCounts()))
    said = [(line["exchange"], line["cause"], line["holes"], line["ids"]) for line in logs]
    assert said == [("one", "sequence", 2, 4), ("two", "sequence", 1, 0), ("one", "crash", 1, 0)]
    assert logs[0]["streams"] == ["A TRADES", "C TRADES"]
    assert accounts.totals.gaps == 4
    assert metrics.read("collector_sequence_gaps_total", "one") == 3
    assert metrics.read("collector_ids_missing_total", "one") == 4


def test_a_healed_gap_is_no_hole(accounts: Accounts) -> None:
    """It says that what was missing came after all."""
    healed = GapRecord(0, Table.TRADES, 1, 2, 5, 6, Cause.CRASH, "late")
    with structlog.testing.capture_logs() as logs:
        accounts.flushed(Outcome(Flush((), (healed,)), TickCounts()))
    assert logs == []
    assert accounts.totals.gaps == 0


def test_a_line_names_a_few_streams_at_most(accounts: Accounts) -> None:
    """A connection carries hundreds."""
    gaps = tuple(gap(0, Cause.DISCONNECT) for _ in range(MAX_STREAMS_IN_LOG + 3))
    with structlog.testing.capture_logs() as logs:
        accounts.flushed(Outcome(Flush((), gaps), TickCounts()))
    assert len(logs[0]["streams"]) == MAX_STREAMS_IN_LOG
    assert logs[0]["holes"] == MAX_STREAMS_IN_LOG + 3


def test_what_happened_today_is_known_by_exchange(
    accounts: Accounts, today: Today, clock: StillClock
) -> None:
    """Until midnight of UTC."""
    gaps = (
        gap(0, Cause.SEQUENCE, 5, 7),
        gap(2, Cause.CRASH),
        gap(2, Cause.CRASH),
        gap(1, Cause.SEQUENCE),
    )
    accounts.flushed(Outcome(Flush((rows(0, 4, late=True), rows(0, 1)), gaps), TickCounts()))
    assert today.gaps("one") == {"sequence": 1, "crash": 2}
    assert (today.late("one"), today.late("two")) == (4, 0)
    clock.at_ns += 43_199 * 10**9
    assert today.gaps("two") == {"sequence": 1}
    clock.at_ns += 10**9
    assert (today.gaps("two"), today.late("one")) == ({}, 0)


def test_the_sizes_of_holes_are_counted(accounts: Accounts, metrics: Metrics) -> None:
    """Of those whose ids are known."""
    gaps = (gap(0, Cause.SEQUENCE, 5, 7), gap(0, Cause.SEQUENCE, 9, 9), gap(0, Cause.CRASH))
    accounts.flushed(Outcome(Flush((), gaps), TickCounts()))
    sizes = metrics.exchange("one").gap_size
    assert (int(sizes.counts.sum()), sizes.sum) == (2, 4.0)


def test_ids_that_begin_again_are_counted_and_said_and_are_no_gaps(
    accounts: Accounts, metrics: Metrics
) -> None:
    """One line for each exchange; of strays one for each symbol."""
    counts = TickCounts(begun_again=Counter({0: 1, 2: 1, 1: 1}), strays=Counter({2: 3}))
    record = attrs.evolve(gap(0, Cause.RENUMBERED, 50, 1), healed=VOID)
    with structlog.testing.capture_logs() as lines:
        accounts.flushed(Outcome(Flush((), (record,)), counts))
    assert [(line["event"], line["exchange"], line.get("symbols")) for line in lines] == [
        ("ids_begun_again", "one", ["A", "C"]),
        ("ids_begun_again", "two", ["B"]),
        ("stray_ids", "one", None),
    ]
    assert lines[-1]["symbol"] == "C"
    assert metrics.read("collector_ids_begun_again_total", "one") == 2
    assert metrics.read("collector_ids_begun_again_total", "two") == 1
    assert metrics.read("collector_stray_ids_total", "one") == 3
    assert metrics.read("collector_sequence_gaps_total", "one") == 0
    assert accounts.totals.gaps == 0
