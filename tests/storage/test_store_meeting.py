"""What is met before it is written: how long it is now, so that it can be cut to that later."""

from __future__ import annotations

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.storage.expected import after_first_step, contents, expected, script
from tests.storage.sample import DAY, flush, numbered, run
from tests.storage.stored import put, store
from tick_logger.errors import StorageError
from tick_logger.model.flush import Flush
from tick_logger.model.schemas import Schema
from tick_logger.model.tables import Table
from tick_logger.storage.extents import Extent

SECOND_STEP_NEW = [
    Extent("venue/ETH-USD/TRADES", DAY, 0, Schema.first(Table.TRADES, "f4")),
    Extent("venue/BTC-USD/late/TRADES", DAY, 0, Schema.first(Table.TRADES, "f4")),
    Extent("venue/BTC-USD/TRADES", DAY + 1, 0, Schema.first(Table.TRADES, "f4")),
    Extent("venue/BTC-USD/gaps.01.02.24.jsonl", DAY, 0),
    Extent("venue/ETH-USD/gaps.01.02.24.jsonl", DAY, 0),
    Extent("venue/undecodable.01.02.24.jsonl", DAY, 0),
    Extent("other/undecodable.02.02.24.jsonl", DAY + 1, 0),
]


def test_what_is_not_there_has_no_length() -> None:
    """Each table-day and each file of lines is met once, and only if it is to be written."""
    files = MemoryFiles()
    made = store(files)
    first, second, third = script()
    assert made.meet(*first) == [
        Extent("venue/BTC-USD/TRADES", DAY, 0, Schema.first(Table.TRADES, "f4")),
        Extent("venue/BTC-USD/MD", DAY, 0, Schema.first(Table.MD, "f4")),
    ]
    assert made.meet(*second) == SECOND_STEP_NEW
    assert made.meet(*third) == []
    assert made.meet(flush(run(Table.QUOTES, []))) == []
    assert files.contents == {}


def test_what_another_process_has_written() -> None:
    """Rows of columns, bytes of lines."""
    files = MemoryFiles()
    for step in script():
        put(store(files), *step)
    made = store(files, "f4")
    gaps = expected(*script())["venue/BTC-USD/gaps.01.02.24.jsonl"]
    assert made.meet(script()[0][0]) == [
        Extent("venue/BTC-USD/TRADES", DAY, 7, Schema.first(Table.TRADES, "f4")),
        Extent("venue/BTC-USD/MD", DAY, 6, Schema.first(Table.MD, "f4")),
    ]
    assert made.meet(Flush(gaps=script()[2][0].gaps)) == [
        Extent("venue/BTC-USD/gaps.01.02.24.jsonl", DAY, len(gaps))
    ]
    assert contents(files) == expected(*script())


@pytest.mark.parametrize("operation", range(1, 10 + 10 + 10 + 2 + 2 + 1))
def test_meeting_again_after_a_failure(operation: int) -> None:
    """What a failed call has looked at already is not left out of the next one."""
    files = MemoryFiles()
    made = store(files)
    put(made, *script()[0])
    files.fail_at = files.operations + operation
    with pytest.raises(StorageError, match=r"cannot look at .*: Input/output error"):
        made.meet(*script()[1])
    assert made.meet(*script()[1]) == SECOND_STEP_NEW


def test_a_torn_line_is_not_counted() -> None:
    """It is cut off when its file is met."""
    files = MemoryFiles()
    for step in script():
        put(store(files), *step)
    path = "other/undecodable.02.02.24.jsonl"
    whole = bytes(files.contents[path])
    files.append(path, b'{"recv_ns": 1')
    made = store(files)
    assert made.meet(Flush(), script()[2][1]) == [Extent(path, DAY + 1, len(whole))]
    assert files.contents[path] == whole


def test_writing_what_was_not_met() -> None:
    """A recovery would not know where to cut."""
    files = MemoryFiles()
    with pytest.raises(AssertionError, match="without having been met"):
        store(files).write(*script()[0])
    assert files.contents == {}


def test_a_known_day_of_another_width_is_refused() -> None:
    """Also where its length comes from a dump and not from the disk."""
    files = MemoryFiles()
    after_first_step(files)
    first = store(files)
    first.meet(*script()[0])
    second = store(files, "f8")
    second.load(first.dump())
    assert second.meet(*script()[0]) == []
    assert set(second.unwritable.values()) == {"its prices are f4, and f8 is configured"}
    new_day = flush(run(Table.TRADES, numbered(1, 1, day=DAY + 1), day=DAY + 1))
    third = store(files, "f8")
    third.load(first.dump())
    assert third.meet(new_day) == [
        Extent("venue/BTC-USD/TRADES", DAY + 1, 0, Schema.first(Table.TRADES, "f8"))
    ]
