"""The command `head`: rows for people and machines, and what is being recorded."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reader.recorded import Recorder
from tests.reader.test_rows import MS, trade
from tests.storage.sample import MIDNIGHT_NS
from tick_logger.cli.main import main
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table

ROOT = Path(__file__).parents[2]
BTC = "venue:BTC-USD"
DAY_MS = 86_400_000


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    recorder = Recorder(tmp_path / "data")
    rows = [trade(1, 5, price=84106.09), trade(2, 7, side=0, price=1e-8)]
    recorder.write(Table.TRADES, [*rows, trade(3, 9, side=2), trade(4, DAY_MS + 1)])
    recorder.write(Table.TRADES, [trade(8, 6)], of=1)
    at = MIDNIGHT_NS + 7 * MS
    recorder.miss(GapRecord(0, Table.TRADES, 9, 9, at, at + MS, Cause.SEQUENCE))
    return recorder


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["head", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_people_get_a_table(recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    """The first rows, prices exact, a line for each day and hole, within 80 columns."""
    code, out, err = asked(capsys, str(recorder.folder), BTC, "TRADES")
    assert (code, err) == (0, "")
    head = "time                       id  side          price           size\n"
    assert out == (
        f"2024-02-01 (UTC)\n{head}"
        "00:00:00.005000             1  buy        84106.09           0.25\n"
        "00:00:00.007000             2  sell          1e-08           0.25\n"
        "-- missing: venue:BTC-USD trades: sequence, 2024-02-01T00:00:00.007Z to "
        "2024-02-01T00:00:00.008Z, ids 9 to 9\n"
        "00:00:00.009000             3  -             100.5           0.25\n"
        f"2024-02-02 (UTC)\n{head}"
        "00:00:00.001000             4  buy           100.5           0.25\n"
    )
    _, out, _ = asked(capsys, str(recorder.folder), BTC, "trades", "-n", "1")
    assert len(out.splitlines()) == 3
    _, out, _ = asked(capsys, str(recorder.folder), BTC, "trades", "--from", "2024-02-02")
    assert [line.split()[1] for line in out.splitlines()[2:]] == ["4"]


def test_several_symbols_are_merged(recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    """And say which they are."""
    _, out, _ = asked(capsys, str(recorder.folder), "*:*", "trades", "-n", "2")
    assert [line.split()[1:3] for line in out.splitlines()[2:]] == [
        ["venue:BTC-USD", "1"],
        ["other:XBT/USD", "8"],
    ]


def test_machines_get_all_columns(recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON lines with holes among them; CSV with holes on standard error."""
    _, out, _ = asked(capsys, str(recorder.folder), BTC, "trades", "--format", "jsonl")
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[0] == {
        "ts": "2024-02-01T00:00:00.005000000Z",
        "recv_ts": "2024-02-01T00:00:00.006000000Z",
        "exchange": "venue",
        "symbol": "BTC-USD",
        "table": "trades",
        "id": 1,
        "price": 84106.09,
        "size": 0.25,
        "side": "buy",
        "origin": 0,
        "pair": None,
    }
    assert lines[2]["gap"]["cause"] == "sequence"
    assert lines[3]["side"] is None
    _, out, err = asked(capsys, str(recorder.folder), BTC, "trades", "--format", "csv")
    head, *rows = out.splitlines()
    assert head == "ts,recv_ts,exchange,symbol,table,id,price,size,side,origin,pair"
    assert rows[0] == (
        "2024-02-01T00:00:00.005000000Z,2024-02-01T00:00:00.006000000Z,"
        "venue,BTC-USD,trades,1,84106.09,0.25,buy,0,"
    )
    assert len(rows) == 4
    assert err.startswith("tick_logger: missing: venue:BTC-USD trades")


def test_mistakes_are_answered_calmly(
    recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    """A symbol or rows that are not there: 1; a table or number that is none: 2."""
    data = str(recorder.folder)
    code, _, err = asked(capsys, data, "venue:BTC-USDT", "trades")
    assert (code, "near are: venue:BTC-USD" in err) == (1, True)
    code, _, err = asked(capsys, data, BTC, "quotes")
    assert (code, err) == (1, f"tick_logger: no quotes of {BTC} are recorded in {data}\n")
    code, _, err = asked(capsys, data, BTC, "tradez")
    assert (code, "TABLE: there is no table 'tradez'" in err) == (2, True)
    code, _, err = asked(capsys, data, BTC, "trades", "-n", "0")
    assert (code, "-n: must be a number above zero, not 0" in err) == (2, True)
    code, _, err = asked(capsys, data, BTC, "trades", "--follow", "--from", "7d")
    assert (code, "--follow: shows what comes from now on" in err) == (2, True)


def hear_interrupts() -> None:
    """A shell lets what it starts in the background ignore them, and so would the process."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextlib.contextmanager
def killed_at_last(process: subprocess.Popen[str]) -> Iterator[None]:
    """Whatever fails, nobody waits for a process that does not end."""
    try:
        yield
    finally:
        process.kill()


def test_what_is_being_recorded_is_shown_until_ctrl_c(recorder: Recorder) -> None:
    """In a real process: rows and holes as they come, and exit code 0."""
    command = [sys.executable, "-m", "tick_logger", "head", str(recorder.folder), BTC, "trades"]
    with (
        subprocess.Popen(
            [*command, "--follow", "--format", "jsonl"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            preexec_fn=hear_interrupts,
        ) as process,
        killed_at_last(process),
    ):
        assert process.stdout is not None
        recorder.miss(GapRecord(0, Table.TRADES, 7, 7, 1, None, Cause.DISCONNECT))
        # Told of whether it opened before the follower began or after.
        assert json.loads(process.stdout.readline())["gap"]["to_ns"] is None
        recorder.write(Table.TRADES, [trade(5, DAY_MS + 2)])
        assert json.loads(process.stdout.readline())["id"] == 5
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (0, "", "")
