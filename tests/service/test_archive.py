"""A real recorder's archive against a real server: sealed days are packed, sent, and can be read.

The directory is one that was recorded and certified; nothing here is simulated but the exchange.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import trio
from prometheus_client import CollectorRegistry

from tests.archive.kept import certify
from tests.archive.s3_servers import SERVERS, bucket, server
from tests.reader.example import DAY, write_example
from tick_logger.archive.ledger import Ledger, Where
from tick_logger.archiving import Written, open_archiver
from tick_logger.clock import SystemClock
from tick_logger.config.schema import ArchiveConfig, BucketConfig, Config, LoggerConfig
from tick_logger.errors import ConfigError
from tick_logger.offload import ThreadOffload
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.telemetry.archive_metrics import ArchiveMetrics


def config(data: Path, root: Path, address: str, mode: str = "both") -> Config:
    return Config(
        logger=LoggerConfig(data_path=str(data)),
        archive=ArchiveConfig(
            mode=mode,
            local_path=str(root),
            server_name="here",
            keep_days=1,
            s3=BucketConfig(bucket="ticks", region="eu-west-1", endpoint=address),
        ),
    )


async def keep(chosen: Config) -> None:
    """One cycle, as the program puts it together."""
    files = DiskFiles(chosen.logger.data_path, max_open=8)
    metrics = ArchiveMetrics(CollectorRegistry())
    written = Written(files, ThreadOffload())
    async with open_archiver(chosen, written, SystemClock(), metrics) as archiver:
        assert archiver is not None
        await archiver.cycle()
        assert archiver.progress.troubles == {}
    files.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVERS)
def test_a_certified_day_lies_in_the_bucket_byte_by_byte(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it lies here, once; a second run sends nothing, and the newest day stays."""
    monkeypatch.setenv("AWS_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_SECRET_KEY", "testing")
    data, root = write_example(tmp_path / "data"), tmp_path / "archive"
    for exchange in ("coinbase", "kraken"):
        certify(DiskFiles(data), DAY, exchange=exchange)
    with server(name, tmp_path / "server") as address:
        chosen = config(data, root, address)
        trio.run(keep, chosen)
        there = bucket(address)
        ledger = Ledger(DiskFiles(root))
        objects = [each for each in ledger.all_packed() if each.key.startswith("data/")]
        assert {each.exchange for each in objects} == {"coinbase", "kraken"}
        for each in ledger.all_packed():
            kept = b"".join(there.read(each.key))
            assert hashlib.sha256(kept).hexdigest() == each.sha256
            assert ledger.is_verified(each.key, Where.LOCAL)
            assert ledger.is_verified(each.key, Where.BUCKET)
        for each in objects:
            assert pq.ParquetFile(root / each.key).metadata.num_rows == each.rows
        before = {each.key for each in there.list("")}
        lines = (root / "meta/ledger.jsonl").read_bytes()
        trio.run(keep, chosen)
        assert {each.key for each in there.list("")} == before
        assert (root / "meta/ledger.jsonl").read_bytes() == lines
        assert ledger.released() == []


def test_without_credentials_nothing_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said what to put into the environment."""
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY",
                     "AWS_SECRET_KEY"):  # fmt: skip
        monkeypatch.delenv(variable, raising=False)
    chosen = config(tmp_path / "data", tmp_path / "archive", "http://127.0.0.1:9")
    with pytest.raises(ConfigError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        trio.run(keep, chosen)
    assert not (tmp_path / "archive").exists()


@pytest.mark.slow
def test_the_command_keeps_a_directory_and_says_what_would_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once, here alone; dry, nothing is touched; while somebody records there, it refuses."""
    from tick_logger.cli.main import main

    monkeypatch.chdir(tmp_path)
    data = write_example(tmp_path / "data")
    certify(DiskFiles(data), DAY, exchange="kraken")
    file = tmp_path / "c.toml"
    file.write_text(
        '[logger]\nflush_interval_secs = 1.0\n[archive]\nmode = "local"\nkeep_days = 1\n'
    )
    assert main(["archive", str(data), "--config", str(file), "--dry-run"]) == 0
    assert capsys.readouterr().out == "no day is old enough to go\n"
    assert not (tmp_path / "archive").exists()
    assert main(["archive", str(data), "--config", str(file), "--once"]) == 0
    said = capsys.readouterr().out
    assert "everything is verified" in said
    assert list((tmp_path / "archive/data").rglob("*.parquet"))
    holder = DiskFiles(data)
    holder.lock("journal/lock")
    assert main(["archive", str(data), "--config", str(file), "--once"]) == 2
    holder.close()
    file.write_text("")
    assert main(["archive", str(data), "--config", str(file), "--once"]) == 2
