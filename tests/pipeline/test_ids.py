"""The id ledger, and ranges of ids, against plain sets of ids: new exactly once, holes known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.streams import T0, examples, trades
from tick_logger.model.flush import IdRun
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import NO_TIME, Table
from tick_logger.pipeline import id_line
from tick_logger.pipeline.id_line import HoleFilled, HoleOpened, cut
from tick_logger.pipeline.ids import IdLedger

FAR = 10**12
"""No exchange gives so many ids within seconds: those far below are of another numbering."""

EVERYTHING_LEFT = np.full(8, T0)
"""The window holds nothing, and all that came before is released."""


Holes = list[HoleOpened | HoleFilled]


def admitted(ledger: IdLedger, rows: RowBatch) -> tuple[list[bool], Holes]:
    """Which rows are new, and the holes that they opened or filled."""
    keep, findings = ledger.admit(rows, EVERYTHING_LEFT, RowBatch.empty(Table.TRADES))
    holes = [found for found in findings if isinstance(found, HoleOpened | HoleFilled)]
    assert holes == findings, "ids do not begin again here"
    return keep.tolist(), holes


def admit(
    ledger: IdLedger, seqs: Sequence[int], instrument: int = 0, recv: int = T0
) -> tuple[list[int], Holes]:
    """The ids admitted as new, and the findings; row i is received i ns after `recv`."""
    rows = trades([(instrument, recv + i, T0, seq) for i, seq in enumerate(seqs)])
    keep, findings = admitted(ledger, rows)
    return [seq for seq, kept in zip(seqs, keep, strict=True) if kept], findings


def follow(missing: set[int], findings: Sequence[HoleOpened | HoleFilled]) -> set[int]:
    """The missing ids after findings; nothing is filled that was not missing."""
    for found in findings:
        named = set(range(found.first, found.last + 1))
        if isinstance(found, HoleOpened):
            assert not named & missing
            missing = missing | named
        else:
            assert named <= missing
            missing = missing - named
    return missing


class Oracle:
    """What must be known of a stream, with one set per question."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.announced = -1

    def new(self, seqs: Sequence[int]) -> list[int]:
        new: list[int] = []
        for seq in seqs:
            if seq not in self.seen:
                new.append(seq)
                self.seen.add(seq)
        return new

    def missing(self) -> set[int]:
        """Between lowest and highest seen; beyond, up to what was announced."""
        if not self.seen:
            return set()
        return set(range(min(self.seen), max(*self.seen, self.announced) + 1)) - self.seen


@examples
@given(
    base=st.sampled_from([0, 1, 10**9, 2**53, 2**63 - 20, 2**64 - 31]),
    steps=st.lists(
        st.one_of(
            st.lists(st.integers(0, 30), max_size=12),
            st.integers(0, 30),  # an announcement
        ),
        max_size=12,
    ),
)
def test_any_ids_in_any_order_are_new_once_and_holes_are_exact(
    base: int, steps: list[list[int] | int]
) -> None:
    """Rows in any order and announcements between them, also where a float cannot count."""
    ledger, oracle, missing = IdLedger(), Oracle(), set[int]()
    for step in steps:
        if isinstance(step, int):
            if not oracle.seen:
                continue  # the first announcement of all is another test's
            oracle.announced = max(oracle.announced, base + step)
            missing = follow(missing, ledger.announce(0, base + step, T0))
        else:
            seqs = [base + i for i in step]
            kept, findings = admit(ledger, seqs)
            assert kept == oracle.new(seqs)
            missing = follow(missing, findings)
        assert missing == oracle.missing()


@examples
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=40))
def test_instruments_have_nothing_to_do_with_each_other(rows: list[tuple[int, int]]) -> None:
    """One call for all instruments finds what a ledger per instrument finds."""
    rows.sort(key=lambda row: row[0])
    together = IdLedger()
    before = [[i for i, _ in rows[:n]].count(rows[n][0]) for n in range(len(rows))]
    received = [(i, T0 + n, T0, seq) for n, (i, seq) in zip(before, rows, strict=True)]
    keep, findings = admitted(together, trades(received))
    for instrument in range(4):
        seqs = [seq for i, seq in rows if i == instrument]
        kept = [seq for (i, seq), k in zip(rows, keep, strict=True) if k and i == instrument]
        alone = admit(IdLedger(), seqs, instrument, recv=T0)
        assert kept == alone[0]
        mine = [(f.first, f.last) for f in findings if f.instrument == instrument]
        assert mine == [(f.first, f.last) for f in alone[1]]


def test_a_hole_is_bracketed_by_the_receive_times_around_it() -> None:
    """From the row with the highest id before it to the first row after it."""
    ledger = IdLedger()
    admit(ledger, [7, 8, 9], recv=T0)
    _, findings = admit(ledger, [12, 13], recv=T0 + 100)
    assert findings == [HoleOpened(0, 10, 11, T0 + 2, T0 + 100)]
    _, findings = admit(ledger, [16], recv=T0 + 200)
    assert findings == [HoleOpened(0, 14, 15, T0 + 101, T0 + 200)]
    _, findings = admit(ledger, [11], recv=T0 + 300)
    assert findings == [HoleFilled(0, 11, 11, T0 + 300)]


def test_the_first_announcement_of_a_stream_opens_no_hole() -> None:
    """Nothing is known to be missing, but what follows is counted from there."""
    ledger = IdLedger()
    assert ledger.announce(0, 100, T0) == []
    kept, findings = admit(ledger, [100, 101], recv=T0 + 5)
    assert (kept, findings) == ([100, 101], [])
    ledger.announce(1, 100, T0)
    kept, findings = admit(ledger, [103], instrument=1, recv=T0 + 5)
    assert findings == [HoleOpened(1, 101, 102, T0, T0 + 5)]


def test_an_announcement_of_what_is_there_says_nothing() -> None:
    """Heartbeats repeat the newest id all day long."""
    ledger = IdLedger()
    admit(ledger, [1, 2, 3])
    assert ledger.announce(0, 3, T0) == []
    assert ledger.announce(0, 2, T0) == []
    assert ledger.announce(0, 5, T0 + 9) == [HoleOpened(0, 4, 5, T0 + 2, T0 + 9)]
    assert ledger.announce(0, 5, T0 + 10) == []


def test_ids_on_disk_are_continued() -> None:
    """Ranges give back the old holes without reporting them again."""
    ledger = IdLedger()
    ledger.seed(0, [IdRun(a, b, T0, T0, T0, T0) for a, b in ((10, 12), (15, 15), (20, 21))])
    kept, findings = admit(ledger, [12, 14, 15, 21, 24], recv=T0 + 50)
    assert kept == [14, 24]
    assert findings == [HoleFilled(0, 14, 14, T0 + 51), HoleOpened(0, 22, 23, T0, T0 + 54)]
    ledger.seed(1, ())
    assert admit(ledger, [5], instrument=1) == ([5], [])


def test_a_run_of_ids_across_the_announced_end_is_taken_whole() -> None:
    """Part of it fills the announced hole, part continues the stream."""
    ledger = IdLedger()
    admit(ledger, [1])
    ledger.announce(0, 5, T0)
    kept, findings = admit(ledger, [4, 5, 6, 7])
    assert kept == [4, 5, 6, 7]
    assert [(type(found), found.first, found.last) for found in findings] == [(HoleFilled, 4, 5)]
    assert admit(ledger, [6, 7, 8]) == ([8], [])


def test_an_id_below_all_others_opens_the_hole_between() -> None:
    """The start of a stream may arrive in the wrong order."""
    ledger = IdLedger()
    admit(ledger, [10])
    assert admit(ledger, [9]) == ([9], [])
    assert admit(ledger, [6], recv=T0 + 7) == ([6], [HoleOpened(0, 7, 8, T0 + 7, T0 + 7)])


def test_beyond_the_limit_the_oldest_holes_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded: what such a hole would take is then taken for a repetition."""
    monkeypatch.setattr(id_line, "MAX_OPEN_HOLES", 3)
    ledger = IdLedger()
    admit(ledger, range(0, 10, 2))  # holes 1, 3, 5, 7
    kept, findings = admit(ledger, [1, 3, 7], recv=T0 + 100)
    assert kept == [3, 7]
    assert findings == [HoleFilled(0, 3, 3, T0 + 101), HoleFilled(0, 7, 7, T0 + 102)]


def test_a_trade_without_a_time_that_tells_anything_is_told_by_its_id() -> None:
    """It neither begins a numbering nor belongs to an old one, and is there once."""
    ledger = IdLedger()
    admit(ledger, [40, 41])
    for number, (ids, kept) in enumerate(
        [([42, 41], [42]), ([42], []), ([45], [45]), ([43], [43])]
    ):
        rows = trades([(0, T0 + number, NO_TIME, seq) for seq in ids])
        found, holes = admitted(ledger, rows)
        assert [seq for seq, new in zip(ids, found, strict=True) if new] == kept
        assert len(holes) == (number >= 2)
    assert admit(ledger, [46, 47]) == ([46, 47], [])


def test_old_trades_stay_known_when_ids_began_again_with_trades_without_times() -> None:
    """As where what an exchange sends again after a restart is from before that."""
    ledger = IdLedger()
    second = 10**9
    old = [(T0 + n * second, id_) for n, id_ in enumerate(range(FAR, FAR + 11))]

    def new(recv_ns: int, came: Sequence[tuple[int, int]]) -> list[int]:
        rows = trades([(0, recv_ns, event, id_) for event, id_ in came])
        released = np.full(8, recv_ns)
        keep, _ = ledger.admit(rows, released, RowBatch.empty(Table.TRADES))
        return [id_ for (_, id_), kept in zip(came, keep.tolist(), strict=True) if kept]

    assert new(T0 + 11 * second, old) == [*range(FAR, FAR + 11)]
    assert new(T0 + 21 * second, [(T0 + 20 * second, 1)]) == [1]
    assert new(T0 + 22 * second, [(NO_TIME, 2), (NO_TIME, 3)]) == [2, 3]
    assert new(T0 + 30 * second, old) == []
    assert new(T0 + 31 * second, [(T0 + 30 * second, 4)]) == [4]


def test_no_rows_are_no_news() -> None:
    """An empty batch is admitted as such."""
    keep, findings = admitted(IdLedger(), RowBatch.empty(Table.TRADES))
    assert (keep, findings) == ([], [])


@examples
@given(st.sets(st.integers(0, 30)), st.integers(-2, 32), st.integers(0, 12))
def test_what_is_cut_out_is_gone_and_nothing_else(ids: set[int], first: int, more: int) -> None:
    """Ascending disjoint ranges stay so, and hold the ids that were not taken out."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(ids):
        ranges.append((number, number))
        adjacent = len(ranges) > 1 and ranges[-2][1] == number - 1
        if adjacent and number % 3:  # some neighbours stay apart
            ranges[-2:] = [(ranges[-2][0], number)]
    cut(ranges, first, first + more)
    left = [number for low, high in ranges for number in range(low, high + 1)]
    assert left == sorted(ids - set(range(first, first + more + 1)))
