"""What `compare` finds between two recordings, as a recorder would have written them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compare.two import MS, Two, counts, row
from tests.storage.sample import MIDNIGHT_NS
from tick_logger.compare import stream
from tick_logger.errors import ConfigError
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.reader.times import Span

DAY_MS = 86_400_000
FEW = [row(seq, seq * 100, price=84106.09 + seq) for seq in range(1, 11)]


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path)


def without(rows: list[dict[str, Any]], *seqs: int) -> list[dict[str, Any]]:
    return [each for each in rows if each["seq"] not in seqs]


@pytest.mark.parametrize("table", list(Table))
def test_equal_recordings_are_equal(two: Two, table: Table) -> None:
    """Other receive times, and rows that came late on one machine, are no difference."""
    later = [{**each, "recv_ns": each["recv_ns"] + 7} for each in FEW]
    two.write(table, FEW, without(later, 4))
    two.new.write(table, [later[3]], late=True)
    found = two.found()
    assert (counts(found), found.equal, found.streams) == ((10, 0, 0, 0), True, ())


@pytest.mark.parametrize("table", list(Table))
def test_rows_that_one_lacks_are_counted_and_shown(two: Two, table: Table) -> None:
    """By table and symbol."""
    two.write(table, without(FEW, 3), without(FEW, 6, 7))
    two.write(Table.TRADES, FEW, FEW, of=1)
    found = two.found()
    assert counts(found) == (17, 2, 1, 0)
    (only,) = found.streams
    assert (only.name, only.tally.both) == (f"venue/BTC-USD/{table}", 7)
    examples = {(x.old or {}).get("ts") or (x.new or {})["ts"] for x in only.examples}
    assert examples == {f"2024-02-01T00:00:00.{n}Z" for n in (3, 6, 7)}
    assert found.compared == 2
    assert not found.equal


def test_trades_with_an_id_are_paired_by_it(two: Two) -> None:
    """Another price, size, side or time is a different value."""
    changed = [dict(each) for each in FEW]
    changed[2]["price"] += 1
    changed[4]["side"] = 0
    changed[5]["event_ns"] += 1
    changed[6]["size"] = 9.0
    two.write(Table.TRADES, FEW, changed)
    found = two.found()
    assert counts(found) == (6, 0, 0, 4)
    assert [(x.old is None, x.new is None) for x in found.streams[0].examples] == [
        (False, False)
    ] * 3


@pytest.mark.parametrize("table", [Table.QUOTES, Table.MD, Table.BOOK])
def test_other_rows_are_the_same_with_all_values_only(two: Two, table: Table) -> None:
    """A changed value is one row less here and one more there."""
    name = "best_bid" if table in (Table.QUOTES, Table.MD) else "size"
    two.write(table, FEW, [*FEW[:4], {**FEW[4], name: 7.5}, *FEW[5:]])
    assert counts(two.found()) == (9, 1, 1, 0)


def test_trades_without_ids_are_compared_with_multiplicity(two: Two) -> None:
    """As of an earlier logger that kept none: three alike here and two there are one too many."""
    olds = [
        row(0, ms, price=price) for ms, price in ((1, 5.0), (2, 5.0), (2, 5.0), (2, 5.0), (9, 6.0))
    ]
    news = [
        row(n, ms, price=price)
        for n, (ms, price) in enumerate([(1, 5.0), (2, 5.0), (2, 5.0), (9, 6.0)], 1)
    ]
    two.write(Table.TRADES, olds, news)
    assert counts(two.found()) == (4, 1, 0, 0)


def test_prices_of_an_f4_recording_are_compared_as_f4(tmp_path: Path) -> None:
    """What f4 cannot tell apart is the same; what it can is not."""
    for number, widths in enumerate((("f4", "f4+rest"), ("f8", "f4"), ("f4", "f4"))):
        two = Two(tmp_path / str(number), widths)
        rows = [row(n, n, price=price) for n, price in enumerate((84106.09, 1e-46, 1e39, 0.1), 1)]
        two.write(Table.TRADES, rows, [*rows[:3], {**rows[3], "price": 0.1000001}])
        assert counts(two.found()) == (3, 0, 0, 1), widths
    exact = Two(tmp_path / "exact", ("f8", "f4+rest"))
    exact.write(Table.TRADES, [row(1, 1, price=84106.09)], [row(1, 1, price=84106.0900001)])
    assert counts(exact.found()) == (0, 0, 0, 1)


def test_only_the_common_time_is_judged(two: Two) -> None:
    """From the later beginning to the earlier end, which are told; the rest is counted."""
    two.write(Table.TRADES, FEW[:8], FEW[2:])
    found = two.found()
    assert (counts(found), found.equal) == ((6, 0, 0, 0), True)
    assert (found.total.outside_old, found.total.outside_new) == (2, 2)
    (judged,) = found.judged
    assert str(judged) == "venue: 2024-02-01T00:00:00.3Z to 2024-02-01T00:00:00.8Z"


def test_a_stream_that_begins_late_or_ends_early_lacks_rows(two: Two) -> None:
    """Beside others of its exchange; but a start takes up to five minutes."""
    minutes = [row(n, n * 60_000) for n in range(1, 31)]
    two.write(Table.QUOTES, minutes, minutes)
    two.write(Table.TRADES, minutes, minutes[4:20])
    found = two.found()
    assert (found.total.only_old, found.total.outside_old) == (10, 4)
    two.write(Table.MD, minutes, minutes[10:])
    assert two.found().streams[0].tally.only_old == 10
    two.write(Table.BOOK, minutes, [])
    assert [(x.table, x.tally.only_old) for x in two.found().streams] == [
        ("MD", 10),
        ("TRADES", 10),
        ("BOOK", 30),
    ]


def test_what_a_subscription_is_greeted_with_begins_nothing(two: Two) -> None:
    """The last trade from long before the start; OLD has those between."""
    greeting = {**FEW[0], "recv_ns": FEW[4]["recv_ns"] + 6 * 10**9}
    later = [
        {**each, "event_ns": each["event_ns"] + 6 * 10**9, "recv_ns": each["recv_ns"] + 6 * 10**9}
        for each in FEW
    ]
    two.write(Table.TRADES, [*FEW, *without(later, *range(11))], [greeting])
    two.write(
        Table.TRADES,
        [row(n, n * 1000) for n in range(11, 20)],
        [row(n, n * 1000) for n in range(11, 20)],
    )
    found = two.found()
    assert (found.total.only_old, found.equal) == (0, True)


def test_what_lies_between_a_greeting_and_the_next_receipt_is_not_judged(two: Two) -> None:
    """Of the recording that began later; where both began together every row counts."""
    two.write(Table.TRADES, FEW, [FEW[2], *FEW[5:7], *FEW[8:]])
    found = two.found()
    assert (found.total.only_old, found.total.outside_old) == (1, 4)
    two.write(Table.QUOTES, FEW, without(FEW, 2))
    assert two.found().total.only_old == 2


def test_snapshots_of_books_are_each_recorders_own(two: Two) -> None:
    """Those that only one was sent are counted for themselves; an update never is."""
    snapshot = [{**FEW[4], "seq": 5, "flags": 1, "price": float(n)} for n in range(7)]
    two.write(Table.BOOK, FEW, [*FEW[:5], *snapshot, *FEW[5:]])
    found = two.found()
    assert (counts(found), found.total.snapshots, found.equal) == ((10, 0, 0, 0), 7, True)
    two.write(Table.BOOK, [], [{**FEW[9], "price": 1.0}])
    assert two.found().total.only_new == 1


def test_holes_explain_what_is_missing_there(two: Two) -> None:
    """By ids and by time, of the other recording only, and counted apart."""
    two.write(Table.TRADES, without(FEW, 4, 5, 6), without(FEW, 8))
    begin = FEW[2]["recv_ns"]
    two.old.miss(GapRecord(0, Table.TRADES, 4, 5, begin, begin + 300 * MS, Cause.SEQUENCE))
    found = two.found()
    assert counts(found) == (6, 1, 3, 0)
    assert (found.total.in_holes_of_old, found.total.in_holes_of_new) == (2, 0)
    two.old.miss(GapRecord(0, Table.TRADES, None, None, begin, None, Cause.CRASH))
    two.new.miss(GapRecord(0, Table.QUOTES, None, None, begin, None, Cause.CRASH))
    found = two.found()
    assert (found.total.in_holes_of_old, found.total.in_holes_of_new) == (3, 0)
    assert found.total.unexplained == 1
    assert [each.old and each.old["id"] for each in found.streams[0].examples] == [8]


def test_healed_holes_explain_nothing(two: Two) -> None:
    """The rows came after all."""
    two.write(Table.TRADES, without(FEW, 4), FEW)
    begin = FEW[2]["recv_ns"]
    two.old.miss(
        GapRecord(0, Table.TRADES, 4, 4, begin, begin + MS, Cause.SEQUENCE),
        GapRecord(0, Table.TRADES, 4, 4, begin, begin + MS, Cause.SEQUENCE, "stream"),
    )
    assert (two.found().total.only_new, two.found().total.in_holes_of_old) == (1, 0)


def test_where_receipt_stands_in_for_the_time_it_is_not_compared(two: Two) -> None:
    """Nor at midnight, on the far side of which one machine was."""
    olds = [{**row(n, DAY_MS - 50 + n * 10), "recv_ns": 0} for n in range(1, 10)]
    for each in olds:
        each["recv_ns"] = each["event_ns"]
    news = [
        {**x, "event_ns": x["event_ns"] + 3 * MS, "recv_ns": x["event_ns"] + 3 * MS} for x in olds
    ]
    two.write(Table.QUOTES, olds, without(news, 7))
    found = two.found()
    assert counts(found) == (8, 1, 0, 0)


def test_one_day_of_several(two: Two) -> None:
    """What lies on others does not count."""
    olds = [row(n, n * DAY_MS // 4) for n in range(1, 12)]
    two.write(Table.TRADES, olds, without(olds, 2, 6))
    day = Span(MIDNIGHT_NS + NS_PER_DAY, MIDNIGHT_NS + 2 * NS_PER_DAY)
    found = two.found(wanted=day)
    assert counts(found) == (3, 1, 0, 0)
    assert found.total.outside_old == 0
    assert (
        two.found(wanted=Span(day.start_ns + 5 * NS_PER_DAY, day.end_ns + 5 * NS_PER_DAY)).compared
        == 0
    )


# -- which symbol is compared with which ----------------------------------------------------------


def test_an_earlier_logger_is_matched_by_symbol(two: Two) -> None:
    """Its folders name no exchange; the one in NEW that has the symbol is meant."""
    news = [row(n, n * 700, price=100.0 + n) for n in range(1, 21)]
    whole = [{**each, "event_ns": each["event_ns"] // 10**9 * 10**9, "seq": 0} for each in news]
    two.old.write(Table.TRADES, whole)
    two.new.write(Table.TRADES, without(news, 5))
    two.new.write(Table.TRADES, FEW, of=1)
    found = two.found(legacy="venue")
    assert counts(found) == (19, 1, 0, 0)
    assert [each.name for each in found.streams] == ["venue/BTC-USD/TRADES"]
    assert found.notes == ("other is recorded in NEW only, not in OLD",)


def test_a_symbol_of_several_exchanges_has_to_be_said(two: Two) -> None:
    """By an option; nothing is guessed."""
    two.new.names = (("venue", "BTC-USD"), ("other", "BTC-USD"))
    two.old.write(Table.TRADES, FEW)
    two.new.write(Table.TRADES, FEW)
    two.new.write(Table.TRADES, without(FEW, 5), of=1)
    with pytest.raises(ConfigError, match="BTC-USD is of other, venue"):
        two.found(legacy="venue")
    assert two.found(legacy="venue", exchange="venue").equal
    assert counts(two.found(legacy="venue", exchange="other")) == (9, 1, 0, 0)
    with pytest.raises(ConfigError, match="there are: other, venue"):
        two.found(legacy="venue", exchange="nowhere")


def test_a_symbol_that_only_one_has_is_said_and_counted(two: Two) -> None:
    """Also of an earlier logger, whose exchange is that of its other symbols."""
    two.old.names = two.new.names = (("venue", "BTC-USD"), ("venue", "ETH/USD"))
    two.write(Table.TRADES, FEW, FEW)
    two.old.write(Table.TRADES, FEW, of=1)
    for legacy in ("", "venue"):
        found = two.found(legacy=legacy)
        assert counts(found) == (10, 10, 0, 0), legacy
        assert found.notes == ("venue: symbols in OLD only: ETH/USD",)


def test_nothing_in_common_is_not_equal(two: Two) -> None:
    """It is said why."""
    two.write(Table.TRADES, FEW[:3], FEW[5:])
    found = two.found()
    assert (found.equal, found.compared) == (False, 0)
    assert found.notes == ("venue: OLD and NEW have no time in common",)


# -- in pieces ------------------------------------------------------------------------------------

ROWS = st.lists(
    st.tuples(st.integers(1, 6), st.integers(0, 8), st.sampled_from([1.0, 2.0, float("nan")])),
    max_size=12,
)


@settings(max_examples=30)
@given(
    olds=ROWS, news=ROWS, most=st.integers(1, 20), table=st.sampled_from([Table.QUOTES, Table.BOOK])
)
def test_any_rows_in_any_pieces(
    tmp_path_factory: pytest.TempPathFactory,
    olds: list[tuple[int, int, float]],
    news: list[tuple[int, int, float]],
    most: int,
    table: Table,
) -> None:
    """As many of each kind as a bag of rows says; how many are read at once does not matter."""
    two = Two(tmp_path_factory.mktemp("any"))
    name = "best_bid" if table is Table.QUOTES else "price"
    edges = [(1, -1, 1.0), (1, 9, 1.0)]
    made = []
    for rows in (olds, news):
        ordered = sorted([*rows, *edges], key=lambda each: each[1])
        made.append([row(seq, ms, **{name: value}) for seq, ms, value in ordered])
    two.write(table, *made)
    bags = [Counter((s, m, str(v)) for s, m, v in (*rows, *edges)) for rows in (olds, news)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "MOST_ROWS", most)
        found = two.found()
    expected = (bags[0] & bags[1]).total(), (bags[0] - bags[1]).total(), (bags[1] - bags[0]).total()
    assert counts(found)[:3] == expected


def test_trades_are_paired_across_pieces(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their times differ by seconds, as of a logger that took those of receipt."""
    monkeypatch.setattr(stream, "MOST_ROWS", 4)
    rows = [row(seq, seq * 1000) for seq in range(1, 31)]
    late = [{**each, "event_ns": each["event_ns"] + 2 * 10**9} for each in rows]
    two.write(Table.TRADES, rows, late)
    found = two.found()
    assert found.total.only_old == found.total.only_new == 0
    assert found.total.different == 30
