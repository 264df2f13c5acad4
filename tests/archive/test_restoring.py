"""What is restored from an archive is what it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reader.kept import DAYS, EXCHANGES, Kept, write
from tests.storage.sample import DAY
from tick_logger.archive.restoring import restore
from tick_logger.cli.main import main
from tick_logger.errors import StorageError
from tick_logger.reader.opening import source_at
from tick_logger.storage.disk_files import DiskFiles


@pytest.mark.parametrize("width", ["f4+rest", "f8"])
def test_main_files_are_equal_byte_for_byte(tmp_path: Path, width: str) -> None:
    """Of every table and symbol; and what is there is never written over."""
    kept = Kept(tmp_path / "data", tmp_path / "archive")
    write(kept, width)
    kept.pack_all()
    files = DiskFiles(tmp_path / "again")
    files.prepare()
    for exchange in EXCHANGES:
        restore(source_at(kept.root), files, exchange, DAYS[0], width)
    wanted = [
        path.relative_to(kept.data)
        for path in kept.data.rglob("*.01.02.24.bin")
        if "late" not in path.parts
    ]
    assert len(wanted) > 40
    for path in wanted:
        assert (tmp_path / "again" / path).read_bytes() == (kept.data / path).read_bytes(), path
    with pytest.raises(StorageError, match="is there already; nothing was restored"):
        restore(source_at(kept.root), files, "venue", DAY, width)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its words and exit codes."""
    kept = Kept(tmp_path / "data", tmp_path / "archive")
    write(kept)
    kept.pack_all()
    words = ["archive", "restore", str(kept.root), str(tmp_path / "again"), "--day", "2024-02-01"]
    assert main(words) == 0
    assert "venue: " in capsys.readouterr().out
    assert main(words) == 3
    assert main([*words[:-1], "2030-01-01"]) == 1
