"""`legacy_links`: readers of an earlier logger's layout read one exchange, all else is the same."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from trio.testing import MockClock

import tick_logger
from tests.service.world import Venue, World, binance, coinbase, dense, running, venue
from tick_logger.cli.main import main
from tick_logger.derive.recovery import recover_directory
from tick_logger.exchanges import registry
from tick_logger.simulator.registry import DIALECTS
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.names import folder_of
from tick_logger.verify.tree import verify

LINKS = {"legacy_links": True}


async def record(root: Path, *venues: Venue, secs: float = 10.0) -> World:
    """Record these for a while, with links."""
    files = DiskFiles(root)
    async with running(*venues, files=files, logger=LINKS) as world:  # type: ignore[arg-type]
        await world.until(secs)
    assert world.code == 0
    return world


def assert_sound(root: Path) -> None:
    """Everything that is promised of a recording holds beside the links."""
    report = verify(DiskFiles(root), dense=dense)
    assert (report.findings, report.notes) == ([], [])
    assert report.table_days
    found = recover_directory(
        DiskFiles(root), str(root), 0, accept_damage=False, on_progress=lambda *_: None
    )
    assert found.findings == ()


@pytest.mark.parametrize("name", ["coinbase", "kraken", "okx"])
async def test_an_older_reader_finds_every_table(
    name: str, tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Names with slashes, feeds at two addresses: the same bytes in every table."""
    feeds = tuple(sorted(registry.get(name).feeds))
    world = await record(tmp_path, venue(name, 2, feeds=feeds), secs=8.0)
    for symbol in DIALECTS[name].symbols[:2]:
        own = tmp_path / name / folder_of(symbol)
        tables = sorted(each.name for each in own.iterdir() if each.name.isupper())
        legacy = tmp_path / folder_of(symbol)
        assert sorted(each.name for each in legacy.iterdir()) == tables
        assert "TRADES" in tables
        for path in (each for table in tables for each in (legacy / table).iterdir()):
            assert path.read_bytes() == (own / path.parent.name / path.name).read_bytes()
        assert not os.path.isabs(os.readlink(legacy / "TRADES"))
    assert world.said("legacy_links", exchange=name, none_to=[])
    assert_sound(tmp_path)
    assert tick_logger.open(tmp_path).symbols() == tuple(
        sorted(f"{name}:{symbol}" for symbol in DIALECTS[name].symbols[:2])
    )


async def test_the_first_configured_exchange_has_the_links(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """The others are named in the log, and recorded as ever."""
    world = await record(tmp_path, coinbase(), binance())
    assert world.said("legacy_links", exchange="coinbase", none_to=["binance"])
    names = {each.name for each in os.scandir(tmp_path) if each.is_dir()}
    assert names == {"journal", "coinbase", "binance", "BTC-USD", "ETH-USD"}
    rec = tick_logger.open(tmp_path)
    assert rec.symbols() == (
        *("binance:BTCUSDT", "binance:ETHUSDT", "coinbase:BTC-USD", "coinbase:ETH-USD"),
    )
    legacy = tick_logger.open(tmp_path, layout="legacy")
    assert legacy.symbols() == ("BTC-USD", "ETH-USD")
    ids = [
        each.numpy("id")
        for each in (rec.trades("coinbase:BTC-USD", 0), legacy.trades("BTC-USD", 0))
    ]
    assert len(ids[0]) > 10
    assert np.array_equal(ids[0], ids[1])
    assert_sound(tmp_path)


async def test_a_directory_that_was_recorded_before_gets_links_at_the_start(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Of symbols too that bring nothing now; one that was removed comes back."""
    async with running(coinbase(), files=DiskFiles(tmp_path)) as world:  # type: ignore[arg-type]
        await world.until(10.0)
    assert not (tmp_path / "BTC-USD").exists()
    await record(tmp_path, coinbase("ETH-USD"), secs=5.0)
    assert (tmp_path / "BTC-USD" / "TRADES").is_symlink()
    (tmp_path / "BTC-USD" / "TRADES").unlink()
    await record(tmp_path, coinbase("ETH-USD"), secs=5.0)
    assert (tmp_path / "BTC-USD" / "TRADES").resolve() == tmp_path / "coinbase/BTC-USD/TRADES"
    assert_sound(tmp_path)


async def test_names_and_places_that_are_taken_are_left_alone(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """A symbol called as an exchange or a file of ours; what is at the place already."""
    symbols = (
        "OKX",
        "Journal",
        "format.json",
        "unwritten.01.01.26.jsonl",
        "FILE",
        "REAL",
        "ELSE",
        "FULL",
        "BTC-USD",
    )
    (tmp_path / "FILE").write_text("a file")
    (tmp_path / "REAL" / "TRADES").mkdir(parents=True)
    (tmp_path / "ELSE").mkdir()
    (tmp_path / "ELSE" / "TRADES").symlink_to("/nowhere")
    (tmp_path / "FULL").mkdir()
    (tmp_path / "FULL" / "notes").write_text("mine")
    theirs = [tmp_path / each for each in ("FILE", "REAL/TRADES", "ELSE/TRADES", "FULL/notes")]
    before = {path: path.lstat().st_mtime_ns for path in theirs}
    world = await record(tmp_path, coinbase(*symbols, feeds=("trades",)))
    said = " ".join(text for line in world.said("legacy_links_left_out") for text in line["shown"])
    for name, why in (
        ("OKX/TRADES", "is called so"),
        ("Journal/TRADES", "is called so"),
        ("format.json/TRADES", "is called so"),
        ("unwritten.01.01.26.jsonl/TRADES", "is called so"),
        ("FILE/TRADES", "xists"),
        ("REAL/TRADES", "something is there that is no link"),
        ("ELSE/TRADES", "a link is there that leads to /nowhere"),
        ("FULL/TRADES", "the folder has something else in it: notes"),
    ):
        assert f"{name}: " in said, name
        assert why in said.partition(f"{name}: ")[2], name
    assert {path: path.lstat().st_mtime_ns for path in before} == before
    assert (tmp_path / "BTC-USD" / "TRADES").is_symlink()
    assert all((tmp_path / "coinbase" / each / "TRADES").is_dir() for each in symbols)
    assert sum(line["count"] for line in world.said("legacy_links_left_out")) == 8


async def test_links_to_what_is_gone_are_no_exchange(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Days that were taken away leave empty folders, or none."""
    await record(tmp_path, coinbase())
    for path in (tmp_path / "coinbase" / "BTC-USD" / "TRADES").iterdir():
        path.unlink()
    assert tick_logger.open(tmp_path)._source.exchanges() == ["coinbase"]
    (tmp_path / "coinbase" / "BTC-USD" / "TRADES").rmdir()
    assert tick_logger.open(tmp_path)._source.exchanges() == ["coinbase"]
    report = verify(DiskFiles(tmp_path), dense=dense)
    assert not [each for each in report.findings if each.path.startswith("BTC-USD")]


def test_a_symbol_that_was_moved_there_by_mistake_is_still_found(tmp_path: Path) -> None:
    """It is no link: `verify` says that it is in the wrong place."""
    folder = tmp_path / "BTC-USD" / "QUOTES"
    folder.mkdir(parents=True)
    (folder / "time.01.01.70.bin").write_bytes(bytes(4))
    report = verify(DiskFiles(tmp_path), dense=dense)
    assert [each.path for each in report.findings] == ["BTC-USD/QUOTES/time.01.01.70.bin"]


async def test_verify_and_symbols_as_a_user_calls_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], autojump_clock: MockClock
) -> None:
    """Exit code 0, and one line for the symbol."""
    await record(tmp_path, coinbase())
    assert main(["verify", str(tmp_path)]) == 0
    assert "\nall promises hold: " in capsys.readouterr().out
    assert main(["symbols", "BTC-USD", "--data-path", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("coinbase") == 1
    assert main(["compare", str(tmp_path), str(tmp_path), "--legacy"]) == 0
