"""The commands `ls` and `gaps`: what is recorded, and what is missing, in plain words."""

from __future__ import annotations

import json
import time
from pathlib import Path

import attrs
import pytest

from tests.reader.recorded import Recorder
from tests.reader.test_rows import MS, trade
from tests.storage.sample import MIDNIGHT_NS, SECOND
from tick_logger.cli.main import main
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table

DAY_MS = 86_400_000


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "data")


@pytest.fixture
def data(recorder: Recorder) -> str:
    """Two symbols, two days, three holes."""
    rows = [trade(1, 0), trade(2, 3_723_000), trade(3, DAY_MS), trade(4, DAY_MS + 1500)]
    recorder.write(Table.TRADES, rows)
    recorder.write(Table.QUOTES, [trade(1, 5)])
    recorder.write(Table.TRADES, [trade(1, 5)], of=1)
    at = MIDNIGHT_NS + 1000 * MS
    recorder.miss(
        GapRecord(0, Table.TRADES, 5, 9, at, at + 3 * SECOND, Cause.SEQUENCE),
        GapRecord(0, Table.QUOTES, None, None, at, at + 90 * SECOND, Cause.DISCONNECT),
        GapRecord(1, Table.TRADES, None, None, MIDNIGHT_NS + DAY_MS * MS, None, Cause.SILENT),
    )
    return str(recorder.folder)


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_few_symbols_are_listed_one_by_one(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With all that a user wants to know, within 80 columns."""
    assert asked(capsys, "ls", data) == (
        0,
        "symbol         table   days                rows  covered  holes  condition\n"
        "other:XBT/USD  trades  2024-02-01             1     0.0s      -  available\n"
        "venue:BTC-USD  trades  2024-02-01..02 (2)     4    1h 2m      1  degraded\n"
        "venue:BTC-USD  quotes  2024-02-01             1     0.0s      1  degraded\n",
        "",
    )


def test_days_tables_and_times_can_be_chosen(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each day, of one table, from a day on."""
    options = ["--days", "--tables", "trade", "--symbols", "venue:*,other:XBT/USD"]
    _, out, _ = asked(capsys, "ls", data, *options)
    assert [line.split()[:4] for line in out.splitlines()[1:]] == [
        ["venue:BTC-USD", "trades", "2024-02-01", "2"],
        ["venue:BTC-USD", "trades", "2024-02-02", "2"],
        ["other:XBT/USD", "trades", "2024-02-01", "1"],
    ]
    _, out, _ = asked(capsys, "ls", data, "--from", "2024-02-02")
    assert [line.split()[2] for line in out.splitlines()[1:]] == ["2024-02-02"]
    _, out, _ = asked(capsys, "ls", data, "--to", "2024-02-02", "--tables=quotes")
    assert [line.split()[1] for line in out.splitlines()[1:]] == ["quotes"]


def test_machines_get_an_object_a_line(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For each symbol, table and day."""
    _, out, _ = asked(capsys, "ls", data, "--json")
    found = [json.loads(line) for line in out.splitlines()]
    assert len(found) == 4
    assert found[1] == {
        "exchange": "venue",
        "symbol": "BTC-USD",
        "table": "trades",
        "day": "2024-02-01",
        "rows": 2,
        "late": 0,
        "holes": 1,
        "seconds": 3720.0,
        "proof": "proven",
        "condition": "degraded",
        "pair": None,
    }


def test_many_symbols_are_summed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By exchange and table; a pattern shows them one by one."""
    names = tuple((of, f"S{n:02d}") for of in ("red", "blue") for n in range(21))
    recorder = Recorder(tmp_path / "data", names=names)
    for of in range(len(names)):
        recorder.write(Table.TRADES, [trade(1, 0), trade(2, 5)], of=of)
    code, out, err = asked(capsys, "ls", str(recorder.folder))
    assert (code, err) == (0, "")
    assert out == (
        "exchange  table   symbols  days        rows  holes  condition\n"
        "blue      trades       21  2024-02-01    42      -  available\n"
        "red       trades       21  2024-02-01    42      -  available\n"
        "\n"
        "--symbols PATTERN shows symbols one by one, --days each day.\n"
    )
    _, out, _ = asked(capsys, "ls", str(recorder.folder), "--symbols", "red:*")
    assert len(out.splitlines()) == 22


def test_holes_by_cause_and_one_by_one(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The open one on top, then the longest first; exit code 1, because something is missing."""
    code, out, err = asked(capsys, "gaps", data)
    assert (code, err) == (1, "")
    causes, each = out.split("\n\n")
    assert [line.split()[:4] for line in causes.splitlines()] == [
        ["cause", "holes", "open", "symbols"],
        ["disconnect", "1", "-", "1"],
        ["sequence", "1", "-", "1"],
        ["silent", "1", "1", "1"],
    ]
    head, first, second, third = each.splitlines()
    assert head.split("  ")[0] == "lasted"
    assert first.startswith("open ")
    assert " silent      other:XBT/USD  trades  2024-02-02T00:00:00Z  -" in first
    assert second.split() == [
        *("1m", "30s", "disconnect", "venue:BTC-USD", "quotes", "2024-02-01T00:00:01Z", "-"),
    ]
    assert third.split() == [
        *("3.0s", "sequence", "venue:BTC-USD", "trades", "2024-02-01T00:00:01Z", "5-9"),
    ]


def test_holes_that_healed_are_shown_on_demand_and_how(
    recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    """Below what is missing; what healed alone is no reason for an exit code."""
    at = MIDNIGHT_NS + 1000 * MS
    recorder.write(Table.TRADES, [trade(1, 0), trade(20, 5)])
    hole = GapRecord(0, Table.TRADES, 5, 9, at, at + 3 * SECOND, Cause.SEQUENCE)
    recorder.miss(hole, attrs.evolve(hole, to_id=7, healed="rest"))
    data = str(recorder.folder)
    assert [line.split()[1:3] for line in _each(asked(capsys, "gaps", data, "--healed"))] == [
        ["sequence", "-"],
        ["sequence", "rest"],
    ]
    recorder.miss(attrs.evolve(hole, from_id=8, healed="void"))
    assert asked(capsys, "gaps", data) == (0, "nothing is known to be missing\n", "")
    code, out, _ = asked(capsys, "gaps", data, "--healed", "--json")
    found = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(each["from_id"], each["to_id"], each["healed"]) for each in found] == [
        (5, 7, "rest"),
        (8, 9, "void"),
    ]
    assert [line.split()[2] for line in _each(asked(capsys, "gaps", data, "--healed"))] == [
        "rest",
        "void",
    ]


def _each(said: tuple[int, str, str]) -> list[str]:
    """The lines of single holes."""
    return said[1].split("\n\n")[1].splitlines()[1:]


def test_holes_can_be_chosen(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By symbol, table and time; what still lasts was missing of late too."""
    _, out, _ = asked(capsys, "gaps", data, "--json", "--since", "2024-02-01T00:00:30Z")
    assert [json.loads(line)["cause"] for line in out.splitlines()] == ["silent", "disconnect"]
    _, out, _ = asked(capsys, "gaps", data, "--json", "--since", "7d")
    assert [json.loads(line)["cause"] for line in out.splitlines()] == ["silent"]
    _, out, _ = asked(capsys, "gaps", data, "--json", "--symbols", "venue:*", "--tables", "trades")
    assert [json.loads(line)["to_id"] for line in out.splitlines()] == [9]
    nothing = asked(capsys, "gaps", data, "--symbols", "venue:BTC-USD", "--tables", "book")
    assert nothing == (0, "nothing is known to be missing\n", "")


def test_no_more_holes_are_shown_than_anybody_reads(
    recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest is counted, and shown on demand."""
    recorder.write(Table.TRADES, [trade(1, 0)])
    begin = time.time_ns()
    recorder.miss(
        *(GapRecord(0, Table.TRADES, n, n, begin, begin + n, Cause.SEQUENCE) for n in range(60))
    )
    _, out, _ = asked(capsys, "gaps", str(recorder.folder))
    assert out.splitlines()[-1] == "... and 10 shorter ones; --all shows them"
    _, out, _ = asked(capsys, "gaps", str(recorder.folder), "--all")
    assert len(out.split("\n\n")[1].splitlines()) == 61


@pytest.mark.parametrize("command", ["ls", "gaps"])
def test_mistakes_are_answered_calmly(
    data: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A directory, a symbol, a table or a time that is none."""
    code, out, err = asked(capsys, command, f"{data}x")
    assert (code, out) == (2, "")
    assert err.endswith("datax: there is no such directory\n")
    code, _, err = asked(capsys, command, str(tmp_path))
    assert code == 2
    assert f"did you mean {data}?" in err
    code, _, err = asked(capsys, command, f"{data}/venue")
    assert (code, f"did you mean {data}?" in err) == (2, True)
    code, out, err = asked(capsys, command, data, "--symbols", "venue:BTC-USDT")
    assert (code, out) == (1, "")
    assert "near are: venue:BTC-USD" in err
    option = "--from" if command == "ls" else "--since"
    code, _, err = asked(capsys, command, data, option, "yesterday")
    assert code == 2
    assert f"  {option}: 'yesterday' is no time" in err
    code, _, err = asked(capsys, command, data, "--tables", "tradez")
    assert (code, "did you mean trades?" in err) == (2, True)


def test_an_empty_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is there, and so nothing is missing."""
    code, out, err = asked(capsys, "ls", str(tmp_path))
    assert (code, out) == (1, "")
    assert err == f"tick_logger: nothing is recorded in {tmp_path} yet\n"
    assert asked(capsys, "gaps", str(tmp_path))[0] == 0
