"""Lengths as values and as state, and when they are forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.storage.expected import contents, expected, script
from tests.storage.sample import DAY, flush, instruments, numbered, run
from tests.storage.stored import MD, TRADES, put, store
from tick_logger.model.schemas import Schema, Schemas
from tick_logger.model.tables import Table
from tick_logger.storage import extents
from tick_logger.storage.extents import Extent, extents_to_state
from tick_logger.storage.store import Store

ROWS = Extent(TRADES, DAY, 3, Schema.first(Table.TRADES, "f8"))
LINES = Extent("venue/BTC-USD/gaps.01.02.24.jsonl", DAY, 70)


@pytest.mark.parametrize("extent", [ROWS, LINES])
def test_plain_and_back(extent: Extent) -> None:
    """Texts and numbers in a list, from which the same extent can be made."""
    plain = extent.to_plain()
    assert [type(each) for each in plain] == [str, int, int, str]
    assert Extent.from_plain(plain) == extent


@pytest.mark.parametrize("plain", [[], ["x", 1, 2], ["x", "1", 2, ""], ["x", 1, 2, "", 4]])
def test_what_is_no_extent(plain: list[Any]) -> None:
    """It is refused."""
    with pytest.raises(ValueError, match="Expected"):
        Extent.from_plain(plain)


def test_sizes() -> None:
    """The bytes of each file, the time column first."""
    sizes = ROWS.sizes()
    assert next(iter(sizes)) == f"{TRADES}/trade_time.01.02.24.bin"
    assert {path.split("/")[-1].split(".")[0]: size for path, size in sizes.items()} == {
        "trade_id": 24,
        "trade_price": 24,
        "trade_size": 24,
        "trade_side": 12,
        "maker_order_id": 48,
        "taker_order_id": 48,
        "recv_time": 12,
        "recv_nanos": 12,
        "trade_nanos": 12,
        "trade_time": 12,
        "rest": 0,  # columns that the day does not have are good with nothing in them
        "origin": 0,
    }
    assert LINES.sizes() == {LINES.path: 70}


def test_dump_and_load() -> None:
    """Another process knows the same lengths, in the same order, and goes on from them."""
    files = MemoryFiles()
    first = store(files)
    for step in script()[:2]:
        put(first, *step)
    state = first.dump()
    second = store(files)
    second.load(state)
    assert second.extents() == first.extents()
    assert Extent(TRADES, DAY, 5, Schema.first(Table.TRADES, "f4")) in second.extents()
    assert second.meet(*script()[2]) == []
    second.write(*script()[2])
    assert contents(files) == expected(*script())


def test_what_was_loaded_is_cut_before_it_grows() -> None:
    """Even if nobody has asked for it."""
    files = MemoryFiles()
    first = store(files)
    put(first, *script()[0])
    state = first.dump()
    put(first, *script()[1])
    second = store(files)
    second.load(state)
    second.write(flush(run(Table.TRADES, numbered(3, 5))))
    ids = files.contents[f"{TRADES}/trade_id.01.02.24.bin"]
    assert ids == b"".join(number.to_bytes(8, "little") for number in (1, 2, 3, 4, 5))


def test_state_is_plain() -> None:
    """Dictionaries with text keys, lists, numbers, texts and arrays."""
    made = store(MemoryFiles())
    put(made, *script()[1])
    state = made.dump()
    assert state["asides"] == [
        ["venue/undecodable.01.02.24.jsonl", DAY, 2],
        ["other/undecodable.02.02.24.jsonl", DAY + 1, 1],
    ]
    assert {name: type(value).__name__ for name, value in state["extents"].items()} == {
        "paths": "list",
        "days": "ndarray",
        "lengths": "ndarray",
        "schemas": "list",
        "schema": "ndarray",
    }
    assert state["extents"]["days"].dtype == state["extents"]["lengths"].dtype == "int64"


def of_days(made: Store, *days: int, instrument: int = 0) -> None:
    """Write one row of each of these days."""
    for day in days:
        rows = numbered(1, 1, day=day, instrument=instrument)
        put(made, flush(run(Table.TRADES, rows, day=day)))


def test_what_is_long_unused_is_forgotten_with_a_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is met again if it is needed; how far apart the days are does not matter."""
    monkeypatch.setattr(extents, "MAX_IDLE_DUMPS", 2)
    files = MemoryFiles()
    made = store(files)
    of_days(made, DAY, DAY + 1, DAY + 3000)
    made.dump()
    made.dump()
    assert [extent.day for extent in made.extents()] == [DAY, DAY + 1, DAY + 3000]
    of_days(made, DAY + 1)
    made.dump()
    assert [extent.day for extent in made.extents()] == [DAY + 1]
    again = flush(run(Table.TRADES, numbered(2, 2)))
    assert made.meet(again) == [Extent(TRADES, DAY, 1, Schema.first(Table.TRADES, "f4"))]


def test_the_bound_counts_at_a_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was used longest ago goes first; until then a recovery may need it."""
    monkeypatch.setattr(extents, "MAX_KNOWN_DAYS", 2)
    made = Store(
        MemoryFiles(), instruments(*(("venue", name) for name in "abc")), Schemas.first("f4")
    )
    for instrument in (0, 1, 2, 0):
        of_days(made, DAY, instrument=instrument)
    assert len(made.extents()) == 3
    made.dump()
    assert made.extents() == [
        Extent("venue/c/TRADES", DAY, 1, Schema.first(Table.TRADES, "f4")),
        Extent("venue/a/TRADES", DAY, 2, Schema.first(Table.TRADES, "f4")),
    ]


def test_what_has_to_be_cut_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that may be longer than good stay known, however long unused, until they are cut."""
    monkeypatch.setattr(extents, "MAX_IDLE_DUMPS", 0)
    old = Extent(MD, DAY, 0, Schema.first(Table.MD, "f4"))
    made = store(MemoryFiles())
    made.load({"extents": extents_to_state([old]), "asides": []})
    made.dump()
    assert made.extents() == [old]
    made.cut(made.extents())
    made.dump()
    assert made.extents() == []
