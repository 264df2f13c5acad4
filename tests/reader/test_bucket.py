"""An archive in a bucket, behind a real server: the same values as the one on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

import tick_logger
from tests.archive.s3_servers import bucket, server
from tests.fakes.memory_store import InMemory
from tests.reader.kept import Kept, write
from tests.reader.test_archive import ALWAYS, SYMBOLS, values

NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY", "AWS_SECRET_KEY")


@pytest.mark.parametrize("pair", [NAMES[:2], pytest.param(NAMES[2:], marks=pytest.mark.seldom)])
def test_the_same_as_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str]
) -> None:
    """Alone, and joined with the directory; what is not there is said."""
    kept = Kept(tmp_path / "data", tmp_path / "archive")
    write(kept)
    kept.pack_all()
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(PermissionError, match="no credentials"):
        tick_logger.open("s3://ticks/deep/down")
    for name in pair:
        monkeypatch.setenv(name, "testing")
    with pytest.raises(ValueError, match="names no bucket"):
        tick_logger.open("s3://")
    (tmp_path / "server").mkdir()
    with server("localbucket", tmp_path / "server") as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        there = bucket(address, prefix="deep/down")
        there.prepare()
        for path in kept.root.rglob("*.*"):
            if path.suffix in (".parquet", ".json"):
                key = path.relative_to(kept.root).as_posix()
                there.put(key, InMemory(path.read_bytes()), "")
        files = tick_logger.open(kept.data)
        wheres: list[str | list[str]]
        wheres = ["s3://ticks/deep/down", [str(kept.data), "s3://ticks/deep/down/"]]
        for where in wheres:
            rec = tick_logger.open(where)
            assert rec.symbols() == files.symbols()
            for found, wanted in (
                (rec.trades(SYMBOLS, *ALWAYS), files.trades(SYMBOLS, *ALWAYS)),
                (rec.quotes(SYMBOLS[0], *ALWAYS), files.quotes(SYMBOLS[0], *ALWAYS)),
            ):
                assert values(found) == values(wanted)
                assert (found.gaps, found.proof) == (wanted.gaps, wanted.proof)
        for url in ("s3://ticks/elsewhere", "s3://nowhere/deep"):
            with pytest.raises(tick_logger.NotRecordedError, match="there is no archive at"):
                tick_logger.open(url)
