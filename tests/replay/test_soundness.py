"""A recording of real traffic is complete, and says so."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import unquote

from tests.recordings import needs_recordings
from tests.replay import disk
from tests.replay.captures import Play, said
from tests.replay.running import Recorded, checked
from tick_logger.exchanges import registry

pytestmark = needs_recordings


def test_it_ends_cleanly(recorded: Recorded) -> None:
    """Exit code 0, on one connection that was never lost, with everything granted at once."""
    assert recorded.exit_code == 0
    for name in ("reconnects", "ack_retries", "subscriptions_refused", "message_timeouts"):
        assert recorded.count(f"{name}_total") == 0


def test_every_frame_is_understood(recorded: Recorded) -> None:
    """Those of kinds that are not recorded too; nothing is kept aside or given up."""
    assert recorded.count("messages_received_total") >= len(recorded.play.frames())
    for name in ("parse_errors", "parse_circuit_breaks", "messages_dropped"):
        assert recorded.count(f"{name}_total") == 0
    assert list(recorded.folder.rglob("undecodable*")) == []


def test_only_what_the_frames_name_is_recorded(recorded: Recorded) -> None:
    """No symbol and no table beside those with something to say."""
    found = said(recorded.play)
    of_table: dict[str, Collection[str]] = {
        "MD": found.ticks,
        "TRADES": found.trades,
        "QUOTES": found.quotes,
        "BOOK": found.books,
    }
    root = recorded.folder / recorded.play.exchange
    tables = {(unquote(path.parents[1].name), path.parent.name) for path in root.rglob("*.bin")}
    assert tables == {(s, table) for table, symbols in of_table.items() for s in symbols}
    assert recorded.count("rows_written_total") == checked(recorded).rows


def test_no_row_is_late_that_came_in_order(recorded: Recorded) -> None:
    """Rows of many streams and of books that wait for snapshots do not hold each other up."""
    if said(recorded.play).in_order():
        assert recorded.count("late_rows_total") == 0


def test_gaps_are_those_of_the_recording(recorded: Recorded) -> None:
    """Each hole in the recorded ids, and each book that is never sent, and nothing else."""
    found = {
        (symbol, gap["table"], gap["from_id"], gap["to_id"])
        for symbol, gap in disk.gaps(recorded.folder)
    }
    assert found == said(recorded.play).holes() | books_never_sent(recorded.play)


def books_never_sent(play: Play) -> set[tuple[str, str, None, None]]:
    """Of symbols whose book would begin with a snapshot, which is not in the frames."""
    if "orderbook" not in registry.get(play.exchange).greets:
        return set()
    found = said(play)
    without = set(found.symbols) - set(found.updates) - set(found.snapshots)
    return {(symbol, "BOOK", None, None) for symbol in without}


def test_verify_passes(recorded: Recorded) -> None:
    """Every invariant on disk holds."""
    report = checked(recorded)
    assert report.findings == []
    assert report.notes == []
    assert report.table_days > 0
