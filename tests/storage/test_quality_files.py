"""Files of what looked wrong: read as they were written, torn, and full."""

from __future__ import annotations

import json

import msgspec
import pytest

from tests.fakes.memory_files import MemoryFiles
from tick_logger.model.doubts import DoubtKind, DoubtRecord
from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.storage import quality_files
from tick_logger.storage.layout import QualityPath, parse, quality_path
from tick_logger.storage.quality_files import ReadDoubt, append, doubts_in, line_of

DAY = 20_421
PATH = "venue/quality.29.11.25.jsonl"
BEGIN_NS = DAY * NS_PER_DAY + 5
FIGURES = {"bid": 101.5, "ask": 100.25}
DOUBT = DoubtRecord(3, Table.QUOTES, DoubtKind.CROSSED, BEGIN_NS, BEGIN_NS + 9, 12, FIGURES)
READ = ReadDoubt("BTC/USD", Table.QUOTES, "crossed", BEGIN_NS, BEGIN_NS + 9, 12, FIGURES)


def test_a_file_lies_beside_the_symbols_of_its_exchange() -> None:
    """And its path is known as such."""
    assert quality_path(QualityPath("venue", DAY)) == PATH
    assert parse(PATH) == QualityPath("venue", DAY)
    assert DOUBT.day == DAY


def test_a_line_says_what_was_found() -> None:
    """As any program reads it, and as this one does."""
    files = MemoryFiles()
    assert append(files, "venue", DAY, [line_of(DOUBT, "BTC/USD")], 0) == 0
    assert json.loads(files.read(PATH)) == {
        "symbol": "BTC/USD",
        "table": "QUOTES",
        "kind": "crossed",
        "from_ns": BEGIN_NS,
        "to_ns": BEGIN_NS + 9,
        "rows": 12,
        "figures": {"bid": 101.5, "ask": 100.25},
    }
    assert list(doubts_in(files.read(PATH))) == [READ]


def test_what_makes_no_sense_is_passed_over() -> None:
    """A line that was torn, garbage; a kind of a newer version is kept as it is."""
    files = MemoryFiles()
    files.append(PATH, line_of(DOUBT, "BTC/USD")[:-20])
    append(files, "venue", DAY, [line_of(DOUBT, "BTC/USD")], 0)
    newer = line_of(DOUBT, "BTC/USD").replace(b"crossed", b"upside_down")
    files.append(PATH, b"\xff\xfe\n[]\n{}\nnull\n" + newer)
    assert [each.kind for each in doubts_in(files.read(PATH))] == ["crossed", "upside_down"]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_file_is_bounded(at_once: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with a line that says so, however much is wrong; what has no place is told."""
    monkeypatch.setattr(quality_files, "MOST_BYTES", 1000)
    files, line = MemoryFiles(), line_of(DOUBT, "BTC/USD")
    several = [[line] * 50] if at_once else [[line]] * 50
    left = sum(append(files, "venue", DAY, each, 77) for each in several)
    content = files.read(PATH)
    fits = -(-1000 // len(line))
    assert left == 50 - fits
    assert list(doubts_in(content)) == [READ] * fits
    last = msgspec.json.decode(content.splitlines()[-1])
    assert (last["kind"], last["from_ns"], last["symbol"]) == ("full", 77, None)
    assert len(content) < 1000 + 2 * len(line)
