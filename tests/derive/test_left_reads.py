"""What a killed process had read gets into the journal once, and is derived like all else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import attrs
import pytest

from tests.derive.derived import NOW_NS, bytes_of, gaps, recorded
from tests.derive.story import (
    INSTRUMENTS,
    SECOND,
    START_NS,
    TABLES,
    entries_of,
    received,
    started,
    story,
)
from tests.derive.test_derivation import TRADE
from tests.fakes.kept_memory import KeptMemory
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.sim_disk import PowerCut, SimDisk
from tests.recording.lives import live
from tick_logger.derive.left_reads import sweep
from tick_logger.derive.recovery import Recovered, Recovery, recover_directory, with_left_reads
from tick_logger.derive.unheard import said_of
from tick_logger.journal.entry_codec import decode_entries
from tick_logger.journal.kept_reads import KeptReads
from tick_logger.journal.read_buffer import FORMAT, head
from tick_logger.journal.reader import JournalReader
from tick_logger.model.cause import Cause
from tick_logger.model.entries import Closed, Defined, Entry, Received, Started, Ticked
from tick_logger.model.marks import (
    AwaitSnapshot,
    Interrupted,
    Lapse,
    LastTradeId,
    Mark,
    NoSnapshot,
    Resumed,
    Retired,
)
from tick_logger.model.tables import EXACT, Table
from tick_logger.storage.files import Files
from tick_logger.storage.shared_memory import SharedMemory


def kept(memory: KeptMemory, entries: Sequence[Entry], *, heard: int | None = None) -> list[Entry]:
    """The entries as a process writes them that has its reads kept; all were read by its end.

    Of those behind `heard` connections did not hear.
    """
    name, view = memory.reserve()
    reads = KeptReads()
    reads.begin(view, name, "/data")
    of = {exchange: reads.of(exchange) for exchange in INSTRUMENTS}
    written: list[Entry] = [attrs.evolve(started(START_NS), buffer=name)]
    for number, entry in enumerate(entries):
        if not isinstance(entry, Received):
            written.append(entry)
            continue
        mine, payloads, at = of[entry.exchange], entry.split(), 0
        for label, recv_ns, count in zip(
            entry.connections, entry.recv_ns.tolist(), entry.counts.tolist(), strict=True
        ):
            mine.read(label, recv_ns, payloads.at(range(at, at + count)))
            at += count
        if heard is None or number < heard:
            batch = attrs.evolve(entry, taken=mine.next_taken(len(entry.connections)))
            mine.batch(batch)
            written.append(batch)
    return written


def start(files: Files, memory: KeptMemory) -> Recovered:
    """As the service begins."""
    recovery = Recovery(files, price_dtype=EXACT)
    found = with_left_reads(files, recovery.run(NOW_NS), memory, NOW_NS)
    recovery.prepare(found.derivation, NOW_NS)
    return found


def journal_of(files: Files) -> list[Entry]:
    frames = JournalReader(files, from_seq=1)
    return [entry for frame in frames for entry in decode_entries(frame.body)]


def by_exchange(entries: Sequence[Entry]) -> dict[str, list[tuple[int, bytes, tuple[Mark, ...]]]]:
    """What each exchange sent, in order, with what was said of it."""
    found: dict[str, list[tuple[int, bytes, tuple[Mark, ...]]]] = {}
    for entry in entries:
        if isinstance(entry, Received):
            one = (entry.taken, bytes(entry.payloads), entry.marks)
            found.setdefault(entry.exchange, []).append(one)
    return found


def one_process(seed: int) -> list[Entry]:
    """What the first process of a story received, and its ticks."""
    frames = story(seed, rounds=3)
    end = next(n for n, frame in enumerate(frames) if n and isinstance(frame[0], Started))
    return entries_of(frames[1:end])


@pytest.mark.parametrize("seed", range(4))
def test_wherever_the_journal_ends_the_rest_is_put_behind_it(seed: int) -> None:
    """As the process would have written it, whatever it had written; and a second start adds
    nothing."""
    for count in range(1, 2 + len(one_process(seed))):
        files, memory = MemoryFiles(), KeptMemory()
        entries = kept(memory, one_process(seed))
        live(files, [entries[:count]], checkpoints=[1] if count % 2 else [])
        found = start(files, memory)
        assert by_exchange(journal_of(files)) == by_exchange(entries)
        lacking = [each for each in entries[count:] if isinstance(each, Received)]
        assert found.left_messages == sum(len(each.lengths) for each in lacking)
        assert memory.held == {}
        again = start(files, memory)
        assert (again.left_messages, again.next_seq) == (0, found.next_seq)
        # What is in the journal is all that files are made of.
        live(files, [*_padding(again.next_seq - 1), [Closed(NOW_NS)]])
        assert recorded(files) == bytes_of(journal_of(files))


def _padding(count: int) -> list[list[Entry]]:
    """For the frames that are there already."""
    return [[] for _ in range(count)]


@pytest.mark.parametrize("phase", range(4))
def test_a_start_that_is_killed_at_any_moment_leaves_it_to_the_next(phase: int) -> None:
    """Each read is there once, however often and wherever it died; a power cut takes no more."""
    died = 0
    for at in range(1 + phase, 60, 4):
        disk, memory = SimDisk(Random(at)), KeptMemory()
        entries = kept(memory, one_process(phase))
        live(disk, [entries[:4]])
        for kill_at in (at, 1 + at // 2):
            disk.power_cut_at(disk.operations + kill_at)
            try:
                start(disk, memory)
            except PowerCut:
                died += 1
            disk.crash(Random(at), "kill")
        start(disk, memory)
        assert by_exchange(journal_of(disk)) == by_exchange(entries)
        disk.crash(Random(at), "power")
        memory.held.clear()
        start(disk, memory)
        assert by_exchange(journal_of(disk)) == by_exchange(entries)
    assert died > 20


def trade(at_ns: int, number: int, *, defined: bool = False) -> Received:
    wanted = [Defined(0, "BTC-USD", TABLES)] if defined else []
    return received("coinbase", [(at_ns, [TRADE % (number, number)])], defined=wanted)


def test_what_connections_had_not_heard_of_lies_within_the_hole() -> None:
    """Its rows are there; but nobody knows whether anything broke meanwhile."""
    files, memory = MemoryFiles(), KeptMemory()
    first, second = trade(START_NS, 1, defined=True), trade(START_NS + SECOND, 2)
    live(files, [kept(memory, [first, second], heard=1)[:2]])
    found = start(files, memory)
    assert [entry.heard for entry in journal_of(files)[1:] if isinstance(entry, Received)] == [
        True,
        False,
    ]
    assert found.derivation.stopped_ns == START_NS
    again: list[Entry] = [
        started(START_NS + 5 * SECOND),
        trade(START_NS + 6 * SECOND, 9, defined=True),
        Ticked(START_NS + 7 * SECOND),
        Closed(START_NS + 8 * SECOND),
    ]
    live(files, [*_padding(found.next_seq - 1), again])
    ids = recorded(files)["coinbase/BTC-USD/TRADES/trade_id.09.08.24.bin"]
    assert ids == b"".join(number.to_bytes(8, "little") for number in (1, 2, 9))
    holes = {(each["cause"], each["from_id"], each["to_id"]) for each in gaps(files)}
    assert ("crash", 3, 8) in holes


def test_what_the_command_recovers_is_complete_as_well() -> None:
    """Without recording; the memory is given back."""
    files, memory = MemoryFiles(), KeptMemory()
    entries = kept(memory, one_process(1))
    live(files, [entries[:2]])
    found = recover_directory(
        files, "here", NOW_NS, accept_damage=False, on_progress=lambda *_: None, memory=memory
    )
    assert found.left_messages > 0
    assert by_exchange(journal_of(files)) == by_exchange(entries)
    assert memory.held == {}


def test_a_process_that_stopped_in_order_has_left_nothing() -> None:
    """Whatever is in its memory was in the journal, or given up in words."""
    files, memory = MemoryFiles(), KeptMemory()
    entries = kept(memory, [trade(START_NS, 1, defined=True), trade(START_NS + 1, 2)])
    live(files, [[*entries[:2], Closed(START_NS + SECOND)]])
    assert start(files, memory).left_messages == 0
    assert len(by_exchange(journal_of(files))["coinbase"]) == 1


def test_the_memory_of_another_process_is_not_taken_for_its_own() -> None:
    """One that began later has a memory of its own, or none."""
    files, memory = MemoryFiles(), KeptMemory()
    entries = kept(memory, [trade(START_NS, 1, defined=True), trade(START_NS + 1, 2)])
    live(files, [entries[:2], [started(START_NS + SECOND)]])
    assert start(files, memory).left_messages == 0
    assert list(memory.held) == ["1"]


def test_what_a_newer_version_kept_is_left_alone_and_told() -> None:
    """The journal is continued without it, as after a power cut."""
    files, memory = MemoryFiles(), KeptMemory()
    live(files, [kept(memory, [trade(START_NS, 1, defined=True), trade(START_NS + 1, 2)])[:2]])
    newer = head("1", "/data", 100).replace(FORMAT.encode(), FORMAT.replace("1", "2").encode())
    memory.held["1"][: len(newer)] = newer
    found = start(files, memory)
    assert found.left_messages == 0
    assert "newer version" in str(found.findings)
    assert list(memory.held) == ["1"]


def test_marks_that_nobody_heard_of_claim_nothing() -> None:
    """Interruptions begin where the hole of the crash does; what would end one is passed over."""
    both, trades = (1, 2), (Table.TRADES,)
    lapse = Lapse(both, trades, 3, 4, Cause.MOVED)
    entry = attrs.evolve(
        trade(START_NS, 1),
        marks=(
            Interrupted(both, trades, 5, Cause.SILENT),
            Interrupted(both, trades, 50, Cause.DISCONNECT),
            Resumed(both, trades, 60),
            lapse,
            LastTradeId(1, 7, 60),
            AwaitSnapshot(1, 60, 8, broken=True),
            NoSnapshot(2, 60),
            Retired(both, 60),
        ),
    )
    assert said_of(entry, 10) == entry.marks
    unheard = attrs.evolve(entry, heard=False)
    assert said_of(unheard, 10) == [
        Interrupted(both, trades, 5, Cause.SILENT),
        Interrupted(both, trades, 10, Cause.DISCONNECT),
        lapse,
        AwaitSnapshot(1, 60, 8),
        NoSnapshot(2, 60),
    ]
    assert said_of(unheard, None)[1] == Interrupted(both, trades, 50, Cause.DISCONNECT)


def test_a_start_lets_go_of_what_nobody_will_recover(tmp_path: Path) -> None:
    """Of this directory, which is recovered, and of those that are gone; not of any other."""
    folder = tmp_path / "memory"
    folder.mkdir()
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    for name in ("here", "there", "gone"):
        (folder / f"tick_logger-{name}").write_bytes(head(name, str(tmp_path / name), 100))
    (folder / "tick_logger-other").write_bytes(b"of another version")
    sweep(SharedMemory(str(folder), 1 << 16), str(tmp_path / "here"))
    assert sorted(path.name for path in folder.iterdir()) == [
        "tick_logger-other",
        "tick_logger-there",
    ]
