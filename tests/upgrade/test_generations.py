"""A directory says which versions can go on with it: whoever adds to what it holds says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.reader.recorded import Recorder
from tests.reader.test_rows import trade
from tick_logger.cli.main import main
from tick_logger.journal import entry_codec
from tick_logger.model import plain_marks
from tick_logger.model.tables import Table
from tick_logger.storage import checkpoint, format_file
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.format_file import Width, describe, write_format

REFUSED_BY_THE_ONE_BEFORE = {
    1: {
        "format": 2,
        "checkpoint": 2,
        "entries": {"received", "started", "ticked", "closed", "sealed"},
        "marks": {
            "AwaitSnapshot",
            "Healed",
            "Interrupted",
            "Lapse",
            "LastTradeId",
            "MissingIds",
            "NoSnapshot",
            "Resumed",
            "Retired",
        },
        "tables": {"MD", "TRADES", "QUOTES", "BOOK"},
    },
}
"""By generation everything of a kind that a version without it refuses.  An entry more here: raise
GENERATION, and READABLE_FROM where what is written without being asked for has it."""


def test_what_is_new_raises_the_generation() -> None:
    """Or an older version is told that it can go on, and cannot."""
    assert REFUSED_BY_THE_ONE_BEFORE[format_file.GENERATION] == {
        "format": format_file.VERSION,
        "checkpoint": checkpoint.FORMAT,
        "entries": set(entry_codec._KINDS),
        "marks": set(plain_marks._MARKS),
        "tables": {str(each) for each in Table},
    }
    assert format_file.READABLE_FROM <= format_file.GENERATION


def test_a_directory_says_which_versions_can_read_it() -> None:
    """To programs, and in words."""
    said = json.loads(describe([Width("f4")]))
    found = {key: said[key] for key in ("generation", "readable_from", "readable_by")}
    newer = "tick_logger newer than 0.2.0"
    assert found == {"generation": 1, "readable_from": 1, "readable_by": newer}


@pytest.mark.parametrize(
    ("changed", "price_dtype", "reason"),
    [
        ({}, "f4+rest", ""),
        ({"readable_from": 9}, "f4+rest", "readable since generation 9, and this version is of 1"),
        ({"version": 9}, "f4+rest", "its format is 9, this version knows up to 2"),
        ({}, "f8", 'prices here are recorded as "f4+rest"; keep that, or use another directory'),
    ],
)
def test_check_config_looks_whether_a_directory_can_be_continued(
    changed: dict[str, int],
    price_dtype: str,
    reason: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Beside whoever records there: it takes no lock, and changes nothing."""
    data, config = tmp_path / "data", tmp_path / "c.toml"
    Recorder(data).write(Table.TRADES, [trade(1, 0)])
    write_format(DiskFiles(data, max_open=1), [Width("f4+rest")])
    described = json.loads((data / "format.json").read_text())
    (data / "format.json").write_text(json.dumps(described | changed))
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    config.write_text(f"[logger]\nprice_dtype = '{price_dtype}'\n")
    code = main(["check-config", str(config), "--data-path", str(data)])
    said = capsys.readouterr()
    assert code == (2 if reason else 0)
    assert reason in said.err
    assert (f'data_path = "{data}"' in said.out) is (reason == "")
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


def test_a_directory_that_is_not_there_can_be_begun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And is not made by looking."""
    (tmp_path / "c.toml").touch()
    words = ["check-config", str(tmp_path / "c.toml"), "--data-path", str(tmp_path / "new")]
    assert main(words) == 0
    assert capsys.readouterr().err == ""
    assert not (tmp_path / "new").exists()
