"""Raw objects: the journal's entries can be made of them again, exactly, by exchange or all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from io import BytesIO
from random import Random
from typing import Any

import attrs
import numpy as np
import pyarrow.parquet as pq
import pytest
from trio.testing import MockClock

from tests.archive.kept import pack_raw
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.sim_disk import PowerCut, SimDisk
from tests.playback.recorded import record_simulated
from tests.storage.sample import DAY, SECOND
from tick_logger.archive import raw
from tick_logger.archive.jobs import Folders, Made, RawJob
from tick_logger.archive.keys import RawKey, parse
from tick_logger.archive.ledger import Covered, Ledger
from tick_logger.archive.packing import raw_jobs
from tick_logger.archive.parquet import remove_parts
from tick_logger.archive.raw import pack, rows_of
from tick_logger.archive.raw_rows import Rows, entries_of_rows
from tick_logger.errors import StorageError
from tick_logger.journal.entry_codec import decode_entries, encode_entries
from tick_logger.journal.journal import Journal
from tick_logger.journal.reader import JournalReader
from tick_logger.model.entries import (
    Closed,
    Defined,
    Entry,
    Note,
    Received,
    Sealed,
    Started,
    Ticked,
    joined,
)
from tick_logger.model.marks import LastTradeId
from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY

NOON = DAY * NS_PER_DAY + 12 * 3600 * SECOND
MIDNIGHT = (DAY + 1) * NS_PER_DAY
HERE = Folders("", "", "here")


def received(
    exchange: str,
    *arrivals: tuple[str, int, Sequence[bytes]],
    **more: Any,  # noqa: ANN401 - fields of all kinds
) -> Received:
    """Reads: connection, time, payloads."""
    lengths, payloads = joined([each for _, _, those in arrivals for each in those])
    entry = Received(
        exchange,
        tuple(label for label, _, _ in arrivals),
        np.array([at for _, at, _ in arrivals], np.int64),
        np.array([len(those) for _, _, those in arrivals], np.uint32),
        lengths,
        payloads,
    )
    return attrs.evolve(entry, **more)


FRAMES: tuple[tuple[Entry, ...], ...] = (
    (
        Started(NOON, "0.2.0", "f4", 3),
        received(
            "venue",
            ("1.1", NOON + 1, [b"{}", b"", b"\x00\xff"]),
            ("2.1", NOON + 2, [b"x" * 1000]),
            ("1.1", NOON + 2, []),
            defined=(Defined(0, "BTC-USD", (Table.TRADES,)),),
            marks=(LastTradeId(0, 7, NOON),),
            notes=(Note(NOON, "1.1", "up", "é"),),
        ),
        Ticked(NOON + SECOND),
    ),
    (received("other", ("backfill", NOON + 3, [b"[1]"])), received("venue")),
    (received("venue", ("1.1", NOON + 4, [])), Ticked(None)),
    (received("venue", ("1.1", NOON + 5, [b"?"]), decodable=False),),
    (Ticked(NOON + 3600 * SECOND),),
    (received("venue", ("3", MIDNIGHT - 1, [b"old"]), ("4", MIDNIGHT + 1, [b"new", b"er"])),),
    (Sealed("venue", DAY, MIDNIGHT + 5), Ticked(MIDNIGHT + 5), Closed(MIDNIGHT + 6, True)),
)


def journal_of(frames: Iterable[Sequence[Entry]], *, segment_bytes: int = 2**20) -> MemoryFiles:
    files = MemoryFiles()
    journal = Journal(files, next_seq=1, segment=1, segment_bytes=segment_bytes)
    for number, entries in enumerate(frames):
        journal.accept(encode_entries(entries))
        journal.write(NOON + number * 600 * SECOND)
        journal.sync()
    return files


def bodies(files: MemoryFiles) -> list[tuple[int, bytes]]:
    return [(frame.seq, frame.body) for frame in JournalReader(files, from_seq=1)]


def made_again(files: MemoryFiles, made: Iterable[Made]) -> list[tuple[int, bytes]]:
    """The bodies of frames, of all objects."""
    parts: dict[str, list[Rows]] = {}
    for each in made:
        table = pq.ParquetFile(BytesIO(bytes(files.contents[each.key]))).read()
        assert table.num_rows == each.rows
        parts.setdefault(each.exchange, []).append(rows_of(table))
    found: dict[tuple[int, int], Entry] = {}
    for exchange, those in parts.items():
        for seq, number, entry in entries_of_rows(Rows.joined(those), exchange):
            same = found.setdefault((seq, number), entry)
            assert encode_entries([same]) == encode_entries([entry])
    frames: dict[int, list[Entry]] = {}
    for (seq, _), entry in sorted(found.items(), key=lambda item: item[0]):
        frames.setdefault(seq, []).append(entry)
    return [(seq, encode_entries(entries)) for seq, entries in frames.items()]


def test_the_journal_can_be_made_again() -> None:
    """Every entry of every kind, odd ones among them."""
    journal, files = journal_of(FRAMES), MemoryFiles()
    job = RawJob(HERE, 1, len(FRAMES) + 1)
    made = pack(job, journal, files).made
    assert made_again(files, made) == bodies(journal)
    assert [(each.exchange, each.day - DAY, each.frames) for each in made] == [
        ("other", 0, (1, 4)),
        ("venue", 0, (1, 5)),
        ("none", 0, (5, 6)),
        ("venue", 0, (6, 7)),
        ("venue", 1, (6, 8)),
    ]
    for each in made:
        key = parse(each.key)
        assert isinstance(key, RawKey)
        assert (key.exchange, key.day, key.server) == (each.exchange, each.day, "here")
        assert (key.first_seq, key.digest) == (each.frames and each.frames[0], each.sha256[:12])
    assert len({each.job for each in made}) == len(made)
    again = MemoryFiles()
    assert pack(job, journal, again).made == made
    assert again.contents == files.contents


def test_rows_as_others_read_them() -> None:
    """In the order of the journal, each of the day in its key."""
    journal, files = journal_of(FRAMES), MemoryFiles()
    made = pack(RawJob(HERE, 1, 8), journal, files).made
    for each in made:
        rows = pq.ParquetFile(BytesIO(bytes(files.contents[each.key]))).read()
        assert rows.column_names[:2] == ["kind", "seq"]
        days = set((rows["recv_ts"].to_numpy().astype(np.int64) // NS_PER_DAY).tolist())
        assert days == {each.day}
    rows = pq.ParquetFile(BytesIO(bytes(files.contents[made[1].key]))).read()
    messages = [row for row in rows.to_pylist() if row["kind"] == "message"]
    assert [(row["connection"], row["payload"]) for row in messages] == [
        ("1.1", b"{}"),
        ("1.1", b""),
        ("1.1", b"\x00\xff"),
        ("2.1", b"x" * 1000),
        ("1.1", b"?"),
    ]


@pytest.mark.parametrize("most", [1, 100])
def test_little_memory_changes_no_row(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the row groups are smaller."""
    monkeypatch.setattr(raw, "GROUP_BYTES", most)
    monkeypatch.setattr(raw, "MOST_BYTES", most)
    journal, files = journal_of(FRAMES), MemoryFiles()
    assert made_again(files, pack(RawJob(HERE, 1, 8), journal, files).made) == bodies(journal)


def test_large_objects_are_rotated() -> None:
    """After so many MiB, whatever the time."""
    rng = Random(1)
    frames = [(received("venue", ("1", NOON + n, [rng.randbytes(2**18)])),) for n in range(40)]
    journal, files = journal_of(frames, segment_bytes=2**24), MemoryFiles()
    raw_group = 2**18
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw, "GROUP_BYTES", raw_group)
        made = pack(RawJob(HERE, 1, 41, rotate_mib=2), journal, files).made
    assert len(made) > 3
    assert all(each.size < 3 * 2**20 for each in made)
    assert made_again(files, made) == bodies(journal)


def test_jobs_are_of_closed_segments() -> None:
    """Those that were begun within an hour; the last is open, until its frames are asked for."""
    frames = [(received("venue", ("1", NOON + n, [Random(n).randbytes(400)])),) for n in range(20)]
    journal, files = journal_of(frames, segment_bytes=600), MemoryFiles()
    ledger = Ledger(files)
    jobs = raw_jobs(HERE, journal, ledger)
    runs = [(job.first_seq, job.next_seq) for job in jobs]
    assert runs == [(1, 7), (7, 13), (13, 19)]  # six of ten minutes each
    for job in jobs:
        ledger.add(Covered(at_ns=1, first_seq=job.first_seq, next_seq=job.next_seq))
    assert raw_jobs(HERE, journal, Ledger(files)) == []
    (last,) = raw_jobs(HERE, journal, ledger, until_seq=21)
    assert (last.first_seq, last.next_seq) == (19, 21)
    assert made_again(files, pack(last, journal, files).made) == bodies(journal)[18:]


def test_a_job_names_no_object_of_earlier_frames() -> None:
    """It goes to another process, and must not grow with the years."""
    frames = [(received("venue", ("1", NOON + n, [Random(n).randbytes(400)])),) for n in range(20)]
    journal, files = journal_of(frames, segment_bytes=600), MemoryFiles()
    ledger = Ledger(files)
    made = [pack_raw(ledger, files, first, first + 6).key for first in (1, 7)]
    assert [job.known for job in raw_jobs(HERE, journal, ledger)] == [tuple(made), (made[1],), ()]


def test_frames_that_are_not_there_are_not_packed() -> None:
    """The error says how far the journal goes; what was made by then is made anew."""
    files = MemoryFiles()
    with pytest.raises(StorageError, match="ends at frame 8"):
        pack(RawJob(HERE, 1, 12), journal_of(FRAMES), files)
    made = pack(RawJob(HERE, 1, 8), journal_of(FRAMES), files).made
    assert sorted(path for path in files.contents if "data/" in path) == sorted(m.key for m in made)


def test_a_power_cut_at_every_step_leaves_nothing_half() -> None:
    """And the next run makes the same objects, no frame in two of one exchange."""
    journal, calm = journal_of(FRAMES), SimDisk()
    job = RawJob(HERE, 1, 8)
    pack(job, journal, calm)
    whole = {path: bytes(data) for path, data in calm.contents.items()}
    for operation in range(1, calm.operations + 1):
        disk = SimDisk(Random(operation))
        disk.power_cut_at(operation)
        with contextlib.suppress(PowerCut):
            pack(job, journal, disk)
        disk.crash(Random(operation), "kill" if operation % 2 else "power")
        found = {path: bytes(data) for path, data in disk.contents.items() if "data/" in path}
        assert found.items() <= whole.items()
        remove_parts(disk)
        pack(job, journal, disk)
        assert {path: bytes(data) for path, data in disk.contents.items()} == whole


async def test_a_recording_can_be_made_again(autojump_clock: MockClock) -> None:
    """Everything that a whole service wrote down."""
    recording = await record_simulated("kraken", 20.0)
    frames = bodies(recording)
    files = MemoryFiles()
    made = pack(RawJob(HERE, frames[0][0], frames[-1][0] + 1), recording, files).made
    assert made_again(files, made) == frames
    assert any(isinstance(e, Received) for _, body in frames for e in decode_entries(body))
