"""What looked wrong, read later: by symbol and time, and by the command that lists it.

The lines of the files are written by hand, as the page on files describes them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import tick_logger
from tests.reader.recorded import Recorder
from tests.reader.test_rows import trade
from tests.storage.sample import MIDNIGHT_NS, SECOND
from tick_logger import Doubt
from tick_logger.cli.main import main
from tick_logger.model.tables import Table

LINE = {
    "symbol": "BTC-USD",
    "table": "QUOTES",
    "kind": "crossed",
    "rows": 3,
    "figures": {"bid": 101.5, "ask": 100.25},
}
LAST = {**LINE, "symbol": None, "table": None, "kind": "full", "from_ns": 0, "to_ns": None}
TODAY, TOMORROW = "quality.01.02.24.jsonl", "quality.02.02.24.jsonl"


def at(secs: float) -> int:
    """Seconds after midnight, in ns."""
    return MIDNIGHT_NS + round(secs * SECOND)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two exchanges with a symbol each, of which one has doubts on two days."""
    recorder = Recorder(tmp_path / "data")
    recorder.write(Table.TRADES, [trade(1, 0)])
    recorder.write(Table.TRADES, [trade(1, 5)], of=1)
    say(recorder.folder, TODAY, from_ns=at(20), to_ns=at(25))
    say(recorder.folder, TODAY, from_ns=at(10), to_ns=at(12), kind="jump", table="TRADES")
    say(recorder.folder, TODAY, **LAST)
    say(recorder.folder, TODAY, from_ns=at(30), to_ns=at(31), symbol="ETH-USD")
    say(recorder.folder, TOMORROW, from_ns=at(90_000), to_ns=at(90_001))
    return recorder.folder


def say(folder: Path, name: str, **line: Any) -> None:  # noqa: ANN401 - a line's values
    """Append a line."""
    with (folder / "venue" / name).open("a") as file:
        file.write(json.dumps({**LINE, **line}) + "\n")


def begins(found: tuple[Doubt, ...]) -> list[float]:
    """When they begin, in seconds after midnight."""
    return [(each.from_ns - MIDNIGHT_NS) / SECOND for each in found]


def test_doubts_are_read_in_order_of_their_beginning(data: Path) -> None:
    """With everything that their line says."""
    found = tick_logger.open(data).doubts("venue:BTC-USD")
    assert begins(found) == [10, 20, 90_000]
    figures = {"bid": 101.5, "ask": 100.25}
    assert found[1] == Doubt("venue", "BTC-USD", "quotes", "crossed", at(20), at(25), 3, figures)
    assert found[1].seconds == 5
    assert str(found[0]) == (
        "venue:BTC-USD trades: jump, 2024-02-01T00:00:10Z to 2024-02-01T00:00:12Z, 3 rows, "
        "worst: bid 101.5, ask 100.25"
    )


def test_symbols_and_times_choose(data: Path) -> None:
    """Those that touch the range, of the symbols that are recorded."""
    recording = tick_logger.open(data)
    assert begins(recording.doubts(start="2024-02-02")) == [90_000]
    assert begins(recording.doubts(start=at(12), end=at(20))) == [10]
    assert begins(recording.doubts(start=at(12.5), end=at(20))) == []
    assert recording.doubts("other:*") == ()
    with pytest.raises(LookupError):
        recording.doubts("venue:DOGE-USD")


def test_several_sources_are_read_together(data: Path, tmp_path: Path) -> None:
    """A doubt is about rows of one of them."""
    other = Recorder(tmp_path / "more")
    other.write(Table.TRADES, [trade(9, 86_400_000 * 5)])
    assert len(tick_logger.open([data, other.folder]).doubts("venue:BTC-USD")) == 3


def test_the_command_lists_the_newest_first(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its exit code says that there are some."""
    assert main(["doubts", str(data)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:5] for line in lines[1:]] == [
        ["crossed", "venue:BTC-USD", "quotes", "2024-02-02T01:00:00Z", "1.0s"],
        ["crossed", "venue:BTC-USD", "quotes", "2024-02-01T00:00:20Z", "5.0s"],
        ["jump", "venue:BTC-USD", "trades", "2024-02-01T00:00:10Z", "2.0s"],
    ]
    assert lines[1].endswith("3  bid 101.5, ask 100.25")
    assert main(["doubts", str(data), "--json", "--since", "2024-02-02"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["from_ns"] == at(90_000)
    assert main(["doubts", str(data), "--symbols", "other:*"]) == 0
    assert capsys.readouterr().out == "nothing is marked as looking wrong\n"
