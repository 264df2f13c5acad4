"""The command `compare` as a user types it: lines, JSON, exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.compare.two import MS, Two, row
from tick_logger.cli.main import main
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table

LONG = "A-VERY-LONG-SYMBOL-OF-SOME-EXCHANGE-27DEC26-100000-C"


@pytest.fixture
def two(tmp_path: Path) -> Two:
    """512 trades that OLD lacks and knows of, one that NEW lacks, one with another price."""
    two = Two(tmp_path)
    two.old.names = two.new.names = (("venue", "BTC-USD"), ("venue", LONG))
    trades = [row(seq, seq, price=84106.09) for seq in range(1, 1001)]
    olds = [each for each in trades if not 200 < each["seq"] <= 712]
    news = [each for each in trades if each["seq"] != 900]
    news[0] = {**news[0], "price": 1.0}
    two.write(Table.TRADES, olds, news)
    begin = trades[199]["recv_ns"]
    two.old.miss(GapRecord(0, Table.TRADES, 201, 712, begin, begin + 513 * MS, Cause.DISCONNECT))
    quotes = [row(seq, seq, best_bid=1 / 3, best_ask=2 / 3) for seq in range(1, 50)]
    two.write(Table.QUOTES, quotes, [*quotes[:20], *quotes[21:]], of=1)
    return two


def paths(two: Two) -> tuple[str, str]:
    return str(two.old.folder), str(two.new.folder)


def test_differences_are_shown_in_80_columns(two: Two, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each table that differs, the first differences, totals; exit code 1."""
    assert main(["compare", *paths(two)]) == 1
    text = capsys.readouterr().out
    body = [line for line in text.splitlines() if not line.startswith(("OLD", "NEW"))]
    assert max(map(len, body)) <= 80
    rows = [line.split() for line in body if line.endswith("512         1")]
    assert rows == [["venue/BTC-USD/TRADES", "486", "1", "512", "512", "1"]]
    assert any(line.startswith("~") and "27DEC26-100000-C/QUOTES" in line for line in body)
    assert "  different, in OLD: ts=2024-02-01T00:00:00.001Z id=1 price=84106.09" in text
    assert "  only in OLD: ts=2024-02-01T00:00:00.9Z id=900" in text
    assert text.splitlines()[-6:] == [
        "in both: 534",
        "only in OLD: 2, within holes of NEW: 0",
        "only in NEW: 512, within holes of OLD: 512",
        "different values: 1",
        "not explained by holes: 3",
        "tables of symbols: 2, of which differ: 2",
    ]


def test_equal_recordings_end_with_0(two: Two, capsys: pytest.CaptureFixture[str]) -> None:
    """With the time that was judged, and the totals."""
    assert main(["compare", str(two.new.folder), str(two.new.folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "judged: venue: 2024-02-01T00:00:00.001Z to 2024-02-01T00:00:01Z"
    assert lines[-1] == "tables of symbols: 2, of which differ: 0; equal"


def test_as_json(two: Two, capsys: pytest.CaptureFixture[str]) -> None:
    """One object with the same, and the same exit code."""
    assert main(["compare", *paths(two), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["equal"], found["unexplained"], found["compared"]) == (False, 3, 2)
    assert found["total"]["in_holes_of_old"] == 512
    trades = next(each for each in found["streams"] if each["table"] == "TRADES")
    assert trades["tally"]["only_old"] == 1
    assert trades["examples"][0]["new"]["price"] == 1.0


def test_an_earlier_logger(two: Two, capsys: pytest.CaptureFixture[str]) -> None:
    """Its layout is seen, or said where other folders lie beside."""
    shutil.move(two.old.folder / "venue" / "BTC-USD", two.folder / "older" / "BTC-USD")
    old, new = str(two.folder / "older"), str(two.new.folder)
    assert main(["compare", old, new]) == 1
    assert "venue/BTC-USD/TRADES" in capsys.readouterr().out
    (two.folder / "older" / "logs" / "2024").mkdir(parents=True)
    assert main(["compare", old, new, "--legacy"]) == 1
    said = capsys.readouterr().out
    assert "venue/BTC-USD/TRADES" in said
    assert f"only in NEW: {512 + 48}, within holes of OLD: 512" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--day", "yesterday"], '--day: must be a day such as "2026-11-29", not "yesterday"'),
        (["--day", "2024-02-01T10:00"], "--day: must be a day"),
        (["--exchange", "nowhere"], "--exchange: no 'nowhere' is recorded; there are: venue"),
    ],
)
def test_wrong_usage(
    two: Two, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, and nothing on standard output."""
    assert main(["compare", *paths(two), *arguments]) == 2
    output = capsys.readouterr()
    assert (output.out, said in output.err) == ("", True), output.err
    assert output.err.startswith("tick_logger has compared nothing:\n")


def test_directories_that_are_not_there(two: Two, capsys: pytest.CaptureFixture[str]) -> None:
    """Both are named at once."""
    assert main(["compare", str(two.folder / "a"), str(two.folder / "b")]) == 2
    assert capsys.readouterr().err.count("there is no such directory") == 2


def test_nothing_to_compare_is_not_equal(two: Two, capsys: pytest.CaptureFixture[str]) -> None:
    """Another day, or an empty directory."""
    assert main(["compare", *paths(two), "--day", "2024-02-03"]) == 1
    said = "note: venue: OLD and NEW have no time in common\nnothing was compared\n"
    assert capsys.readouterr().out.endswith(said)
    (two.folder / "empty").mkdir()
    assert main(["compare", str(two.folder / "empty"), paths(two)[1]]) == 1
    assert capsys.readouterr().out.endswith("nothing was compared\n")
