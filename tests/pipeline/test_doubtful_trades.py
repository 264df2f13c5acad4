"""Trades whose times are in doubt: each is recorded once, also where ids begin again meanwhile."""

from __future__ import annotations

import numpy as np
import pytest

from tests.pipeline.streams import SECOND, Out, continued, new_pipeline, record, ticked, trades
from tests.pipeline.timed import NOON, Row, all_aside, live
from tick_logger.model.cause import Cause
from tick_logger.model.flush import VOID
from tick_logger.model.proof import Ids
from tick_logger.model.tables import NO_TIME
from tick_logger.pipeline.id_line import BegunAgain, Finding, HoleFilled, HoleOpened
from tick_logger.pipeline.ids import IdLedger
from tick_logger.pipeline.venue_clocks import MAX_AGE_NS, MAX_AHEAD_NS

EVERY_SECS = 40
"""So rare are trades that a clock at half its speed is learned too late: all times are in doubt."""

IDS = [*range(101, 131), *range(121, 161)]
BEGINS = 30  # the place at which ids begin again


def seldom() -> list[Row]:
    """Trades whose ids begin again, received while this machine's clock runs at half its speed."""
    return [
        (0, NOON + n * EVERY_SECS * SECOND // 2, NOON + n * EVERY_SECS * SECOND, id_)
        for n, id_ in enumerate(IDS)
    ]


def again(row: Row, after_ns: int) -> Row:
    """The same trade, received later."""
    instrument, recv, event, seq = row
    return instrument, recv + after_ns, event, seq


@pytest.mark.parametrize("ids", [Ids.DENSE, Ids.SPARSE])
@pytest.mark.parametrize("crash", [None, BEGINS - 1, BEGINS, BEGINS + 3])
def test_ids_that_begin_again_while_times_are_in_doubt_lose_no_trade(
    ids: Ids, crash: int | None
) -> None:
    """Nor is one there twice of those that each new connection is sent again."""
    rows, out, pipeline = seldom(), Out(), new_pipeline(ids=ids)
    sent_again = 0
    for place, row in enumerate(rows):
        if place == crash:
            pipeline = continued(pipeline, stop=rows[place - 1][1])
        earlier = rows[max(place - 20, 0) : place] if place % 2 else []
        repeated = [again(each, row[1] - each[1]) for each in earlier]
        sent_again += len(repeated)
        ticked(out, pipeline, [trades([*repeated, row])], [], [])
    out.add(pipeline.close(rows[-1][1]))
    # What waits when a process ends is judged by what is known by then.
    assert crash or all_aside(out) == []
    kept = [*out.keys(), *out.keys(late=True), *out.aside()]
    assert sorted(kept) == [row[2:] for row in rows]
    assert out.duplicates == {0: sent_again}
    assert out.missing() == set()


def test_ids_that_begin_again_while_times_are_in_doubt_are_said_to() -> None:
    """So that who reads the files knows why an id is there twice."""
    rows = seldom()
    out = record([[trades([row])] for row in rows], close_at=rows[-1][1])
    told = [(gap.cause, gap.healed, gap.from_id, gap.to_id) for gap in out.gaps]
    assert told == [(Cause.RENUMBERED, VOID, 130, 121)]
    assert (out.begun_again, out.strays) == ({0: 1}, {})


def test_a_trade_of_a_wrong_time_whose_id_others_had_is_called_a_stray() -> None:
    """It may be another one with which ids begin again: nobody can tell, and both are kept."""
    rows = [live(second, 100 + second) for second in range(40)]
    odd_row = 0, NOON + 30 * SECOND, NOON + 90 * SECOND, 105
    out = record([[trades([row, odd_row] if row[3] == 130 else [row])] for row in rows])
    assert out.aside() == [(odd_row[2], 105)]
    told = [(gap.cause, gap.healed, gap.from_id, gap.to_id) for gap in out.gaps]
    assert [(cause, healed, to_id) for cause, healed, _, to_id in told] == [
        (Cause.STRAY, VOID, 105)
    ]
    assert out.strays == {0: 1}


@pytest.mark.parametrize("ids", [Ids.DENSE, Ids.SPARSE])
@pytest.mark.parametrize("edge", [MAX_AHEAD_NS, -MAX_AGE_NS])
@pytest.mark.parametrize("apart", [0, 1, 3])
def test_a_trade_that_is_in_doubt_on_one_of_two_connections_is_there_once(
    ids: Ids, edge: int, apart: int
) -> None:
    """A second later it is less far ahead, or too old; `apart` ticks are between the two."""
    live_rows = [live(second, 100 + second, instrument=2) for second in range(40)]
    ticks = [[row] for row in live_rows]
    recv = NOON + 20 * SECOND
    event = recv + edge + (SECOND // 3 if edge > 0 else 0)
    ticks[5] = [*ticks[5], (0, NOON + 5 * SECOND, min(NOON, event - 10 * SECOND), 20)]
    odd_rows = [(0, recv, event, seq) for seq in (21, 22, 23)]
    ticks[20] = [*ticks[20], *odd_rows]
    later = [again(each, apart * SECOND + SECOND // 2) for each in odd_rows]
    ticks[20 + apart] = [*ticks[20 + apart], *later]
    out = record([[trades(tick)] for tick in ticks], new_pipeline(ids=ids))
    assert [seq for seq in out.ids() if seq > 20] == [21, 22, 23]
    assert out.gaps == []
    assert out.duplicates == {0: 3}


@pytest.mark.parametrize("untold", [1, 2, 10])
@pytest.mark.parametrize("crash", [False, True])
def test_ids_that_begin_again_with_trades_without_a_time_leave_no_hole(
    untold: int, crash: bool
) -> None:
    """The first are taken, by their ids, for older ones; what follows them tells otherwise."""
    ledger, findings = IdLedger(), list[Finding]()

    def take(first: int, last: int, second: int, *, timed: bool = True) -> None:
        times = [NOON + second * SECOND] * (last - first + 1)
        rows = [(0, recv, recv if timed else NO_TIME, first + n) for n, recv in enumerate(times)]
        keep, found = ledger.admit(trades(rows), np.array([NOON]), trades([]))
        assert keep.all()
        findings.extend(found)

    take(894, 900, 0)
    take(865, 865 + untold - 1, 10, timed=False)
    assert findings == [HoleOpened(0, 865 + untold, 893, NOON + 10 * SECOND, NOON + 10 * SECOND)]
    if crash:
        continued_by = IdLedger()
        continued_by.load(ledger.dump())
        ledger = continued_by
    first = 865 + untold
    take(first, first + 2, 20)
    at_ns = NOON + 20 * SECOND
    assert findings[1:] == [
        BegunAgain(0, 900, first, NOON, at_ns),
        HoleFilled(0, first, 893, at_ns, never_were=True),
    ]
    take(first + 4, 910, 30)
    assert findings[3:] == [
        HoleOpened(0, first + 3, first + 3, at_ns, NOON + 30 * SECOND, numbering=1)
    ]


@pytest.mark.parametrize("lost", [1, 3])
def test_of_ids_that_begin_again_without_a_time_those_that_were_lost_are_missing(lost: int) -> None:
    """The rest of the hole never was."""
    ledger, findings = IdLedger(), list[Finding]()
    first = 866 + lost
    ids = [(894, NOON), (865, NO_TIME), (first, NOON + 20), (first + 1, NOON + 21)]
    for second, (id_, event) in enumerate(ids):
        row = (0, NOON + second * SECOND, event, id_)
        findings += ledger.admit(trades([row]), np.array([NOON]), trades([]))[1]
    filled = [each for each in findings if isinstance(each, HoleFilled)]
    assert filled == [HoleFilled(0, first, 893, NOON + 2 * SECOND, never_were=True)]


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("announced", [False, True])
def test_trades_come_late_before_one_whose_time_is_not_known(
    announced: bool, restart: bool
) -> None:
    """They are newer than all whose times are known, and fill the hole before it all the same."""
    ledger, findings = IdLedger(), list[Finding]()

    def take(id_: int, event: int) -> None:
        row = (0, NOON + id_ * SECOND, event, id_)
        keep, found = ledger.admit(trades([row]), np.array([NOON]), trades([]))
        assert keep.all()
        findings.extend(found)

    take(100, NOON)
    if announced:
        findings += ledger.announce(0, 104, NOON + 104 * SECOND)
        findings += ledger.announce(0, 106, NOON + 106 * SECOND)
    else:
        take(104, NO_TIME)
        take(107, NO_TIME)
    if restart:
        state, ledger = ledger.dump(), IdLedger()
        ledger.load(state)
    for id_ in (102, 103, 105):
        take(id_, NOON + id_ * SECOND)
    opened, filled = findings[:2], findings[2:]
    assert all(isinstance(each, HoleOpened) for each in opened)
    assert [(type(each), getattr(each, "first", 0)) for each in filled] == [
        (HoleFilled, 102), (HoleFilled, 103), (HoleFilled, 105)
    ]  # fmt: skip


def test_a_hole_in_whose_place_ids_begin_again_was_missing_if_times_told_so() -> None:
    """Its ids were given, and lost: that others begin with them is chance."""
    ledger, findings = IdLedger(), list[Finding]()
    for second, first in ((10, 894), (0, 865), (20, 866), (21, 867)):
        rows = [(0, NOON + 20 * SECOND, NOON + second * SECOND, first)]
        _, found = ledger.admit(trades(rows), np.array([NOON]), trades([]))
        findings += found
    assert [type(each) for each in findings] == [HoleOpened, BegunAgain]
