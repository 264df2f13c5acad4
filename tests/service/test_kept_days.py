"""Three days from the socket to the bucket: recorded, sealed, certified, packed, sent, let go of.

Midnights pass on a simulated clock.  A day has trades that were cut off and asked for again, which
are late rows, and so are some that came out of order; all of them must be read through the archive
as they were read through the column files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import trio
from prometheus_client import CollectorRegistry

import tick_logger
from tests.archive.s3_servers import bucket, server
from tests.fakes.clock import StillClock
from tests.fakes.memory_files import MemoryFiles
from tests.reader.recorded import Recorder
from tests.reader.test_archive import values
from tests.service.world import Venue, in_virtual_time, running
from tests.storage.sample import numbered
from tests.upgrade.fixture import write
from tick_logger.archive.ledger import Ledger, Where
from tick_logger.archiving import Written, open_archiver
from tick_logger.cli.main import main
from tick_logger.config.schema import ArchiveConfig, BucketConfig, Config, LoggerConfig
from tick_logger.model.tables import ORIGIN_REST, Table
from tick_logger.model.times import NS_PER_DAY, NS_PER_SECOND
from tick_logger.offload import ThreadOffload
from tick_logger.reader import Recording
from tick_logger.reader.column_files import ColumnFiles
from tick_logger.reader.opening import source_at
from tick_logger.simulator.faults import Faults
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.telemetry.archive_metrics import ArchiveMetrics

DAY = 20_786  # 2026-11-29
DAYS = range(DAY, DAY + 3)
DATES = ("2026-11-29", "2026-11-30", "2026-12-01")
ALL = (0, "2030-01-01")
SEAL_SECS, BEFORE_SECS = 120.0, 240
SYMBOL = "binance:BTCUSDT"
VENUE = Venue(
    name="binance",
    symbols=("BTCUSDT",),
    feeds=("trades", "orderbook"),
    simulated={"messages_per_second": 20.0, "step_secs": 0.5},
    config={"backfill": True},
)
LOGGER = {"journal_keep_hours": 1_000.0}


async def record(files: MemoryFiles) -> None:
    """Over each of three midnights, with a cut before each; the day before is sealed after it."""
    for day in DAYS:
        start_ns = (day + 1) * NS_PER_DAY - BEFORE_SECS * NS_PER_SECOND
        chosen = ArchiveConfig(seal_after_secs=SEAL_SECS)
        async with running(
            VENUE, files=files, archive=chosen, start_ns=start_ns, logger=LOGGER
        ) as world:
            await world.until(20.0)
            world.exchange.cut_all(abrupt=True)
            await world.until(100.0)
            world.exchange.set_faults(Faults(odd_price_probability=0.2))
            await world.until(200.0)
            world.exchange.set_faults(Faults())
            await world.until(BEFORE_SECS + SEAL_SECS + 90)
        # Others may be certified once more, when answers about candles have come.
        certified = [x["day"] for x in world.said("day_certified")]
        assert certified.count(DATES[day - DAY]) == 1
        assert certified == sorted(certified)
        assert world.code == 0


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = MemoryFiles()
    in_virtual_time(record, files)
    return write(files.contents, tmp_path_factory.mktemp("kept") / "data")


def rows_of(rec: Recording) -> Iterator[tuple[str, Any]]:
    """Every row of the sealed days, by the exchange's symbol and by normal name, what is known of
    its instruments, and what looked wrong."""
    yield "instruments", [each for each in rec.instruments(DATES[-1]) if each.symbol == "BTCUSDT"]
    yield "doubts", rec.doubts(end="2026-12-02")  # of the sealed days
    yield "by name", values(rec.trades("BTC-USDT", DATES[0]))
    for kind in ("trades", "book_updates"):
        for date in DATES:
            rows = getattr(rec, kind)(SYMBOL, date)
            yield f"{kind} {date}", (values(rows), rows.gaps, rows.proof)


def same(found: Recording, wanted: dict[str, Any]) -> None:
    for name, one in rows_of(found):
        assert one == wanted[name], name


def by_frames(root: Path, date: str) -> tuple[list[int], list[int]]:
    """Ids of a day's trades, as polars and DuckDB read the objects by themselves."""
    objects = f"{root}/data/table=trades/exchange=binance/date={date}/*.parquet"
    polars = pl.scan_parquet(objects).select("id").collect()["id"].to_list()
    duck = duckdb.execute(f"select id from read_parquet('{objects}')").fetchall()
    return sorted(polars), sorted(number for (number,) in duck)


def config(data: Path, root: Path, address: str) -> Config:
    return Config(
        logger=LoggerConfig(data_path=str(data)),
        archive=ArchiveConfig(
            mode="both",
            local_path=str(root),
            server_name="here",
            keep_days=1,
            seal_after_secs=SEAL_SECS,
            s3=BucketConfig(bucket="ticks", region="eu-west-1", endpoint=address),
        ),
    )


@pytest.mark.slow
@pytest.mark.seldom
def test_three_days_are_kept(
    recorded: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Sealed, certified, packed and stored in both places; the same before and after release."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    data, root = recorded, recorded.parent / "archive"
    with server("moto", tmp_path) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        trio.run(_keep, config(data, root, address), data, root, address)
        same(tick_logger.open("s3://ticks"), dict(rows_of(tick_logger.open(data))))
        assert main(["archive", "verify", str(root)]) == 0, capsys.readouterr().out
        assert main(["archive", "verify", "s3://ticks"]) == 0, capsys.readouterr().out
    capsys.readouterr()
    assert main(["verify", str(data), "--deep"]) in (0, 1)
    deep = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("note")]
    assert [line for line in deep[:-1] if "late/" not in line] == []
    assert main(["verify", str(data)]) == 0, capsys.readouterr().out
    said = capsys.readouterr().out
    assert said.count("released; the archive has it") == 6
    # A day that is gone, and of which the ledger says nothing.
    os.rename(root / "meta/ledger.jsonl", root / "meta/away")
    assert main(["verify", str(data)]) == 1
    assert "in_order is 0" in capsys.readouterr().out


async def _keep(chosen: Config, data: Path, root: Path, address: str) -> None:
    files, clock = DiskFiles(data, max_open=8), StillClock((DAY + 1) * NS_PER_DAY)
    written, metrics = Written(files, ThreadOffload()), ArchiveMetrics(CollectorRegistry())
    live = source_at(data)
    assert isinstance(live, ColumnFiles)
    wanted = dict(rows_of(Recording(live)))
    assert len(wanted["instruments"]) == 1
    assert len({each.from_ns // NS_PER_DAY for each in wanted["doubts"]}) == len(DAYS)
    origins = {o for date in DATES for o in wanted[f"trades {date}"][0]["origin"]}
    assert {0, ORIGIN_REST} <= origins
    there = bucket(address)
    async with open_archiver(chosen, written, clock, metrics) as archiver:
        assert archiver is not None
        await archiver.cycle()
        assert archiver.progress.troubles == {}
        ledger = Ledger(DiskFiles(root))
        assert ledger.released() == []
        objects = [each for each in ledger.all_packed() if each.table in ("trades", "book_updates")]
        assert sorted((each.table, each.day) for each in objects) == [
            (table, day) for table in ("book_updates", "trades") for day in DAYS
        ]
        for each in ledger.all_packed():
            assert all(ledger.is_verified(each.key, where) for where in Where)
        same(tick_logger.open(root), wanted)
        same(tick_logger.open("s3://ticks"), wanted)
        before = (root / "meta/ledger.jsonl").read_bytes(), {each.key for each in there.list("")}
        await archiver.cycle()
        after = (root / "meta/ledger.jsonl").read_bytes(), {each.key for each in there.list("")}
        assert after == before
        clock.at_ns += 4 * NS_PER_DAY
        await archiver.cycle()
        assert Ledger(DiskFiles(root)).released() == [("binance", day) for day in DAYS]
        assert not files.exists("binance/BTCUSDT/TRADES/trade_time.29.11.26.bin")
        for where in ([data], [data, root], [str(data), "s3://ticks"]):
            same(tick_logger.open(where if len(where) > 1 else where[0]), wanted)
        same(tick_logger.open(root), wanted)
        # Back-filled into a day that is gone.
        ids, _ = by_frames(root, DATES[0])
        more = [
            {**row, "seq": ids[0] - 100 + row["seq"]} for row in numbered(1, 4, day=DAY, price=1.5)
        ]
        recorder = Recorder(data, "f4+rest", (("binance", "BTCUSDT"),))
        recorder.write(Table.TRADES, more, late=True, origin=ORIGIN_REST)
        grown = sorted([*ids, *(row["seq"] for row in more)])
        assert sorted(tick_logger.open(data).trades(SYMBOL, DATES[0]).numpy("id")) == grown
    async with open_archiver(chosen, written, clock, metrics) as archiver:
        assert archiver is not None
        await archiver.cycle()
        for rec in (tick_logger.open(data), tick_logger.open(root), tick_logger.open("s3://ticks")):
            assert sorted(rec.trades(SYMBOL, DATES[0]).numpy("id")) == grown
        assert by_frames(root, DATES[0]) == (grown, grown)
    files.close()
