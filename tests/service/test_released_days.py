"""A day from its seal to its release, and then a restart, `recover` and `verify`.

Recorded over midnight and stopped soon after, so that the checkpoint still knows how long the files
of the day before were that the archive lets go of while nothing records.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import trio
from prometheus_client import CollectorRegistry
from trio.testing import MockClock

from tests.archive.test_named import Inline
from tests.fakes.clock import StillClock
from tests.fakes.memory_files import MemoryFiles
from tests.service.world import Venue, in_virtual_time, running
from tests.upgrade.fixture import write
from tick_logger.archive.archiver import Archiver
from tick_logger.archive.jobs import Folders
from tick_logger.archive.keeping import Places, Rules
from tick_logger.archive.ledger import Ledger, Where
from tick_logger.archive.local_store import LocalStore
from tick_logger.archiving import DueJobs
from tick_logger.cli.main import main
from tick_logger.config.schema import ArchiveConfig
from tick_logger.model.times import NS_PER_DAY, NS_PER_SECOND
from tick_logger.offload import InlineOffload
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.telemetry.archive_metrics import ArchiveMetrics

DAY = 20_786  # 2026-11-29
SEAL_SECS, BEFORE_SECS = 20.0, 40
LATER_NS = (DAY + 5) * NS_PER_DAY
VENUE = Venue(
    name="binance",
    symbols=("BTCUSDT",),
    feeds=("trades", "orderbook"),
    simulated={"messages_per_second": 5.0},
    config={"backfill": False},
)
TIMES = "binance/BTCUSDT/TRADES/trade_time.29.11.26.bin"


async def record(files: MemoryFiles) -> None:
    """Over midnight, until the day before is certified."""
    start_ns = (DAY + 1) * NS_PER_DAY - BEFORE_SECS * NS_PER_SECOND
    chosen = ArchiveConfig(seal_after_secs=SEAL_SECS)
    async with running(VENUE, files=files, archive=chosen, start_ns=start_ns) as world:
        await world.until(BEFORE_SECS + SEAL_SECS + 65)
    assert [x["day"] for x in world.said("day_certified")] == ["2026-11-29"]


async def keep(data: Path, root: Path) -> list[tuple[str, int]]:
    """Pack, verify, and let go; returns the days that went."""
    inline, files, there = InlineOffload(), DiskFiles(data), DiskFiles(root)
    places = Places(
        recorded=files, columns=files, archive=there, stores={Where.LOCAL: LocalStore(there)},
        thread=inline, column_thread=inline, sending=inline,
    )  # fmt: skip
    rules = Rules(wanted=(Where.LOCAL,), keep_days=1, raw=False)
    due = DueJobs(Folders(str(data), str(root), "here"), ArchiveConfig(), lambda: None)
    metrics = ArchiveMetrics(CollectorRegistry())
    archiver = Archiver(rules, places, due, Inline(), StillClock(LATER_NS), metrics, Random(1))
    await archiver.cycle()
    assert archiver.progress.troubles == {}
    files.close()
    there.close()
    return Ledger(DiskFiles(root)).released()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data`, of which a day went, and `archive`; and `before`, where it is there."""
    folder, files = tmp_path_factory.mktemp("released"), MemoryFiles()
    in_virtual_time(record, files)
    data = write(files.contents, folder / "data")
    shutil.copytree(data, folder / "before")
    assert trio.run(keep, data, folder / "archive") == [("binance", DAY)]
    assert not (data / TIMES).exists()
    return folder


def copied(whole: Path, to: Path) -> Path:
    """Its own copy of the directory and of the archive beside it."""
    for name in ("data", "archive"):
        shutil.copytree(whole / name, to / name)
    return to / "data"


def half_gone(whole: Path, data: Path) -> None:
    """The process that let it go died after the first file."""
    for path in (whole / "before").rglob("*.29.11.26.bin"):
        if path.name != "trade_time.29.11.26.bin" and "TRADES" in path.parts:
            shutil.copy(path, data / path.relative_to(whole / "before"))


def as_it_is(whole: Path, data: Path) -> None:
    """All of it went."""


@pytest.mark.parametrize("change", [as_it_is, half_gone])
def test_recover_and_verify_say_that_it_was_released(
    change: Callable[[Path, Path], None],
    whole: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Once, and never that anything is lost; by the folder beside it, or by a configuration."""
    data = copied(whole, tmp_path)
    change(whole, data)
    assert main(["recover", str(data)]) == 0
    said = capsys.readouterr().out
    assert "binance 2026-11-29: released; the archive has it\n" in said
    assert "gone" not in said
    assert main(["recover", str(data)]) == 0
    assert "released" not in capsys.readouterr().out
    assert main(["verify", str(data)]) == 0, capsys.readouterr().out
    assert "released; the archive has it" in capsys.readouterr().out
    shutil.move(tmp_path / "archive", tmp_path / "elsewhere")
    file = tmp_path / "c.toml"
    file.write_text(f'[archive]\nmode = "local"\nlocal_path = "{tmp_path}/elsewhere"\n')
    assert main(["verify", str(data), "--config", str(file)]) == 0
    shutil.rmtree(data)
    shutil.copytree(whole / "data", data)
    assert main(["recover", str(data), "--config", str(file)]) == 0
    assert "released; the archive has it" in capsys.readouterr().out


def test_a_day_that_is_gone_otherwise_is_told(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The ledger of no archive, or of another one, says nothing about it."""
    data = copied(whole, tmp_path)
    shutil.rmtree(tmp_path / "archive")
    assert main(["recover", str(data)]) == 0
    assert "binance/BTCUSDT/TRADES of 29.11.26: the files are gone" in capsys.readouterr().out
    assert main(["verify", str(data)]) == 1
    shutil.rmtree(data)
    data = copied(whole, tmp_path)
    certificate = data / "binance/certificate.29.11.26.1.json"
    certificate.write_bytes(certificate.read_bytes() + b"\n")  # not that of this archive
    assert main(["recover", str(data)]) == 0
    assert "the files are gone" in capsys.readouterr().out


@pytest.mark.parametrize("change", [as_it_is, half_gone])
async def test_a_recorder_goes_on(
    change: Callable[[Path, Path], None],
    whole: Path,
    tmp_path: Path,
    autojump_clock: MockClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It says so in one line, finds nothing lost, and touches nothing of what is left."""
    data = copied(whole, tmp_path)
    change(whole, data)
    monkeypatch.chdir(tmp_path)
    files = MemoryFiles()
    left = {}
    for path in data.rglob("*"):
        if path.is_file():
            name = str(path.relative_to(data))
            files.contents[name] = bytearray(path.read_bytes())
            if ".29.11.26." in name:
                left[name] = path.read_bytes()
    async with running(VENUE, files=files, start_ns=LATER_NS) as world:
        await world.until(20.0)
    assert world.code == 0
    assert world.said("found") == []
    (said,) = world.said("days_released")
    assert (said["days"], said["first"]) == (1, "binance 29.11.26")
    assert {name: bytes(files.contents[name]) for name in left} == left
