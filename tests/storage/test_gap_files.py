"""Gaps files: their exact lines, and that no line is torn."""

from __future__ import annotations

import json

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.storage.sample import MIDNIGHT_NS, instruments
from tests.storage.stored import put
from tick_logger.model.cause import Cause
from tick_logger.model.flush import VOID, Flush, GapRecord
from tick_logger.model.proof import Proof
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.storage.gap_files import newest_of_each, parse_gaps
from tick_logger.storage.store import Store

PATH = "venue/BTC-USD/gaps.01.02.24.jsonl"
HOLE = GapRecord(0, Table.TRADES, 4, 6, MIDNIGHT_NS, MIDNIGHT_NS + 9, Cause.DISCONNECT)
OUTAGE = GapRecord(0, Table.MD, None, None, MIDNIGHT_NS, None, Cause('said "bye"\n'))
HEALED = GapRecord(0, Table.TRADES, 4, 6, None, MIDNIGHT_NS + 11, Cause.DISCONNECT, "late")


def written(files: MemoryFiles, *gaps: GapRecord) -> None:
    """A process appends these records."""
    names = instruments(("venue", "BTC-USD"), ("venue", "A/B"))
    put(Store(files, names, Schemas.first("f4")), Flush(gaps=gaps))


def test_lines() -> None:
    """One JSON object per line, with the keys of the format in their order."""
    files = MemoryFiles()
    written(files, HOLE, OUTAGE)
    written(files, HEALED)
    lines = files.read(PATH).decode().split("\n")
    assert lines.pop() == ""
    assert [list(json.loads(line).items()) for line in lines] == [
        [
            ("table", "TRADES"),
            ("from_id", 4),
            ("to_id", 6),
            ("from_ns", 1706745600000000000),
            ("to_ns", 1706745600000000009),
            ("cause", "disconnect"),
            ("healed", False),
        ],
        [
            ("table", "MD"),
            ("from_id", None),
            ("to_id", None),
            ("from_ns", 1706745600000000000),
            ("to_ns", None),
            ("cause", Cause('said "bye"\n')),
            ("healed", False),
        ],
        [
            ("table", "TRADES"),
            ("from_id", 4),
            ("to_id", 6),
            ("from_ns", None),
            ("to_ns", 1706745600000000011),
            ("cause", "disconnect"),
            ("healed", "late"),
        ],
    ]


def test_each_record_goes_to_its_symbol_and_day() -> None:
    """A hole lies in the file of the day on which it began."""
    files = MemoryFiles()
    before = GapRecord(0, Table.MD, None, None, MIDNIGHT_NS - 1, MIDNIGHT_NS + 1, Cause.CRASH)
    other = GapRecord(1, Table.MD, None, None, None, MIDNIGHT_NS + NS_PER_DAY, Cause.CRASH)
    written(files, HOLE, before, other)
    assert {path: content.count(b"\n") for path, content in files.contents.items()} == {
        PATH: 1,
        "venue/BTC-USD/gaps.31.01.24.jsonl": 1,
        "venue/A%2FB/gaps.02.02.24.jsonl": 1,
    }


def test_no_records_make_no_file() -> None:
    """Nothing to say."""
    files = MemoryFiles()
    written(files)
    assert files.contents == {}


def test_records_are_read_back() -> None:
    """What was written is what is read."""
    files = MemoryFiles()
    written(files, HOLE, OUTAGE, HEALED)
    lines = parse_gaps(files.read(PATH), instrument=0)
    assert lines.records == (HOLE, OUTAGE, HEALED)
    assert lines.unreadable == ()


def test_later_records_supersede() -> None:
    """The last word about the same ids counts; outages are told apart by their beginning."""
    later_outage = GapRecord(0, Table.MD, None, None, MIDNIGHT_NS + 5, None, Cause.OVERFLOW)
    other_table = GapRecord(0, Table.BOOK, 4, 6, MIDNIGHT_NS, None, Cause.SEQUENCE)
    assert newest_of_each([HOLE, OUTAGE, other_table, HEALED, later_outage]) == [
        HEALED,
        OUTAGE,
        other_table,
        later_outage,
    ]


def test_what_is_said_of_ids_is_no_hole_and_supersedes_none() -> None:
    """Ids may go back, as those of a hole may not; and more than once in the same way."""
    hole = GapRecord(0, Table.TRADES, 5, 5, MIDNIGHT_NS, MIDNIGHT_NS + 9, Cause.SEQUENCE)
    again = [
        GapRecord(0, Table.TRADES, before, 5, MIDNIGHT_NS, MIDNIGHT_NS + n, cause, VOID)
        for n, (before, cause) in enumerate(
            [(50, Cause.RENUMBERED), (50, Cause.RENUMBERED), (50, Cause.STRAY), (5, Cause.STRAY)]
        )
    ]
    files = MemoryFiles()
    written(files, hole, *again)
    lines = parse_gaps(files.read(PATH), instrument=0)
    assert lines.records == (hole, *again)
    assert newest_of_each(lines.records) == [hole, *again]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "\x00\x00",
        '{"table":"TRADES","from_id":1,"to_id":2,"from_ns":1,"to_ns":2,"cause":"x"}',
        '{"table":"OTHER","from_id":1,"to_id":2,"from_ns":1,"to_ns":2,"cause":"x","healed":false}',
        '{"table":"MD","from_id":1.5,"to_id":2,"from_ns":1,"to_ns":2,"cause":"x","healed":false}',
        '{"table":"MD","from_id":-1,"to_id":2,"from_ns":1,"to_ns":2,"cause":"x","healed":false}',
        '{"table":"MD","from_id":3,"to_id":2,"from_ns":1,"to_ns":2,"cause":"x","healed":false}',
        '{"table":"MD","from_id":1,"to_id":2,"from_ns":1,"to_ns":2,"cause":"x","healed":true}',
        '{"table":"MD","from_id":1,"to_id":2,"from_ns":null,"to_ns":null,"cause":"","healed":"x"}',
        '{"table":"MD","from_id":1,"to_id":18446744073709551616,"from_ns":1,"to_ns":2,'
        '"cause":"x","healed":false}',
    ],
)
def test_unreadable_lines(line: str) -> None:
    """Lines that the program could not have written are named, and hide no other."""
    files = MemoryFiles()
    written(files, HOLE)
    good = files.read(PATH)
    found = parse_gaps(good + line.encode() + b"\n" + good, instrument=0)
    assert found.records == (HOLE, HOLE)
    assert found.unreadable == (1,)


@pytest.mark.parametrize("torn", [b'{"table":"TRA', b"\x00", b"}"])
@pytest.mark.parametrize("complete_lines", [0, 2])
def test_torn_line_is_cut_before_the_next(torn: bytes, complete_lines: int) -> None:
    """A crash in the middle of a line costs that line only."""
    files = MemoryFiles()
    written(files, *[OUTAGE] * complete_lines)
    files.append(PATH, torn)
    written(files, HOLE)
    lines = parse_gaps(files.read(PATH), instrument=0)
    assert lines.records == (OUTAGE,) * complete_lines + (HOLE,)
    assert lines.unreadable == ()


def test_the_first_line_says_how_far_completeness_can_be_shown() -> None:
    """Once per file, with the keys of every other line, all null; it is no record and no defect."""
    files = MemoryFiles()
    proofs = {Table.MD: Proof.UNPROVABLE, Table.TRADES: Proof.PROVEN, Table.BOOK: Proof.CONSISTENT}
    for gaps in ((HOLE,), (HOLE, HOLE)):
        names = instruments(("venue", "BTC-USD"))
        put(Store(files, names, Schemas.first("f4"), lambda _: proofs), Flush(gaps=gaps))
    header, *rest = map(json.loads, files.read(PATH).splitlines())
    assert header == {
        **dict.fromkeys(("table", "from_id", "to_id", "from_ns", "to_ns")),
        "cause": "header",
        "healed": False,
        "proof": {"MD": "unprovable", "TRADES": "proven", "BOOK": "consistent"},
    }
    assert len(rest) == 3
    lines = parse_gaps(files.read(PATH), instrument=0)
    assert (lines.records, lines.unreadable) == ((HOLE,) * 3, ())
