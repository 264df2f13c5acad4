"""What is missing: holes from all files that tell of one, and whether a range is complete.

The lines of the files are written by hand, as the page on files describes them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import tick_logger
from tests.reader.recorded import Recorder
from tests.storage.sample import DAY, MIDNIGHT_NS, SECOND, numbered
from tick_logger import Gap, IncompleteError, Rows
from tick_logger.model.tables import Table

BTC = "venue:BTC-USD"
NOON_NS = MIDNIGHT_NS + 12 * 3600 * SECOND
LINE = {"table": "TRADES", "from_id": None, "to_id": None, "cause": "disconnect", "healed": False}
HEADER = {**LINE, "table": None, "from_ns": None, "to_ns": None, "cause": "header"}
TODAY, TOMORROW = "gaps.01.02.24.jsonl", "gaps.02.02.24.jsonl"


class Files:
    """The gaps files of a recording, line by line."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.symbol = root / "venue" / "BTC-USD"
        self.symbol.mkdir(parents=True, exist_ok=True)

    def say(self, name: str, *lines: dict[str, Any], proof: str = "proven") -> None:
        """Append lines, behind the first of the file."""
        path = self.symbol / name
        path.parent.mkdir(exist_ok=True)
        text = path.read_text() if path.exists() else self._header(proof)
        path.write_text(text + "".join(json.dumps({**LINE, **each}) + "\n" for each in lines))

    def _header(self, proof: str) -> str:
        return json.dumps({**HEADER, "proof": {"TRADES": proof}}) + "\n"

    def unwritten(self, **line: Any) -> None:  # noqa: ANN401
        """Append a line to the file beside the exchanges."""
        path = self.root / "unwritten.01.02.24.jsonl"
        whole = {"exchange": "venue", "symbol": "BTC-USD", **LINE, "reason": "no room", **line}
        path.write_text((path.read_text() if path.exists() else "") + json.dumps(whole) + "\n")

    def gaps(self, **how: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
        """What is read of them, in seconds after midnight."""
        found = tick_logger.open(self.root).gaps(**how)
        return [(_at(gap.from_ns), _at(gap.to_ns), gap.from_id, gap.to_id) for gap in found]


def _at(time_ns: int | None) -> float | None:
    return None if time_ns is None else (time_ns - MIDNIGHT_NS) / SECOND


def at(seconds: float) -> int:
    """That long after midnight."""
    return MIDNIGHT_NS + round(seconds * SECOND)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_an_open_hole_lasts_until_a_line_ends_it(files: Files) -> None:
    """By its table, cause and beginning."""
    files.say(TODAY, {"from_ns": at(5), "to_ns": None})
    assert files.gaps() == [(5, None, None, None)]
    assert tick_logger.open(files.root).gaps()[0].is_open
    files.say(TODAY, {"from_ns": at(5), "to_ns": at(9)})
    assert files.gaps() == [(5, 9, None, None)]
    assert tick_logger.open(files.root).gaps()[0].seconds == 4


def test_what_healed_is_taken_out(files: Files) -> None:
    """Ids in the middle, and a hole without ids as a whole."""
    files.say(TODAY, {"from_ns": at(5), "to_ns": at(9), "from_id": 10, "to_id": 20})
    files.say(TODAY, {"from_ns": at(30), "to_ns": at(31)})
    files.say(
        TODAY,
        {"from_ns": at(5), "to_ns": at(9), "from_id": 12, "to_id": 13, "healed": "stream"},
        {"from_ns": at(30), "to_ns": at(31), "healed": "rest"},
    )
    assert files.gaps() == [(5, 9, 10, 11), (5, 9, 14, 20)]


@pytest.mark.parametrize("healed", ["rest", "void", "stream"])
def test_healing_lines_behind_a_sealed_day(files: Files, healed: str) -> None:
    """They are in a file of their own."""
    hole = {"from_ns": at(5), "to_ns": at(9), "from_id": 10, "to_id": 12}
    files.say(TODAY, hole)
    files.say(f"late/{TODAY}", {**hole, "from_id": 11, "healed": healed})
    assert files.gaps() == [(5, 9, 10, 10)]


def test_a_hole_across_midnight(files: Files) -> None:
    """Is two: one ends the day, the other begins the next, and may be open."""
    day = 86_400
    files.say(TODAY, {"from_ns": at(day - 5), "to_ns": None})
    files.say(TODAY, {"from_ns": at(day - 5), "to_ns": at(day)})
    files.say(TOMORROW, {"from_ns": at(day), "to_ns": None})
    assert files.gaps() == [(day - 5, day, None, None), (day, None, None, None)]
    assert files.gaps(start="2024-02-01") == [(day - 5, day, None, None)]
    assert files.gaps(start="2024-02-02T10:00Z") == [(day, None, None, None)]
    files.say(TOMORROW, {"from_ns": at(day), "to_ns": at(day + 7)})
    assert files.gaps(start="2024-02-02T10:00Z") == []


def test_holes_of_a_stream_that_could_not_be_written(files: Files) -> None:
    """From the file beside the exchanges; once, where its own file has them too."""
    files.unwritten(from_ns=at(5), to_ns=None, cause="unwritable")
    files.unwritten(symbol="ETH-USD", from_ns=at(6), to_ns=None, cause="unwritable")
    files.unwritten(exchange="other", from_ns=at(7), to_ns=None, cause="unwritable")
    assert files.gaps(symbols=BTC) == [(5, None, None, None)]
    files.unwritten(from_ns=at(5), to_ns=at(8), cause="unwritable")
    files.say(TODAY, {"from_ns": at(5), "to_ns": at(8), "cause": "unwritable"})
    assert files.gaps(symbols=BTC) == [(5, 8, None, None)]


def test_lines_that_are_about_no_hole_or_cannot_be_read(files: Files) -> None:
    """Are left out; a cause of a newer version is a hole."""
    void = {"from_ns": at(5), "to_ns": at(6), "from_id": 9, "to_id": 1, "healed": "void"}
    files.say(TODAY, {**void, "cause": "renumbered"}, {**void, "cause": "stray"})
    files.say(TODAY, {"from_ns": at(7), "to_ns": at(8), "cause": "eclipse"})
    with (files.symbol / TODAY).open("a") as file:
        file.write('{"table": "TRADES", "from_')
    assert [gap.cause for gap in tick_logger.open(files.root).gaps()] == ["eclipse"]


def test_proof_is_what_the_newest_file_says(files: Files) -> None:
    """Of the first lines of the gaps files; nothing is proven where nobody says so."""
    Recorder(files.root).write(Table.TRADES, numbered(1, 3))
    assert tick_logger.open(files.root).trades(BTC, "2024-02-01").proof == "unprovable"
    files.say(TODAY, proof="proven")
    assert tick_logger.open(files.root).trades(BTC, "2024-02-01").proof == "proven"
    files.say(TOMORROW, proof="consistent")
    assert tick_logger.open(files.root).trades(BTC, "2024-02-01").proof == "consistent"


# -- which range a hole touches --------------------------------------------------------------------

WAY = 0.25
"""Seconds from the exchange to here."""


@pytest.fixture
def trades(files: Files) -> Files:
    """Ids 1 to 100, one a second, received a quarter of a second later; 40 to 44 are missing."""
    there = [n for n in range(1, 101) if not 40 <= n <= 44]
    rows = [{"seq": n, "event_ns": at(n), "recv_ns": at(n + WAY)} for n in there]
    Recorder(files.root).write(Table.TRADES, rows)
    hole = {"from_ns": at(39 + WAY), "to_ns": at(45 + WAY), "from_id": 40, "to_id": 44}
    files.say(TODAY, {**hole, "cause": "sequence"})
    return files


def asked(files: Files, start: float, end: float, by: str = "event") -> Rows:
    return tick_logger.open(files.root).trades(BTC, at(start), at(end), by=by)


@pytest.mark.parametrize(
    ("start", "end", "is_whole"),
    [
        (10, 39, True),
        (10, 39.1, False),  # id 40 is missing, which may have happened right behind 39
        (10, 40, False),
        (41, 43, False),
        (44, 60, False),
        (44.1, 60, False),  # ids tell that 44 is missing, and not where it belongs
        (45.1, 60, True),
        (46, 60, True),
    ],
)
def test_a_hole_touches_the_ranges_of_event_times_that_it_may(
    trades: Files, start: float, end: float, is_whole: bool
) -> None:
    """Though it is known by receive times."""
    found = asked(trades, start, end)
    assert found.complete is is_whole
    if is_whole:
        assert found.gaps == ()
        assert found.require() is found
    else:
        assert [gap.from_id for gap in found.gaps] == [40]
        with pytest.raises(IncompleteError, match="ids 40 to 44"):
            found.require()


def test_an_interruption_before_or_behind_a_range(files: Files) -> None:
    """Without ids it touches what was received while it lasted."""
    rows = [{"seq": n, "event_ns": at(n), "recv_ns": at(n + WAY)} for n in range(1, 101)]
    Recorder(files.root).write(Table.TRADES, rows)
    files.say(TODAY, {"from_ns": at(50 + WAY), "to_ns": at(51 + WAY)})
    assert asked(files, 10, 50.5).complete is False  # some of these may have been on their way
    assert asked(files, 10, 50).complete is True
    assert asked(files, 51.1, 90).complete is True
    assert asked(files, 50.5, 90).complete is False


@pytest.mark.parametrize(("start", "end"), [(10, 50), (10, 50.5), (50.1, 90), (50.5, 90)])
def test_a_hole_of_one_moment_touches_both_ranges_beside_it(
    files: Files, start: float, end: float
) -> None:
    """What came then may have come before it, or behind it."""
    rows = [{"seq": n, "event_ns": at(n), "recv_ns": at(n + WAY)} for n in range(1, 101)]
    rows[50] = {"seq": 51, "event_ns": at(50.3), "recv_ns": at(50 + WAY)}  # in the same message
    Recorder(files.root).write(Table.TRADES, rows)
    files.say(TODAY, {"from_ns": at(50 + WAY), "to_ns": at(50 + WAY)})
    assert asked(files, start, end).complete is False
    assert asked(files, 10, 49).complete is True
    assert asked(files, 52.1, 90).complete is True


@pytest.mark.parametrize("wrong", [-7200.0, 7200.0])
def test_a_clock_that_is_wrong_by_hours(files: Files, wrong: float) -> None:
    """Holes are found by the rows beside them, whatever the clock of this machine showed."""
    there = [n for n in range(1, 101) if n not in (40, 80)]
    base = 10_000
    rows = [{"seq": n, "event_ns": at(base + n), "recv_ns": at(base + n + wrong)} for n in there]
    Recorder(files.root).write(Table.TRADES, rows)
    for missing in (40, 80):
        around = {
            "from_ns": at(base + missing - 1 + wrong),
            "to_ns": at(base + missing + 1 + wrong),
        }
        files.say(TODAY, {**around, "from_id": missing, "to_id": missing})
    assert asked(files, base + 50, base + 70).complete is True
    assert [gap.from_id for gap in asked(files, base + 30, base + 60).gaps] == [40]
    assert [gap.from_id for gap in asked(files, base, base + 200).gaps] == [40, 80]


def test_ranges_of_receive_times(trades: Files) -> None:
    """Are compared as they are; and rows must have been received on both sides."""
    assert asked(trades, 10, 39, "received").complete is True
    assert asked(trades, 10, 40, "received").complete is False
    assert asked(trades, 46, 60, "received").complete is True
    assert asked(trades, 46, 200, "received").complete is None
    assert asked(trades, 0, 20, "received").complete is None


def test_without_rows_on_both_sides_nobody_can_tell(trades: Files) -> None:
    """At the beginning, at the end, and where nothing was recorded."""
    assert asked(trades, 0, 20).complete is None
    assert asked(trades, 60, 200).complete is None
    assert asked(trades, 5000, 6000).complete is None
    with pytest.raises(IncompleteError, match="both sides"):
        asked(trades, 60, 200).require()
    assert asked(trades, 60, 200).require("consistent")
    assert tick_logger.open(trades.root).trades(BTC, "2024-03-01").gaps == ()


def test_rows_of_other_days_are_on_both_sides(files: Files) -> None:
    """A quiet day in the middle is complete."""
    for day in (DAY, DAY + 2):
        Recorder(files.root).write(Table.TRADES, numbered(day, day, day=day))
    files.say(TODAY)
    assert tick_logger.open(files.root).trades(BTC, "2024-02-02").complete is True


def test_gaps_say_what_they_are(trades: Files) -> None:
    """For people."""
    (gap,) = asked(trades, 0, 100).gaps
    assert isinstance(gap, Gap)
    assert str(gap) == (
        "venue:BTC-USD trades: sequence, 2024-02-01T00:00:39.25Z to 2024-02-01T00:00:45.25Z, "
        "ids 40 to 44"
    )
    assert repr(asked(trades, 0, 100)).endswith(": 94 rows, 1 gap")
    assert repr(asked(trades, 10, 30)).endswith(": 20 rows, proven complete")
