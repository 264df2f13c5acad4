"""The command `export`: files that others read, equal to the rows, whatever happens meanwhile."""

from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tick_logger
from tests.reader.recorded import Recorder
from tests.reader.test_rows import MS, trade
from tests.storage.sample import DAY, MIDNIGHT_NS, numbered
from tick_logger.cli.main import main
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.reader import exporting
from tick_logger.reader.content import Content

ROOT = Path(__file__).parents[2]
DAY_MS = 86_400_000
NAN = float("nan")
HEAD = ["exchange", "symbol", "timestamp", "local_timestamp"]
PRICES = [84106.09, 1e-8, 123456789.12]


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    """Two symbols of one exchange and one of another, two days, a late row, a hole."""
    names = (("venue", "BTC-USD"), ("venue", "ETH/USD"), ("other", "XBT/USD"))
    recorder = Recorder(tmp_path / "data", names=names)
    recorder.write(Table.TRADES, [trade(n, n * 10, price=PRICES[n]) for n in range(3)])
    recorder.write(Table.TRADES, [trade(7, 15, side=2)], late=True)
    recorder.write(Table.TRADES, [trade(3, DAY_MS, side=0)])
    recorder.write(Table.TRADES, [trade(1, 5)], of=1)
    recorder.write(Table.TRADES, [trade(1, 6)], of=2)
    recorder.write(Table.QUOTES, [trade(1, 7, best_ask_size=NAN)])
    recorder.write(Table.BOOK, [trade(1, 8, flags=1), trade(2, 9, side=0, size=0.0)])
    recorder.write(Table.MD, [trade(0, 9)])
    at = MIDNIGHT_NS + 7 * MS
    recorder.miss(GapRecord(0, Table.TRADES, 9, 9, at, at + MS, Cause.SEQUENCE))
    return recorder


def export(
    recorder: Recorder, capsys: pytest.CaptureFixture[str], out: Path, *options: str
) -> tuple[int, str, str]:
    code = main(["export", str(recorder.folder), "--out", str(out), *options])
    said = capsys.readouterr()
    return code, said.out, said.err


def files(out: Path) -> dict[str, bytes]:
    every = (path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in every}


def test_parquet_is_read_by_others(
    recorder: Recorder, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A file for each table, exchange and day, in folders that they know; exact and typed."""
    out = tmp_path / "out"
    code, said, err = export(recorder, capsys, out)
    assert (code, err) == (0, "")
    assert said == (
        f"wrote 11 rows into 6 files below {out}\n"
        f"1 hole is known in what was asked for: {out}/gaps.jsonl\n"
    )
    assert sorted(files(out)) == [
        "export.jsonl",
        "gaps.jsonl",
        "table=book/exchange=venue/date=2024-02-01/book.parquet",
        "table=quotes/exchange=venue/date=2024-02-01/quotes.parquet",
        "table=ticker/exchange=venue/date=2024-02-01/ticker.parquet",
        "table=trades/exchange=other/date=2024-02-01/trades.parquet",
        "table=trades/exchange=venue/date=2024-02-01/trades.parquet",
        "table=trades/exchange=venue/date=2024-02-02/trades.parquet",
    ]
    assert json.loads((out / "gaps.jsonl").read_text())["from_id"] == 9
    expected = [
        ("BTC-USD", 0, 84106.09, "buy", 0),
        ("BTC-USD", 1, 1e-8, "buy", 0),
        ("BTC-USD", 7, 100.5, None, 1),
        ("BTC-USD", 2, 123456789.12, "buy", 0),
        ("ETH/USD", 1, 100.5, "buy", 0),
    ]
    path = out / "table=trades/exchange=venue/date=2024-02-01/trades.parquet"
    columns = ["symbol", "id", "price", "side", "origin"]
    assert pl.read_parquet(path).select(columns).rows() == expected
    found = duckdb.sql(
        f"SELECT symbol, id, price, side, origin FROM read_parquet('{out}/**/*.parquet',"
        " hive_partitioning = true, union_by_name = true)"
        " WHERE \"table\" = 'trades' AND exchange = 'venue' AND date = '2024-02-01'"
    )
    assert found is not None
    assert found.fetchall() == expected
    table = pq.read_table(path, partitioning=None)
    assert [list(row.values()) for row in table.select(columns).to_pylist()] == [
        list(row) for row in expected
    ]
    types = {field.name: field.type for field in table.schema}
    assert types["ts"] == types["recv_ts"] == pa.timestamp("ns", "UTC")
    assert (types["id"], types["price"]) == (pa.int64(), pa.float64())
    group = pq.ParquetFile(path).metadata.row_group(0)
    chunks = {group.column(n).path_in_schema: group.column(n) for n in range(group.num_columns)}
    assert {chunk.compression for chunk in chunks.values()} == {"ZSTD"}
    assert "DELTA_BINARY_PACKED" in chunks["ts"].encodings
    assert "DELTA_BINARY_PACKED" in chunks["id"].encodings
    assert "RLE_DICTIONARY" in chunks["price"].encodings
    assert chunks["ts"].is_stats_set
    assert chunks["ts"].has_offset_index
    rows = tick_logger.open(recorder.folder).trades("venue:*", "2024-02-01")
    assert pl.read_parquet(path)["ts"].to_list() == rows.polars()["ts"].to_list()


def test_csv_is_what_tools_for_tick_data_read(
    recorder: Recorder, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A file for each symbol too, in gzip; times in microseconds, nothing for what was not sent."""
    out = tmp_path / "out"
    assert export(recorder, capsys, out, "--format", "csv")[0] == 0

    def lines(path: str) -> list[list[str]]:
        with gzip.open(out / path, "rt") as file:
            return list(csv.reader(file))

    us = MIDNIGHT_NS // 1000
    assert lines("trades/venue/2024-02-01/BTC-USD.csv.gz") == [
        [*HEAD, "id", "side", "price", "amount"],
        ["venue", "BTC-USD", f"{us}", f"{us + 1000}", "0", "buy", "84106.09", "0.25"],
        ["venue", "BTC-USD", f"{us + 10000}", f"{us + 11000}", "1", "buy", "1e-8", "0.25"],
        ["venue", "BTC-USD", f"{us + 15000}", f"{us + 16000}", "7", "unknown", "100.5", "0.25"],
        ["venue", "BTC-USD", f"{us + 20000}", f"{us + 21000}", "2", "buy", "123456789.12", "0.25"],
    ]
    assert lines("trades/venue/2024-02-01/ETH%2FUSD.csv.gz")[1][1] == "ETH/USD"
    assert lines("quotes/venue/2024-02-01/BTC-USD.csv.gz") == [
        [
            "exchange",
            "symbol",
            "timestamp",
            "local_timestamp",
            "ask_amount",
            "ask_price",
            "bid_price",
            "bid_amount",
        ],
        ["venue", "BTC-USD", f"{us + 7000}", f"{us + 8000}", "", "100.75", "100.25", "2"],
    ]
    assert lines("book/venue/2024-02-01/BTC-USD.csv.gz") == [
        [
            "exchange",
            "symbol",
            "timestamp",
            "local_timestamp",
            "is_snapshot",
            "side",
            "price",
            "amount",
        ],
        ["venue", "BTC-USD", f"{us + 8000}", f"{us + 9000}", "true", "bid", "100.5", "0.25"],
        ["venue", "BTC-USD", f"{us + 9000}", f"{us + 10000}", "false", "ask", "100.5", "0"],
    ]
    assert lines("ticker/venue/2024-02-01/BTC-USD.csv.gz")[1][4:] == [
        *("100.5", "0.25", "buy", "100.25", "100.75"),
    ]


def test_arrow(recorder: Recorder, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """IPC files, which can be mapped; in batches of bounded size."""
    out = tmp_path / "out"
    assert export(recorder, capsys, out, "--format", "arrow", "--tables", "trades")[0] == 0
    path = out / "table=trades/exchange=venue/date=2024-02-01/trades.arrow"
    with pa.memory_map(str(path)) as mapped:
        found = pa.ipc.open_file(mapped).read_all()
    assert found["symbol"].to_pylist() == ["BTC-USD"] * 4 + ["ETH/USD"]
    assert found["price"].to_pylist() == [84106.09, 1e-8, 100.5, 123456789.12, 100.5]


def test_less_can_be_asked_for(
    recorder: Recorder, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Symbols, tables, and a part of a day, whose file says so."""
    options = ["--symbols", "venue:BTC-USD", "--tables", "trade"]
    times = ["--from", "2024-02-01T00:00:00.010Z", "--to", "2024-02-02T12:00Z"]
    code, said, _ = export(recorder, capsys, tmp_path / "out", *options, *times)
    assert (code, said.splitlines()[0]) == (0, f"wrote 4 rows into 2 files below {tmp_path}/out")
    folder = "table=trades/exchange=venue"
    assert [path for path in sorted(files(tmp_path / "out")) if "=" in path] == [
        f"{folder}/date=2024-02-01/trades-000000.01-000000.parquet",
        f"{folder}/date=2024-02-02/trades-000000-120000.parquet",
    ]


@pytest.mark.parametrize("format", ["parquet", "csv", "arrow"])
def test_a_run_that_is_cut_short_is_finished_by_the_next(
    recorder: Recorder,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    format: str,
) -> None:
    """What is whole is not written again, and all is as if nothing had happened."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    export(recorder, capsys, whole, "--format", format)
    written = exporting.Export.run
    calls = 0

    def fail(self: exporting.Export, job: exporting.Job, out: Path) -> int | None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return written(self, job, out)

    with monkeypatch.context() as patched:
        patched.setattr(exporting.Export, "run", fail)
        assert export(recorder, capsys, out, "--format", format)[0] == 130
    with (out / "export.jsonl").open("a") as manifest:
        manifest.write('{"path": "torn')  # as a kill may leave it
    before = {path: (out / path).stat().st_mtime_ns for path in files(out) if "/" in path}
    assert len(before) == 2
    _, said, _ = export(recorder, capsys, out, "--format", format)
    assert "; 2 were there already\n" in said
    assert {path: (out / path).stat().st_mtime_ns for path in before} == before
    found, expected = files(out), files(whole)
    del found["export.jsonl"], expected["export.jsonl"]
    assert found == expected


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_a_run_that_was_killed_is_finished_by_the_next(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, format: str
) -> None:
    """By SIGKILL, while it was writing a file: no name of a whole file is that of a half one."""
    recorder = Recorder(tmp_path / "data")
    for day in range(DAY, DAY + 6):
        recorder.write(Table.TRADES, numbered(1, 5_000, day=day))
    whole, out = tmp_path / "whole", tmp_path / "out"
    export(recorder, capsys, whole, "--format", format)
    command = [sys.executable, "-m", "tick_logger", "export", str(recorder.folder)]
    with subprocess.Popen(
        [*command, "--out", str(out), "--format", format],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while not (whole_files(out) and stands_in_the_middle(process, out)):
            assert process.poll() is None, "it ended before it could be killed"
        process.kill()
        assert process.wait() != 0
    killed = files(out)
    assert any(path.endswith(".part") for path in killed)
    expected = {path: data for path, data in files(whole).items() if path != "export.jsonl"}
    for path, data in killed.items():
        assert path == "export.jsonl" or path.endswith(".part") or data == expected[path], path
    before = {path: (out / path).stat().st_mtime_ns for path in whole_files(out)}
    _, said, _ = export(recorder, capsys, out, "--format", format)
    assert f"; {len(before)} were there already\n" in said
    assert {path: (out / path).stat().st_mtime_ns for path in before} == before
    assert {path: data for path, data in files(out).items() if path != "export.jsonl"} == expected


def stands_in_the_middle(process: subprocess.Popen[bytes], out: Path) -> bool:
    """Stop it; if it is not writing a file just then, it goes on."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    if any(out.rglob("*.part")):
        return True
    process.send_signal(signal.SIGCONT)
    return False


def whole_files(out: Path) -> list[str]:
    """Those that the manifest says are whole."""
    manifest = out / "export.jsonl"
    lines = manifest.read_text().splitlines(keepends=True) if manifest.exists() else []
    found = [json.loads(line) for line in lines if line.endswith("\n")]
    return [line["path"] for line in found if "path" in line]


def test_what_has_changed_is_written_again(
    recorder: Recorder, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A day that has grown, and a file that was damaged; nothing else."""
    out = tmp_path / "out"
    export(recorder, capsys, out)
    recorder.write(Table.TRADES, [trade(9, DAY_MS + 9)])
    _, said, _ = export(recorder, capsys, out)
    assert said.startswith(f"wrote 2 rows into 1 files below {out}; 5 were there already\n")
    (out / "table=book/exchange=venue/date=2024-02-01/book.parquet").write_bytes(b"")
    _, said, _ = export(recorder, capsys, out)
    assert said.startswith(f"wrote 2 rows into 1 files below {out}; 5 were there already\n")
    _, said, _ = export(recorder, capsys, out)
    assert said.startswith(f"wrote 0 rows into 0 files below {out}; 6 were there already\n")


def test_no_more_rows_are_held_than_a_piece(
    recorder: Recorder,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever is exported; counted where rows become frames, and equal in the end."""
    from tick_logger.reader import frames, tick_csv, writing

    recorder.write(Table.QUOTES, [trade(n, n) for n in range(10, 40)])
    made: list[int] = []
    arrow_of = frames.arrow_of

    def counted(content: Content, start: int, stop: int, extra: str = "arrow") -> object:
        made.append(stop - start)
        return arrow_of(content, start, stop, extra)

    monkeypatch.setattr("tick_logger.reader.rows.arrow_of", counted)
    monkeypatch.setattr(writing, "arrow_of", counted)
    for module in (exporting, tick_csv):
        monkeypatch.setattr(module, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(writing.pieces, "__defaults__", (7,))
    monkeypatch.setattr(writing.row_groups, "__defaults__", (7,))
    for format in ("parquet", "arrow", "csv"):
        out = tmp_path / format
        export(recorder, capsys, out, "--tables", "quotes", "--format", format)
    assert max(made) == 7
    folder = "table=quotes/exchange=venue/date=2024-02-01"
    ids = [1, *range(10, 40)]
    assert pl.read_parquet(tmp_path / "parquet" / folder / "quotes.parquet")["id"].to_list() == ids
    with pa.memory_map(str(tmp_path / "arrow" / folder / "quotes.arrow")) as mapped:
        assert pa.ipc.open_file(mapped).read_all()["id"].to_pylist() == ids
    with gzip.open(tmp_path / "csv/quotes/venue/2024-02-01/BTC-USD.csv.gz", "rt") as file:
        assert len(list(csv.reader(file))) == 1 + len(ids)


def test_mistakes_are_answered_calmly(
    recorder: Recorder, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """And nothing is written."""
    out = tmp_path / "out"
    code, _, err = export(recorder, capsys, out, "--symbols", "venue:BTC-USDT")
    assert (code, "near are: venue:BTC-USD" in err) == (1, True)
    code, _, err = export(recorder, capsys, out, "--from", "2024-02-02", "--to", "2024-02-01")
    assert (code, "--to: must be later than --from" in err) == (2, True)
    code, _, err = export(recorder, capsys, out, "--from", "2030-01-01")
    assert (code, "has no rows of that" in err) == (1, True)
    code, _, err = export(recorder, capsys, out, "--tables", "x")
    assert (code, "--tables: there is no table 'x'" in err) == (2, True)
    assert not out.exists()
    out.write_text("")
    code, _, err = export(recorder, capsys, out)
    assert (code, "is a file, and no directory" in err) == (2, True)


def test_an_export_of_other_symbols_is_not_mixed_with_it(
    recorder: Recorder, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Its files have the same names."""
    out = tmp_path / "out"
    export(recorder, capsys, out, "--symbols", "venue:BTC-USD")
    before = files(out)
    code, _, err = export(recorder, capsys, out, "--symbols", "venue:ETH/USD")
    assert code == 2
    assert f"--out: {out} has an export of venue:BTC-USD as parquet; choose another" in err
    assert files(out) == before


def test_without_its_library_nothing_is_made(
    recorder: Recorder,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is told what to install, and no half of an export is left."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, said, err = export(recorder, capsys, tmp_path / "out")
    assert (code, said) == (2, "")
    assert "pyarrow is not installed: pip install pyarrow, or tick_logger[arrow]" in err
    assert not (tmp_path / "out").exists()
