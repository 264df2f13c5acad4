"""What other versions of the program have left, and what this one leaves for them."""

from __future__ import annotations

import attrs
import msgspec
import pytest

from tests.derive.derived import NOW_NS, recorded
from tests.derive.story import Frames, story
from tests.fakes.memory_files import MemoryFiles
from tests.recording.lives import live, recover, recovery
from tick_logger.errors import RefusedError
from tick_logger.journal.journal import Journal
from tick_logger.model.entries import Started
from tick_logger.storage.checkpoint import CheckpointSlots

STORY = story(2, rounds=3)


def by_the_first_version(frames: Frames) -> Frames:
    """The same story, told by processes that named no columns."""
    return [
        [
            attrs.evolve(entry, price_dtype="f4", columns={})
            if isinstance(entry, Started)
            else entry
            for entry in frame
        ]
        for frame in frames
    ]


def saved_up_to(files: MemoryFiles) -> int | None:
    """The first frame that the newest checkpoint does not speak of."""
    checkpoint = CheckpointSlots(files).load()
    return None if checkpoint is None else checkpoint.next_seq


# -- earlier versions ------------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", [(), (3,)])
def test_a_checkpoint_of_this_version_comes_before_anything_new(chosen: tuple[int, ...]) -> None:
    """An earlier version, which refuses that, then never cuts or continues what it cannot read.

    Nothing says yet that there is anything new when the checkpoint cannot be saved.
    """
    files = MemoryFiles()
    live(files, by_the_first_version(STORY), checkpoints=chosen)
    process = recovery(files)
    found = process.run(NOW_NS)
    before = saved_up_to(files)
    files.fail_from = files.operations + 1
    with pytest.raises(OSError, match="Input/output error"):
        process.prepare(found.derivation, NOW_NS)
    files.heal()
    assert saved_up_to(files) == before
    assert "format.json" not in files.contents
    process.prepare(found.derivation, NOW_NS)
    assert saved_up_to(files) == found.next_seq == len(STORY) + 1
    assert "format.json" in files.contents


def test_what_is_of_this_version_needs_no_checkpoint_more() -> None:
    """A start writes no more than it has to."""
    files = MemoryFiles()
    live(files, STORY, checkpoints=(3,))
    process = recovery(files)
    process.prepare(process.run(NOW_NS).derivation, NOW_NS)
    assert saved_up_to(files) == 4


# -- newer versions --------------------------------------------------------------------------------


def test_an_entry_of_a_newer_version_is_refused_before_any_file_is_touched() -> None:
    """However far behind the checkpoint it is: the files stay as the newer version left them."""
    files = MemoryFiles()
    live(files, STORY, checkpoints=(2,))
    journal = Journal(files, next_seq=len(STORY) + 1, segment=2)
    journal.accept(msgspec.msgpack.encode([["unheard of", 1]]))
    journal.write(NOW_NS)
    journal.sync()
    for path in recorded(files):
        files.append(path, b"beyond")
    before = recorded(files)
    with pytest.raises(RefusedError, match=f'frame {len(STORY) + 1} .* "unheard of" is not known'):
        recover(files)
    assert recorded(files) == before
