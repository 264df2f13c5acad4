"""Rows that are told apart by a number, which is in their id and in their event time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.pipeline.streams import T0, Out
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table

Build = Callable[[Sequence[tuple[int, int, int, int]]], RowBatch]
"""A batch from (instrument, recv_ns, event_ns, seq) of each row."""

each_row_from_before = pytest.mark.parametrize(
    ("event", "seq", "kept"),
    [
        pytest.param(1, 1, False, id="older in both"),
        pytest.param(5, 5, False, id="the newest"),
        pytest.param(6, 5, False, id="the newest update's id alone"),
        pytest.param(6, 1, True, id="ids begin anew"),
        pytest.param(1, 6, True, id="an old time, but a new id"),
        pytest.param(1, -100, True, id="no id"),
    ],
)
"""What may come after rows 1 to 5 and a restart: numbers of its time and id, and if it is new."""


def row(number: int, recv: int | None = None, instrument: int = 0) -> tuple[int, int, int, int]:
    """The row with this id; its event time goes with it."""
    return (instrument, T0 + number if recv is None else recv, T0 + 1000 * number, 100 + number)


def numbers(out: Out, table: Table, instrument: int = 0) -> list[int]:
    """Which rows came out, late ones included."""
    return [seq - 100 for seq in out.ids(instrument, table)]
