"""Symbols that differ only in how their letters are written: both, or the first of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.folding import FoldersOfSymbols, folds_case
from tick_logger.storage.journal_layout import LOCK_PATH

SAME = "this disk tells no large letters from small"


def folders(*before: str, folds: bool = True) -> FoldersOfSymbols:
    return FoldersOfSymbols(lambda: folds, lambda: frozenset(before))


def test_this_disk_says_which_it_is(tmp_path: Path) -> None:
    """By a file that is there: it is found under another spelling, or not."""
    files = DiskFiles(tmp_path)
    files.lock(LOCK_PATH)
    (tmp_path / "probe").write_text("")
    assert folds_case(files) == (tmp_path / "PROBE").exists()
    files.close()


def test_a_directory_whose_disk_folds_is_found_out(tmp_path: Path) -> None:
    """A folder of the other spelling leads to the same file there."""
    files = DiskFiles(tmp_path)
    files.lock(LOCK_PATH)
    if not (tmp_path / "JOURNAL").exists():
        (tmp_path / "JOURNAL").mkdir()
        (tmp_path / "JOURNAL/LOCK").hardlink_to(tmp_path / LOCK_PATH)
    assert folds_case(files)
    files.close()


def test_where_letters_are_told_apart_both_are_recorded() -> None:
    """Each has its folder."""
    mine = folders("BTC-USD", folds=False)
    assert [mine.objection_to(each) for each in ("btc-usd", "BTC-USD", "Btc-usd")] == ["", "", ""]


def test_the_first_listed_keeps_its_folder() -> None:
    """At every listing, in whatever order it comes then; others cost nothing."""
    mine = folders()
    for listed in (("btc-usd", "BTC-USD", "ETH-USD"), ("ETH-USD", "BTC-USD", "btc-usd")):
        said = {symbol: mine.objection_to(symbol) for symbol in listed}
        assert said["btc-usd"] == said["ETH-USD"] == ""
        assert said["BTC-USD"] == f"its folder would be that of btc-usd: {SAME}"


def test_what_was_recorded_before_goes_on() -> None:
    """Although the other comes first in the listing."""
    mine = folders("BTC-USD")
    assert SAME in mine.objection_to("btc-usd")
    assert mine.objection_to("BTC-USD") == ""


@pytest.mark.parametrize(
    ("one", "other"), [("STRASSE", "stra\u00dfe"), ("caf\u00e9", "CAFE\u0301"), ("a/B", "A/b")]
)
def test_letters_of_all_scripts(one: str, other: str) -> None:
    """As such disks do, and rather once too often: to mix two streams cannot be mended."""
    mine = folders()
    assert mine.objection_to(one) == ""
    assert SAME in mine.objection_to(other)


def test_names_that_no_disk_takes_are_refused_as_ever() -> None:
    """And have no folder that somebody else could want."""
    mine = folders()
    assert "255" in mine.objection_to("X" * 300)
