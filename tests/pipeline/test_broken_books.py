"""Of the time in which a book was wrong each moment is in one record, however late it is known."""

from __future__ import annotations

import pytest

from tick_logger.model.cause import Cause
from tick_logger.model.marks import AwaitSnapshot, Lapse, Resumed
from tick_logger.model.tables import Table
from tick_logger.pipeline.broken_books import BrokenBooks, Placed
from tick_logger.pipeline.gaps import GapLedger

BOOK = (Table.BOOK,)


@pytest.mark.parametrize("reload", [False, True])
def test_a_loss_that_is_known_late_is_told_around_what_is_recorded(reload: bool) -> None:
    """One line froze at 5, unnoticed; meanwhile the book broke twice and was mended."""
    gaps = GapLedger(lambda *_: False, lambda _: None)
    books = BrokenBooks(gaps)
    books.placed(Placed(0, 1, 1, 1))
    for begun, mended in ((10, 20), (30, 40)):
        books.note(AwaitSnapshot(0, begun, first_id=begun, broken=True))
        books.placed(Placed(0, 2 * begun, mended, mended))
        books.settle()
    if reload:
        state, books = books.dump(), BrokenBooks(gaps)
        books.load(state)
    for mark in (
        Lapse((0,), BOOK, 3, 5, Cause.SILENT),
        Resumed((0,), BOOK, 5, books_await=True),
    ):
        books.note(mark)
    books.settle()
    told = [(gap.from_ns, gap.to_ns) for gap in gaps.tick() if gap.cause is Cause.RESYNC]
    assert sorted(told) == [(5, 10), (10, 20), (20, 30), (30, 40)]
