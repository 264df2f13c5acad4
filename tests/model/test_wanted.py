"""Which rows are to be recorded."""

from __future__ import annotations

import numpy as np
import pytest

from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import SPECS, Table
from tick_logger.model.wanted import WantedTables


def rows(table: Table, instruments: list[int]) -> RowBatch:
    columns = {
        name: np.zeros(len(instruments), dtype) for name, dtype in SPECS[table].all_fields.items()
    }
    return RowBatch.build(table, {**columns, "instrument": instruments})


def test_rows_of_unwanted_tables_are_left_out() -> None:
    """Per instrument and table; the order stays."""
    wanted = WantedTables()
    wanted.set(0, [Table.MD])
    wanted.set(1, [Table.MD, Table.QUOTES])
    wanted.set(2, [])
    mixed = [1, 0, 2, 1, 0]
    assert wanted.only(rows(Table.MD, mixed))["instrument"].tolist() == [1, 0, 1, 0]
    assert wanted.only(rows(Table.QUOTES, mixed))["instrument"].tolist() == [1, 1]
    assert len(wanted.only(rows(Table.BOOK, mixed))) == 0


def test_a_later_wish_replaces_the_earlier() -> None:
    """Tables are taken away as well as added."""
    wanted = WantedTables()
    wanted.set(0, [Table.MD])
    wanted.set(0, [Table.BOOK])
    assert len(wanted.only(rows(Table.MD, [0]))) == 0
    assert len(wanted.only(rows(Table.BOOK, [0]))) == 1


@pytest.mark.parametrize("last", [1, 255, 256, 257, 1000])
def test_any_number_of_instruments_finds_room(last: int) -> None:
    """Growing keeps what was there and adds no wish."""
    wanted = WantedTables()
    wanted.set(0, [Table.MD])
    wanted.set(last, [Table.MD])
    asked = [0, last - 1, last] if last > 1 else [0, last]
    assert wanted.only(rows(Table.MD, asked))["instrument"].tolist() == [0, last]


def test_when_all_rows_are_wanted_the_batch_itself_is_given() -> None:
    """The usual case copies nothing; an empty batch needs no instrument to be known."""
    wanted = WantedTables()
    empty = RowBatch.empty(Table.MD)
    assert wanted.only(empty) is empty
    wanted.set(0, [Table.MD])
    batch = rows(Table.MD, [0, 0])
    assert wanted.only(batch) is batch


def test_changes_are_told_once_and_in_order() -> None:
    """Whoever decodes the same payloads again is told them before the rows that follow."""
    wanted = WantedTables()
    wanted.set(7, [Table.MD])
    wanted.set(2, [Table.BOOK, Table.TRADES])
    wanted.set(7, [])
    assert wanted.take_changes() == [7, 2]
    assert wanted.take_changes() == []
    wanted.set(2, [Table.MD])
    assert wanted.take_changes() == [2]


def test_it_says_what_is_recorded_of_an_instrument() -> None:
    """In the order of the tables; of one that nobody asked for, nothing."""
    wanted = WantedTables()
    wanted.set(3, [Table.TRADES, Table.MD])
    assert wanted.tables(3) == tuple(t for t in Table if t in (Table.MD, Table.TRADES))
    assert wanted.tables(0) == wanted.tables(900) == ()
