"""What was durable once and is not there: refused with the reason, passed over only if asked."""

from __future__ import annotations

import re

import pytest

from tests.derive.derived import bytes_of, gaps, recorded
from tests.derive.story import entries_of, story
from tests.fakes.memory_files import MemoryFiles
from tests.journal.journals import parse
from tests.journal.journals import path as segment
from tests.recording.lives import live, recover
from tick_logger.errors import RefusedError

STORY = story(1, rounds=3)
EXPECTED = bytes_of(entries_of(STORY))


def spoil(files: MemoryFiles, number: int, frame: int) -> None:
    """Change a byte of the n-th frame of a segment."""
    content = files.contents[segment(number)]
    content[parse(bytes(content))[frame].end - 1] ^= 1


def lived() -> MemoryFiles:
    """Three lives of six frames each, with a checkpoint after the second frame."""
    files = MemoryFiles()
    for count in (6, 12, 18):
        live(files, STORY[:count], checkpoints=(2,))
    return files


# -- in the journal --------------------------------------------------------------------------------


def test_damage_in_the_journal_is_refused_and_a_copy_is_kept() -> None:
    """The message names place and copy, and what to do; again and again, with one copy."""
    files = lived()
    spoil(files, 1, 3)
    damaged = bytes(files.contents[segment(1)])
    for _ in range(2):
        with pytest.raises(RefusedError) as refused:
            recover(files)
        words = str(refused.value)
        assert re.match(rf"{segment(1)} is damaged or missing at byte \d+: frame 4 ", words)
        assert "a copy is in journal/damaged/00000001.tlj" in words
        assert "--accept-damage" in words
    copies = [path for path in files.contents if path.startswith("journal/damaged/")]
    assert copies == ["journal/damaged/00000001.tlj"]
    assert bytes(files.contents[copies[0]]) == damaged


def test_refused_damage_may_be_repaired_by_hand() -> None:
    """Nothing was done that would stand in the way."""
    files = lived()
    whole = bytes(files.contents[segment(1)])
    spoil(files, 1, 3)
    with pytest.raises(RefusedError):
        recover(files)
    files.contents[segment(1)][:] = whole
    live(files, STORY)
    assert recorded(files) == EXPECTED


def test_accepted_damage_becomes_a_gap() -> None:
    """Of every stream that is recorded, between the receipts around it."""
    files = lived()
    spoil(files, 1, 3)
    found = recover(files, accept_damage=True)
    (finding,) = found.findings
    assert "frame 4 should be there, the next that can be read is 5" in finding
    assert "passed over, a copy is in journal/damaged/00000001.tlj" in finding
    assert found.next_seq == 19
    live(files, STORY, accept_damage=True)
    holes = [gap for gap in gaps(files) if gap["cause"] == "damage"]
    assert len({gap["table"] for gap in holes}) >= 3
    assert all(gap["from_ns"] < gap["to_ns"] for gap in holes)


def test_each_damage_is_told_and_copied() -> None:
    """Not only the first: the segments are removed some day."""
    files = lived()
    spoil(files, 1, 3)
    spoil(files, 3, 3)
    found = recover(files, accept_damage=True)
    assert [finding.split()[0] for finding in found.findings] == [segment(1), segment(3)]
    copies = {path for path in files.contents if path.startswith("journal/damaged/")}
    assert copies == {"journal/damaged/00000001.tlj", "journal/damaged/00000003.tlj"}


def test_a_lost_segment_is_damage_too() -> None:
    """Of which there is nothing to copy."""
    files = lived()
    files.remove(segment(2))
    with pytest.raises(RefusedError, match="a copy is in None"):
        recover(files)
    found = recover(files, accept_damage=True)
    assert found.frames == 18 - 2 - 5  # the third life wrote the last of the second once more


def test_damage_before_the_checkpoint_costs_nothing() -> None:
    """It is told, but nobody needs what is derived already."""
    files = lived()
    spoil(files, 1, 0)
    with pytest.raises(RefusedError, match=f"{segment(1)} is damaged"):
        recover(files)
    live(files, STORY, accept_damage=True)
    assert recorded(files) == EXPECTED


@pytest.mark.parametrize("bytes_left", [70, 200, 300])
def test_a_torn_end_is_none(bytes_left: int) -> None:
    """Every crash may leave one; the bytes are counted, and what is whole is used."""
    files = MemoryFiles()
    live(files, STORY[:6])
    size = len(files.contents[segment(1)])
    frames = parse(bytes(files.contents[segment(1)]))
    del files.contents[segment(1)][bytes_left:]
    found = recover(files)
    whole = [frame for frame in frames if frame.end <= bytes_left]
    assert bytes_left < size
    assert found.findings == ()
    assert found.frames == len(whole)
    assert found.torn_bytes == bytes_left - (whole[-1].end if whole else 64)
    live(files, STORY)
    assert recorded(files) == EXPECTED


# -- in the files ----------------------------------------------------------------------------------


def longest(files: MemoryFiles) -> str:
    """A column file of the first version that the checkpoint knows to have something in it."""
    return max(
        (path for path in recorded(files) if path.endswith(".bin") and "/rest." not in path),
        key=lambda path: (len(recorded(files)[path]), path),
    )


def with_checkpoint() -> MemoryFiles:
    files = MemoryFiles()
    live(files, STORY, checkpoints=(len(STORY),))
    return files


def test_a_file_that_is_too_short_is_refused() -> None:
    """The disk has lost what it said to be durable; nothing is changed."""
    files = with_checkpoint()
    path = longest(files)
    del files.contents[path][-1:]
    before = recorded(files)
    with pytest.raises(RefusedError, match=f"{re.escape(path)} has .* were written and made"):
        recover(files)
    assert recorded(files) == before


def test_a_file_that_is_too_short_may_be_accepted() -> None:
    """Its day is cut to whole rows, said once, and saved: the next start does not know better."""
    files = with_checkpoint()
    path = longest(files)
    del files.contents[path][-1:]
    found = recover(files, accept_damage=True)
    assert len(found.findings) == 1
    folder, date = path.rsplit("/", 1)[0], path.split(".", 1)[1]
    widths = {"maker_order_id": 16, "taker_order_id": 16, "trade_id": 8, "update_id": 8}
    widths |= {"rest": 16 if "MD" in path or "QUOTES" in path else 8, "origin": 1}
    rows = {
        len(content) / widths.get(name.rsplit("/", 1)[1].split(".")[0], 4)
        for name, content in recorded(files).items()
        if name.rsplit("/", 1)[0] == folder and name.endswith(date)
    }
    assert len(rows) == 1
    assert recover(files).findings == ()


@pytest.mark.parametrize("kept", [0.0, 0.3])
def test_a_later_column_that_is_lost_costs_no_row(kept: float) -> None:
    """What is lost of it is filled up with its absent value; nothing that is whole is shortened."""
    files = with_checkpoint()
    whole = {path: bytes(content) for path, content in recorded(files).items()}
    path = max((each for each in whole if "/rest." in each), key=lambda each: len(whole[each]))
    left = int(len(whole[path]) * kept)
    if left:
        del files.contents[path][left:]
    else:
        files.remove(path)
    with pytest.raises(RefusedError, match="were written and made durable"):
        recover(files)
    found = recover(files, accept_damage=True)
    (finding,) = found.findings
    assert finding.endswith("values of column rest are lost")
    after = recorded(files)
    assert all(after[each] == content for each, content in whole.items() if each != path)
    size = 16 if "MD" in path or "QUOTES" in path else 8
    rows = left // size * size
    assert after[path] == whole[path][:rows].ljust(len(whole[path]), b"\0")
    assert recover(files).findings == ()


def test_a_day_that_somebody_removed_is_a_finding_and_no_end() -> None:
    """Whoever needs room deletes what is old; it begins anew if it is used again."""
    files = with_checkpoint()
    path = longest(files)
    folder, date = path.rsplit("/", 1)[0], path.split(".", 1)[1]
    for name in [*files.contents]:
        if name.rsplit("/", 1)[0] == folder and name.endswith(date):
            files.remove(name)
    found = recover(files)
    assert len(found.findings) == 1
    assert folder in found.findings[0]
    assert recover(files).findings == ()  # known from now on
    assert not any(name.startswith(folder) and name.endswith(date) for name in recorded(files))


def test_what_the_files_have_too_much_is_cut_without_a_word() -> None:
    """It is derived again."""
    files = with_checkpoint()
    for path in recorded(files):
        files.append(path, b"beyond")
    assert recover(files).findings == ()
    assert recorded(files) == EXPECTED
