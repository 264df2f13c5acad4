"""The order book that a reader rebuilds from BOOK is the one that the venue's own rules give."""

from __future__ import annotations

import numpy as np

from tests.recordings import needs_recordings
from tests.replay import disk
from tests.replay.books import SNAPSHOT, ChangeReader, RowReader, points, rows_until
from tests.replay.captures import said
from tests.replay.running import Recorded
from tests.replay.said import DAY_NS, Change, numbers

pytestmark = needs_recordings

COMPARED_AT = 9  # points in time of each book, the last among them


def test_books_rebuilt_from_files_equal_those_rebuilt_from_frames(recorded: Recorded) -> None:
    """Level for level: at the end and at points on the way."""
    for symbol, changes in said(recorded.play).books.items():
        rows = disk.read(recorded.symbol(symbol), "BOOK", recorded.dtype)
        compare(rows, changes, points(changes, COMPARED_AT), recorded.dtype)


def test_books_go_on_from_one_days_files_in_the_next(recorded: Recorded) -> None:
    """After the last row of each day a book is what it was at midnight."""
    broken = {symbol for symbol, *_ in said(recorded.play).broken_chains}
    for symbol, changes in said(recorded.play).books.items():
        if symbol in broken:
            continue  # a book after a hole is not known
        of_day: dict[int, int] = {}  # the last change of each day
        for number, change in enumerate(changes):
            if change.time_ns is not None and change.levels:
                of_day[change.time_ns // DAY_NS] = number
        folder = recorded.symbol(symbol)
        assert disk.days(folder, "BOOK") == sorted(of_day)
        rows = disk.read(folder, "BOOK", recorded.dtype)
        ends = np.cumsum(
            [len(disk.read(folder, "BOOK", recorded.dtype, d)["side"]) for d in of_day]
        )
        reader, truth, done = RowReader(rows), ChangeReader(recorded.dtype), 0
        for end, last in zip(ends.tolist(), of_day.values(), strict=True):
            assert reader.advance(end) == truth.apply(changes[done : last + 1])
            done = last + 1


def test_every_level_of_every_update_is_a_row(recorded: Recorded) -> None:
    """Also of those that a snapshot covers; and nothing else is."""
    for symbol, updates in said(recorded.play).updates.items():
        rows = disk.read(recorded.symbol(symbol), "BOOK", recorded.dtype)
        same_rows(rows, updates, recorded.dtype, flags=0)


def test_every_snapshot_is_recorded_once(recorded: Recorded) -> None:
    """With all of its levels, flagged, and with the update id where there is one."""
    for symbol, snapshots in said(recorded.play).snapshots.items():
        rows = disk.read(recorded.symbol(symbol), "BOOK", recorded.dtype)
        same_rows(rows, snapshots, recorded.dtype, flags=SNAPSHOT)


def compare(rows: disk.Columns, changes: list[Change], at: list[int], dtype: str) -> None:
    """Both books after each of these changes."""
    reader, truth, done = RowReader(rows), ChangeReader(dtype), 0
    for number in at:
        expected = truth.apply(changes[done : number + 1])
        time_ns = changes[number].time_ns
        assert time_ns is not None
        assert reader.advance(rows_until(rows, time_ns)) == expected
        assert expected, "an empty book compares with anything"
        done = number + 1


def same_rows(rows: disk.Columns, changes: list[Change], dtype: str, *, flags: int) -> None:
    """The rows with these flags are the levels of the changes, in order."""
    rows = {name: column[rows["flags"] == flags] for name, column in rows.items()}
    ordered = sorted(changes, key=lambda c: (c.time_ns or 0, c.last_id))  # stable
    levels = [(change, *level) for change in ordered for level in change.levels]
    assert rows["update_id"].tolist() == [change.last_id for change, *_ in levels]
    assert rows["side"].tolist() == [side for _, side, _, _ in levels]
    np.testing.assert_array_equal(
        rows["price"], numbers([price for _, _, price, _ in levels], dtype)
    )
    np.testing.assert_array_equal(rows["size"], numbers([size for *_, size in levels], dtype))
    times = [change.time_ns for change, *_ in levels]
    if flags != SNAPSHOT:  # which have no time of their own
        assert rows["time_ns"].tolist() == times
