"""What looked wrong is kept with its day: packed as it grows, verified, read and restored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tick_logger
from tests.archive.archiving import Rig
from tests.archive.kept import DAY, EXCHANGE, certify, record
from tests.reader.kept import DAYS, Kept, write
from tests.storage.sample import DAY as FIRST_DAY
from tests.storage.sample import MIDNIGHT_NS, SECOND
from tick_logger.archive.inspecting import verify
from tick_logger.archive.keys import QUALITY, QualityKey, parse_quality
from tick_logger.archive.ledger import Ledger, Where
from tick_logger.archive.quality_parts import new_parts
from tick_logger.archive.retention import Retention
from tick_logger.cli.main import main
from tick_logger.reader.tree import DiskTree
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.layout import QualityPath, quality_path
from tick_logger.storage.quality_files import doubts_in


def line(secs: float, kind: str = "crossed") -> bytes:
    """A mark, as the page on files has it."""
    begin = MIDNIGHT_NS + round(secs * SECOND)
    mark = {"symbol": "BTC-USD", "table": "QUOTES", "kind": kind, "from_ns": begin}
    more = {"to_ns": begin + SECOND, "rows": 3, "figures": {"bid": 101.5, "ask": 100.25}}
    return json.dumps({**mark, **more}).encode() + b"\n"


# -- packed, and sent ------------------------------------------------------------------------------


def path_of(day: int) -> str:
    return quality_path(QualityPath(EXCHANGE, day))


def parts(rig: Rig, day: int) -> list[bytes]:
    """What the bucket has of a day's file, in the order of their beginnings."""
    found = [(parse_quality(key), data) for key, (data, _) in rig.bucket.objects.items()]
    mine = [(key.begin, data) for key, data in found if key is not None and key.day == day]
    return [data for _, data in sorted(mine)]


async def test_a_file_is_kept_as_it_grows(autojump_clock: object) -> None:
    """Once its day is certified; of what came since one more part, and nothing twice."""
    rig = Rig()
    last = DAY + 3  # not certified
    for day in (DAY, last):
        rig.recorded.append(path_of(day), line(1))
    archiver = rig.archiver()
    await archiver.cycle()
    assert (parts(rig, DAY), parts(rig, last)) == ([line(1)], [])
    rig.check()
    before = rig.archive.read("meta/ledger.jsonl")
    await archiver.cycle()
    assert rig.archive.read("meta/ledger.jsonl") == before
    rig.recorded.append(path_of(DAY), line(2) + line(3)[:20])  # torn
    await archiver.cycle()
    rig.recorded.append(path_of(DAY), b"\n" + line(4))
    record(rig.recorded, last, 3)
    certify(rig.recorded, last)
    await rig.archiver().cycle()
    assert b"".join(parts(rig, DAY)) == bytes(rig.recorded.read(path_of(DAY)))
    assert [len(list(doubts_in(each))) for each in parts(rig, DAY)] == [1, 1, 1]
    assert parts(rig, last) == [line(1)]
    assert rig.waiting() == []
    assert {number for key, number in rig.bucket.puts.items() if QUALITY in key} == {1}


async def test_a_file_that_lost_its_end_takes_nothing_back(autojump_clock: object) -> None:
    """A power cut may have; the archive has what was there."""
    rig = Rig()
    rig.recorded.append(path_of(DAY), line(1) + line(2))
    archiver = rig.archiver()
    await archiver.cycle()
    rig.recorded.truncate(path_of(DAY), len(line(1)))
    await archiver.cycle()
    assert parts(rig, DAY) == [line(1) + line(2)]


async def test_a_day_stays_until_what_looked_wrong_is_verified(autojump_clock: object) -> None:
    """Wherever it is to be; and the file itself stays, as gaps files do."""
    rig = Rig(wanted=(Where.LOCAL, Where.BUCKET), keep_days=400)
    await rig.archiver().cycle()
    rig.recorded.append(path_of(DAY), line(1))

    def outlook() -> tuple[list[int], list[str]]:
        found = Retention(rig.recorded, rig.ledger(), rig.wanted).outlook(DAY + 3, 1)
        return [each.day for each in found.goes], [each.reason for each in found.stays]

    assert outlook() == ([], ["what looked wrong in it is not packed"])
    ledger = rig.ledger()
    (part,) = new_parts(rig.recorded, rig.archive, ledger, [QualityPath(EXCHANGE, DAY)], "here", 1)
    ledger.add(part)
    assert outlook() == ([], ["what looked wrong in it is not verified everywhere"])
    rig.keep_days = 1
    await rig.archiver().cycle()
    assert rig.ledger().released() == [(EXCHANGE, DAY), (EXCHANGE, DAY + 1)]
    assert bytes(rig.recorded.read(path_of(DAY))) == line(1)


# -- read, checked and restored --------------------------------------------------------------------

VENUE = "venue"
FILE = Path(VENUE) / "quality.01.02.24.jsonl"


def pack(kept: Kept, server: str = "here") -> str:
    """Pack what is not packed yet; returns its key."""
    recorded, root = DiskFiles(kept.data), DiskFiles(kept.root)
    ledger = Ledger(root)
    where = [QualityPath(VENUE, FIRST_DAY)]
    (part,) = new_parts(recorded, root, ledger, where, server, 1)
    ledger.add(part)
    return part.key


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """A recording whose first day has marks, packed in two parts."""
    kept = Kept(tmp_path / "data", tmp_path / "archive")
    write(kept)
    kept.pack_all()
    (kept.data / FILE).write_bytes(line(5))
    pack(kept)
    with (kept.data / FILE).open("ab") as file:
        file.write(line(70, "jump"))
    pack(kept)
    return kept


def kinds(*sources: Path) -> list[str]:
    opened = tick_logger.open([str(each) for each in sources])
    found = opened.doubts("venue:BTC-USD", "2024-02-01")
    return [each.kind for each in found]


def test_an_archive_tells_what_looked_wrong(kept: Kept) -> None:
    """Alone, and with its recording each mark once, before and after the day is let go of."""
    assert kinds(kept.root) == ["crossed", "jump"]
    alone = tick_logger.open(str(kept.root))
    assert alone.doubts() == tick_logger.open(str(kept.data)).doubts()
    minute = MIDNIGHT_NS + 60 * SECOND
    assert [each.kind for each in alone.doubts(start=minute)] == ["jump"]
    assert kinds(kept.data, kept.root) == ["crossed", "jump"]
    kept.release(DAYS[0])
    assert kinds(kept.data) == kinds(kept.data, kept.root) == ["crossed", "jump"]
    (kept.data / FILE).unlink()
    assert kinds(kept.data) == ["crossed", "jump"]  # of the archive beside it


def test_parts_that_overlap_are_one_file(kept: Kept) -> None:
    """As of a process that died before its part was in the ledger."""
    orphan = QualityKey(VENUE, FIRST_DAY, "here", 0, "0" * 12)
    (kept.root / str(orphan)).write_bytes(line(5) + line(70, "jump"))
    assert kinds(kept.root) == ["crossed", "jump"]


def test_each_server_has_a_file(kept: Kept) -> None:
    """Marks of both are there, and none of them replaces the other's."""
    other = QualityKey(VENUE, FIRST_DAY, "there", 0, "0" * 12)
    (kept.root / str(other)).write_bytes(line(30, "apart"))
    assert kinds(kept.root) == ["crossed", "apart", "jump"]


def test_a_change_is_found(kept: Kept) -> None:
    """By the name, the ledger, and where it is gone."""
    assert verify(DiskTree(kept.root)).findings == []
    (part, _) = sorted((kept.root / "meta" / VENUE).glob("quality.*"))
    whole = part.read_bytes()
    part.write_bytes(whole.replace(b"crossed", b"locked "))
    findings = verify(DiskTree(kept.root)).findings
    assert len([each for each in findings if part.name in each]) == 2
    part.unlink()
    (found,) = verify(DiskTree(kept.root)).findings
    assert found.endswith(f"{part.name}: the ledger has it, and it is not there")


def test_it_is_restored_with_its_day(
    kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Byte for byte; what is there already is left as it is."""
    again = tmp_path / "again"
    words = ["archive", "restore", str(kept.root), str(again), "--day", "2024-02-01"]
    assert main(words) == 0
    assert "venue: what looked wrong in them restored\n" in capsys.readouterr().out
    assert (again / FILE).read_bytes() == (kept.data / FILE).read_bytes()
    third = tmp_path / "third"
    (third / VENUE).mkdir(parents=True)
    (third / FILE).write_bytes(line(9))
    assert main([*words[:3], str(third), *words[4:]]) == 0
    assert "wrong" not in capsys.readouterr().out
    assert (third / FILE).read_bytes() == line(9)
