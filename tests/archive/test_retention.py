"""Nothing goes that is not kept elsewhere, and no power cut makes it otherwise."""

from __future__ import annotations

from random import Random

import pytest

from tests.archive.kept import DAY, EXCHANGE, certify, pack, pack_raw, record, sha, verify
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.sim_disk import PowerCut, SimDisk
from tick_logger.archive.journal_release import JournalRelease
from tick_logger.archive.keys import date_text
from tick_logger.archive.ledger import Covered, Ledger, Packed, Where
from tick_logger.archive.retention import Retention
from tick_logger.storage.files import Files
from tick_logger.storage.layout import ColumnPath, parse

BOTH = (Where.LOCAL, Where.BUCKET)


class Kept:
    """A recording of some days, packed, certified and verified."""

    def __init__(self, files: Files, archive: Files, days: int = 4) -> None:
        self.files, self.archive = files, archive
        self.ledger = Ledger(archive)
        self.objects: dict[int, Packed] = {}
        for day in range(DAY, DAY + days):
            record(files, day, 3, late=2, aside=1)
            self.objects[day] = pack(self.ledger, archive, day, 4, late={"A": 2})
            self.certify(day)
            verify(self.ledger, self.objects[day], *BOTH)

    def certify(self, day: int, number: int = 1, *places: Where) -> None:
        key = certify(self.files, day, number)
        data = b"{%d}" % day
        document = Packed(
            at_ns=1, job=key, key=key, sha256=sha(data), size=len(data), rows=0,
            exchange=EXCHANGE, day=day, table="certificate",
        )  # fmt: skip
        self.ledger.add(document)
        verify(self.ledger, document, *(places or BOTH))

    def outlook(self, keep_days: int = 1) -> tuple[list[int], list[str]]:
        """Days that may go, and why others may not, on the day behind the last one."""
        retention = Retention(self.files, self.ledger, BOTH)
        found = retention.outlook(DAY + len(self.objects), keep_days)
        return [each.day for each in found.goes], [each.reason for each in found.stays]

    def release(self) -> None:
        retention = Retention(self.files, self.ledger, BOTH)
        for day in retention.outlook(DAY + len(self.objects), 1).goes:
            for _ in retention.steps(day, 5, self.files):
                pass


def kept() -> Kept:
    return Kept(MemoryFiles(), MemoryFiles())


def main_files(files: Files, day: int) -> list[str]:
    found = {path: parse(path) for path in files.list(recursive=True)}
    return [
        path
        for path, each in found.items()
        if isinstance(each, ColumnPath) and each.day == day and not each.late
    ]


def test_days_that_are_old_enough_go_and_only_their_main_files() -> None:
    """`keep_days` full days stay, the newest in any case; late rows and certificates stay."""
    case = kept()
    assert case.outlook(1) == ([DAY, DAY + 1, DAY + 2], [])
    assert case.outlook(3) == ([DAY], [])
    assert case.outlook(400) == ([], [])
    before = set(case.files.list(recursive=True))
    gone = {path for day in range(DAY, DAY + 3) for path in main_files(case.files, day)}
    case.release()
    assert before - set(case.files.list(recursive=True)) == gone
    assert case.ledger.released() == [(EXCHANGE, day) for day in range(DAY, DAY + 3)]
    assert case.outlook(1) == ([], [])


def test_the_newest_day_of_a_stream_stays_until_there_is_a_newer_one() -> None:
    """Of a symbol that is recorded no more, while its day is read from the archive."""
    case = kept()
    record(case.files, DAY, 5, symbol="B")
    other = pack(case.ledger, case.archive, DAY, 5)
    verify(case.ledger, other, *BOTH)
    case.release()
    assert {path.split("/")[1] for path in main_files(case.files, DAY)} == {"B"}
    record(case.files, DAY + 3, 5, symbol="B")
    case.release()
    assert main_files(case.files, DAY) == []


def spoil_nothing_verified(case: Kept) -> str:
    pack(case.ledger, case.archive, DAY + 1, 0)
    return "trades are not verified everywhere"


def spoil_one_place(case: Kept) -> str:
    verify(case.ledger, pack(case.ledger, case.archive, DAY + 1, 0), Where.LOCAL)
    return "trades are not verified everywhere"


def spoil_certificate(case: Kept) -> str:
    case.certify(DAY + 1, 2, Where.LOCAL)
    return "a certificate of it is not verified everywhere"


def spoil_rows(case: Kept) -> str:
    record(case.files, DAY + 1, 1)
    return "of 5 rows of trades 4 are packed"


def spoil_unpacked_symbol(case: Kept) -> str:
    record(case.files, DAY + 1, 2, symbol="B")
    return "of 6 rows of trades 4 are packed"


@pytest.mark.parametrize(
    "spoil",
    [spoil_nothing_verified, spoil_one_place, spoil_certificate, spoil_rows, spoil_unpacked_symbol],
)
def test_what_keeps_a_day_and_all_behind_it(spoil: object) -> None:
    """The days before it go; none behind it does."""
    case = kept()
    assert callable(spoil)
    reason = spoil(case)
    assert case.outlook() == ([DAY], [reason])


def test_a_day_without_certificate_stays() -> None:
    """It is not sealed, or nobody has vouched for it."""
    case = kept()
    for path in case.files.list(EXCHANGE):
        if path.startswith("certificate.29.11.26"):
            case.files.remove(f"{EXCHANGE}/{path}")
    assert date_text(DAY) == "2026-11-29"
    assert case.outlook() == ([], ["it is not certified"])


def test_rows_that_came_since_are_no_hindrance_and_stay() -> None:
    """They lie in `late/`, behind those that are packed."""
    case = kept()
    record(case.files, DAY, 0, late=7)
    assert case.outlook()[0] == [DAY, DAY + 1, DAY + 2]


@pytest.mark.parametrize("kind", ["power", "kill"])
def test_whenever_it_ends_nothing_is_lost_and_it_is_finished(kind: str) -> None:
    """Cut at each operation: no file is gone without its line, no row is half there, and then
    the next run leaves what an undisturbed one leaves."""
    whole = kept()
    whole.release()
    for operation in range(1, 400):
        disk, archive = SimDisk(Random(operation)), SimDisk(Random(operation))
        case = Kept(disk, archive)
        disk.sync()
        archive.sync()
        before = {day: main_files(disk, day) for day in case.objects}
        disk.power_cut_at(disk.operations + operation)
        try:
            case.release()
        except PowerCut:
            disk.crash(Random(operation), "power" if kind == "power" else "kill")
            archive.crash(Random(operation), "power" if kind == "power" else "kill")
        else:
            break
        case.ledger = Ledger(archive)
        for day, paths in before.items():
            left = set(main_files(disk, day))
            if left != set(paths):
                assert case.ledger.is_released(EXCHANGE, day)
            if any("trade_time" in path for path in left):
                assert left == set(paths) or all("trade_time" in p for p in set(paths) - left)
        case.release()
        assert disk.list(recursive=True) == whole.files.list(recursive=True)
        assert case.ledger.released() == whole.ledger.released()
    else:
        pytest.fail("it never came to its end")


def test_the_journal_goes_as_far_as_it_is_covered_and_verified() -> None:
    """From its beginning on, and without a hole."""
    archive = MemoryFiles()
    ledger = Ledger(archive)

    def until(oldest: int) -> int:
        return JournalRelease.of(ledger, BOTH, "hive")(oldest)

    assert until(7) == 7
    objects = [pack_raw(ledger, archive, first, first + 10) for first in (0, 10, 20)]
    assert until(0) == 0
    for first in (0, 10, 20):
        ledger.add(Covered(at_ns=1, first_seq=first, next_seq=first + 10))
    assert until(0) == 0
    verify(ledger, objects[1], *BOTH)
    assert (until(0), until(10), until(15)) == (0, 20, 20)
    verify(ledger, objects[0], Where.LOCAL)
    assert until(0) == 0
    verify(ledger, objects[0], Where.BUCKET)
    assert (until(0), until(25), until(30)) == (20, 25, 30)
    assert JournalRelease.of(ledger, BOTH, "source")(0) == 0
