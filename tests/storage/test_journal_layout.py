"""The paths in the journal's folder and their inverse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tick_logger.storage.journal_layout import (
    CHECKPOINT_PATHS,
    LOCK_PATH,
    CheckpointPath,
    DamagedPath,
    ExtentsPath,
    JournalPath,
    LockPath,
    SegmentPath,
    damaged_path,
    extents_path,
    parse_journal,
    path_of,
    segment_number,
    segment_path,
)

NUMBERS = st.integers(0, 2**32 - 1)

PATHS: st.SearchStrategy[JournalPath] = st.one_of(
    st.just(LockPath()),
    st.builds(CheckpointPath, st.integers(0, 1)),
    st.builds(SegmentPath, NUMBERS),
    st.builds(ExtentsPath, NUMBERS, NUMBERS),
    st.builds(DamagedPath, NUMBERS, NUMBERS),
)


@given(PATHS)
def test_paths_are_found_again(where: JournalPath) -> None:
    """`parse_journal` undoes `path_of`."""
    assert parse_journal(path_of(where)) == where


def test_the_names_are_those_of_the_journals_that_there_are() -> None:
    """Older versions wrote them."""
    assert LOCK_PATH == "journal/lock"
    assert CHECKPOINT_PATHS == ("journal/checkpoint.0", "journal/checkpoint.1")
    assert extents_path(17, 1) == "journal/extents.17.1"
    assert damaged_path(7, 0) == "journal/damaged/00000007.tlj"
    assert damaged_path(7, 3) == "journal/damaged/00000007.tlj.3"


def test_segments_are_named_by_number() -> None:
    """Eight digits, more where there are more."""
    assert segment_path(7) == "journal/00000007.tlj"
    assert segment_path(4_294_967_295) == "journal/4294967295.tlj"
    assert segment_number("00000007.tlj") == 7
    assert segment_number("4294967295.tlj") == 4_294_967_295


@pytest.mark.parametrize(
    "name", ["7.tlj", "00000007.tlj.1", "000000007.tlj", "00000007.TLJ", "lock", "damaged/", ""]
)
def test_nothing_else_is_named_as_segments_are(name: str) -> None:
    """One number, one name."""
    assert segment_number(name) is None


@pytest.mark.parametrize(
    "path",
    [
        "journal",
        "lock",
        "journal/lock/lock",
        "journal/checkpoint.2",
        "journal/extents.1",
        "journal/extents.01.1",
        "journal/7.tlj",
        "journal/00000007.tlj.1",
        "journal/damaged/00000007.tlj.0",
        "journal/damaged/lock",
        "venue/00000007.tlj",
    ],
)
def test_other_files_are_strangers(path: str) -> None:
    """A path that the program would not write is not taken for one that it did."""
    assert parse_journal(path) is None
