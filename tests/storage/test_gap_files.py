"""Gaps files: their exact lines, and that no line is torn."""

from __future__ import annotations

import json

import attrs
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
from tick_logger.storage.gap_files import parse_gaps, standing
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


def line(*bounds: int | None, cause: Cause = Cause.DISCONNECT, healed: str = "") -> GapRecord:
    """Of trades: first and last id, from and to in seconds after midnight."""
    first, last, *times = bounds
    from_ns, to_ns = (None if each is None else MIDNIGHT_NS + each * 10**9 for each in times)
    return GapRecord(0, Table.TRADES, first, last, from_ns, to_ns, cause, healed or False)


OPEN = line(None, None, 5, None)


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ([OPEN], [OPEN]),
        ([OPEN, line(None, None, 5, 9)], [line(None, None, 5, 9)]),
        ([OPEN, line(4, 6, 5, 9), line(8, 8, 5, 9)], [line(4, 6, 5, 9), line(8, 8, 5, 9)]),
        ([OPEN, line(4, 6, 6, 9)], [OPEN, line(4, 6, 6, 9)]),
        ([OPEN, line(4, 6, 5, 9, cause=Cause.CRASH)], [OPEN, line(4, 6, 5, 9, cause=Cause.CRASH)]),
        ([OPEN, line(4, 6, 5, 9), OPEN], [line(4, 6, 5, 9), OPEN]),
        ([OPEN, line(None, None, 5, 9, healed="stream")], []),
        ([line(4, 9, 5, 9), line(6, 7, 5, 9, healed="stream")],
         [line(4, 5, 5, 9), line(8, 9, 5, 9)]),
        ([line(4, 9, 5, 9), line(4, 9, 6, 9, healed="stream")], [line(4, 9, 5, 9)]),
        ([line(4, 9, 5, 9), line(3, 10, 5, 9, healed="void")], []),
        ([line(4, 9, 5, 9), line(6, 12, None, 9, healed="late")], [line(4, 5, 5, 9)]),
        ([line(4, 9, 5, 9, healed="late"), line(4, 9, 5, 9)], [line(4, 9, 5, 9)]),
        ([line(4, 4, 5, 9), line(5, 5, 5, 9), line(4, 4, 5, 9, healed="rest")], [line(5, 5, 5, 9)]),
        ([line(None, None, 5, 9), line(4, 9, 5, 9, healed="stream")], [line(None, None, 5, 9)]),
        ([line(None, None, 5, 9), line(None, None, 5, 9, healed="stream")], []),
        ([line(None, None, 5, 9), line(None, None, 5, 8, healed="rest")], [line(None, None, 5, 9)]),
    ],
)  # fmt: skip
def test_lines_together_say_what_is_missing(lines: list[GapRecord], left: list[GapRecord]) -> None:
    """An open line goes when a later one has its cause and beginning; healing takes ids out."""
    missing = [each for each in standing(lines) if not each.healed]
    assert missing == left
    healing = [each for each in standing(lines) if each.healed]
    assert healing == [each for each in lines if each.healed], "what came after all is told"


def test_lines_of_other_tables_are_left_alone() -> None:
    """Whatever they say."""
    lines = [line(4, 9, 5, 9), OPEN]
    others = [attrs.evolve(each, table=Table.MD, healed="stream") for each in lines]
    assert standing([*lines, *others]) == [*lines, *others]


def test_many_lines_take_no_time() -> None:
    """A day of holes, each opened, closed and healed."""
    many = 20_000
    lines = [
        each
        for n in range(many)
        for each in (line(None, None, n, None), line(n, n, n, n), line(n, n, n, n, healed="stream"))
    ]
    assert len(standing(lines)) == many


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
    assert standing(lines.records) == [hole, *again]


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
