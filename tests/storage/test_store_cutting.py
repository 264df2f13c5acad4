"""Back to the lengths from which a recovery continues, whatever a crash has left."""

from __future__ import annotations

from random import Random

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.fakes.sim_disk import PowerCut, SimDisk
from tests.storage.expected import after_first_step, contents, expected, script
from tests.storage.sample import DAY
from tests.storage.stored import MD, TRADES, put, store
from tick_logger.errors import RefusedError, StorageError
from tick_logger.model.schemas import Schema
from tick_logger.model.tables import Table
from tick_logger.storage.cutting import Damaged, Missing
from tick_logger.storage.extents import Extent

FIRST_STEP = [
    Extent(TRADES, DAY, 2, Schema.first(Table.TRADES, "f4")),
    Extent(MD, DAY, 1, Schema.first(Table.MD, "f4")),
]


def after_two_steps() -> tuple[MemoryFiles, list[Extent]]:
    """The disk, and what was known of its files in between."""
    files = MemoryFiles()
    made = store(files)
    first, second, _ = script()
    put(made, *first)
    extents = made.extents() + made.meet(*second)
    made.write(*second)
    return files, extents


def test_what_was_written_since_is_cut_and_written_again() -> None:
    """The same steps give the same bytes."""
    files, extents = after_two_steps()
    made = store(files)
    assert made.cut(extents) == []
    assert contents(files) == expected(script()[0])
    assert made.extents() == extents
    for step in script()[1:]:
        assert made.meet(*step) == []
        made.write(*step)
    assert contents(files) == expected(*script())
    assert made.take_repairs() == []


@pytest.mark.parametrize("seed", range(150))
def test_after_a_power_cut(seed: int) -> None:
    """Torn columns, zeros of a plausible length, files that vanished: all are made good."""
    rng = Random(seed)
    disk = SimDisk(rng)
    made = store(disk)
    first, second, third = script()
    put(made, *first)
    disk.sync()
    state = made.dump()
    met = made.meet(*second)  # made durable elsewhere before anything is written
    disk.power_cut_at(disk.operations + rng.randint(1, 90))
    try:
        made.write(*second)
        met += made.meet(*third)
        made.write(*third)
        disk.sync()
        for _ in range(90):
            disk.size("")
    except PowerCut:
        pass
    disk.crash(rng)
    again = store(disk)
    again.load(state)
    assert again.cut([*again.extents(), *met]) == []
    assert contents(disk) == expected(first)
    for step in (second, third):
        assert again.meet(*step) == []
        again.write(*step)
    assert contents(disk) == expected(*script())


def test_a_file_of_the_right_length_is_left_alone() -> None:
    """Nothing is shortened that is not too long."""
    files = MemoryFiles()
    after_first_step(files)
    operations = files.operations
    assert store(files).cut(FIRST_STEP) == []
    assert files.operations == operations + 2 * (12 + 11)  # sizes, looked at twice
    assert contents(files) == expected(script()[0])


def test_zeros_within_the_longer_part() -> None:
    """A length that looks right says nothing about rows that were never made durable."""
    files, extents = after_two_steps()
    for path, content in files.contents.items():
        if path.startswith(f"{MD}/"):
            content[4:] = bytes(len(content) - 4)
    made = store(files)
    made.cut(extents)
    made.write(*script()[1])
    assert contents(files) == expected(*script()[:2])


def test_the_time_column_is_cut_first() -> None:
    """A reader never counts rows of which other columns are gone already."""
    files, extents = after_two_steps()
    files.fail_at = files.operations + 2 * 11 + 2  # all have been looked at, and one was cut
    with pytest.raises(StorageError, match=f"cannot cut {MD}/nanos"):
        store(files).cut([each for each in extents if each.path == MD])
    assert len(files.contents[f"{MD}/time.01.02.24.bin"]) == 4
    assert len(files.contents[f"{MD}/nanos.01.02.24.bin"]) == 20


@pytest.mark.parametrize("operation", [1, 30, 60, 100, 101, 105, 120, 140])
def test_cutting_again_after_a_failure(operation: int) -> None:
    """The same call, until it succeeds."""
    files, extents = after_two_steps()
    files.fail_at = files.operations + operation
    made = store(files)
    with pytest.raises(StorageError, match="Input/output error"):
        made.cut(extents)
    assert made.cut(extents) == []
    assert contents(files) == expected(script()[0])


def test_the_first_of_several_extents_counts() -> None:
    """What was met again later lies ahead of a recovery that begins before."""
    files, extents = after_two_steps()
    later = Extent(TRADES, DAY, 4, Schema.first(Table.TRADES, "f4"))
    assert store(files).cut([*extents, later]) == []
    assert contents(files) == expected(script()[0])


def test_prices_of_another_width_are_cut_by_their_own() -> None:
    """A changed configuration does not make a cut wrong."""
    files, extents = after_two_steps()
    made = store(files, "f8")
    assert made.cut(extents) == []
    assert contents(files) == expected(script()[0])


# -- what should be there and is not ---------------------------------------------------------------


def test_a_day_that_was_removed_begins_anew() -> None:
    """Somebody has done that on purpose; it is said."""
    files, extents = after_two_steps()
    for path in [path for path in files.contents if path.startswith(f"{TRADES}/")]:
        if path.endswith(".01.02.24.bin"):
            del files.contents[path]
    made = store(files)
    assert made.cut(extents) == [Missing(FIRST_STEP[0])]
    assert made.meet(*script()[1]) == []
    made.write(*script()[1])
    ids = files.contents[f"{TRADES}/trade_id.01.02.24.bin"]
    assert ids == b"".join(number.to_bytes(8, "little") for number in (3, 4, 5))


def test_a_file_that_is_too_short() -> None:
    """The recording is not continued, and no file is changed."""
    files, extents = after_two_steps()
    del files.contents[f"{MD}/side.01.02.24.bin"][3:]
    before = contents(files)
    with pytest.raises(
        RefusedError, match=f"{MD}/side.01.02.24.bin has 3 bytes, but 4 were written and made dura"
    ):
        store(files).cut(extents)
    assert contents(files) == before


@pytest.mark.parametrize("column", ["price", "side", "time"])
def test_a_column_that_was_removed(column: str) -> None:
    """The others are there, so it was no decision about the day."""
    files, extents = after_two_steps()
    del files.contents[f"{MD}/{column}.01.02.24.bin"]
    with pytest.raises(RefusedError, match=f"{MD}/{column}.01.02.24.bin has 0 bytes, but 4"):
        store(files).cut(extents)


def test_damage_may_be_accepted() -> None:
    """The day is cut to whole rows, and goes on from there."""
    files = MemoryFiles()
    after_first_step(files)
    del files.contents[f"{TRADES}/maker_order_id.01.02.24.bin"][31:]
    made = store(files)
    assert made.cut(FIRST_STEP, accept_damage=True) == [Damaged(FIRST_STEP[0], 1)]
    assert made.extents() == [
        Extent(TRADES, DAY, 1, Schema.first(Table.TRADES, "f4")),
        FIRST_STEP[1],
    ]
    made.meet(*script()[1])
    made.write(*script()[1])
    ids = files.contents[f"{TRADES}/trade_id.01.02.24.bin"]
    assert ids == b"".join(number.to_bytes(8, "little") for number in (1, 3, 4, 5))


@pytest.mark.parametrize(("left", "kept"), [(b"{}\n{}", 3), (b"{", 0), (b"", 0)])
def test_damaged_lines(left: bytes, kept: int) -> None:
    """Accepted damage leaves whole lines."""
    extent = Extent("venue/BTC-USD/gaps.01.02.24.jsonl", DAY, 6)
    files = MemoryFiles()
    files.append(extent.path, left)
    with pytest.raises(RefusedError, match=f"has {len(left)} bytes, but 6"):
        store(files).cut([extent])
    assert store(files).cut([extent], accept_damage=True) == [Damaged(extent, kept)]
    assert files.contents[extent.path] == left[:kept]


def test_lines_that_were_removed() -> None:
    """A file of lines may be removed as well."""
    extent = Extent("venue/BTC-USD/gaps.01.02.24.jsonl", DAY, 6)
    made = store(MemoryFiles())
    assert made.cut([extent]) == [Missing(extent)]
    assert made.extents() == [Extent(extent.path, DAY, 0)]
