"""The same frames again, on the same day: what a restart of the recorder must not do to files."""

from __future__ import annotations

from pathlib import Path

from tests.recordings import needs_recordings
from tests.replay import disk
from tests.replay.captures import said
from tests.replay.running import Recorded, checked

pytestmark = needs_recordings

Restarts = list[tuple[Recorded, Recorded]]  # before and after


def test_the_second_run_ends_cleanly(restarts: Restarts) -> None:
    """Exit code 0, every frame understood, and every invariant on disk still holds."""
    for _, after in restarts:
        assert after.exit_code == 0
        assert after.count("parse_errors_total") == 0
        assert after.count("messages_dropped_total") == 0
        assert checked(after).findings == []


def test_no_trade_is_added_twice(restarts: Restarts) -> None:
    """Its id is known from the files: they stay byte for byte what they were."""
    for before, after in restarts:
        trades = sum(map(len, said(after.play).trades.values()))
        found = files(after.folder, "TRADES/*")
        assert found == files(before.folder, "TRADES/*")
        assert (
            sum(len(ids) // 8 for path, ids in found.items() if "trade_id" in path.name) == trades
        )


def test_no_numbered_update_of_a_book_is_added_twice(restarts: Restarts) -> None:
    """Its id and its time lie before the end of what is on disk; only the snapshot comes anew."""
    for _, after in restarts:
        for symbol, updates in said(after.play).updates.items():
            folders = (after.symbol(symbol), after.symbol(symbol) / "late")
            parts = [disk.read(folder, "BOOK", after.dtype) for folder in folders]
            numbered = [(part["flags"] == 0) & (part["update_id"] != 0) for part in parts]
            levels = sum(len(update.levels) for update in updates if update.last_id)
            assert sum(int(rows.sum()) for rows in numbered) == levels


def test_files_are_appended_to(restarts: Restarts) -> None:
    """Whatever was on disk is still the beginning of its file; what is new comes after it."""
    for before, after in restarts:
        old, new = files(before.folder, "*"), files(after.folder, "*")
        assert old.keys() <= new.keys()
        assert [path for path, content in old.items() if not new[path].startswith(content)] == []
        assert sum(map(len, new.values())) > sum(map(len, old.values()))


def test_the_pause_is_written_down(restarts: Restarts) -> None:
    """For every stream, those that were silent among them.

    Not even the trades can prove themselves complete by ids, none being new.  Where heartbeats
    name the newest trade they may; such trades are left out here.  A book whose snapshot did not
    come is none yet: its pause goes on.
    """
    for _, after in restarts:
        found = said(after.play)
        symbols = {symbol for symbol, _ in after.play.venue().wanted}
        paused = {(symbol, table) for table in disk.TABLES for symbol in symbols}
        noted = {
            (symbol, gap["table"])
            for symbol, gap in disk.gaps(after.folder)
            if gap["cause"] == "restart"
        }
        perhaps = {(symbol, "TRADES") for symbol in found.announced}
        perhaps |= {(each, "BOOK") for each in symbols if not disk.days(after.symbol(each), "BOOK")}
        assert noted - perhaps == paused - perhaps


def files(folder: Path, pattern: str) -> dict[Path, bytes]:
    """The content of the files below a folder, by their path in it; the journal's left out."""
    found = {path.relative_to(folder): path for path in folder.rglob(pattern) if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name.parts[0] != "journal"}
