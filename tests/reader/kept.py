"""A recording of three days with everything in it, and its archive; and letting days go."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import attrs

from tests.reader.recorded import Recorder, aside
from tests.storage.sample import DAY, MIDNIGHT_NS, SECOND, numbered
from tick_logger.archive.certificate import Circumstances, issue, newest, statement
from tick_logger.archive.facts import facts_of, sum_lines
from tick_logger.archive.gap_hashes import gap_hashes
from tick_logger.archive.jobs import Folders
from tick_logger.archive.keys import certificate_key, sums_key
from tick_logger.archive.ledger import Ledger, Released
from tick_logger.archive.packing import day_jobs
from tick_logger.archive.signing import Key
from tick_logger.archive.typed import pack
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import FLAG_SNAPSHOT, ORIGIN_LATE, ORIGIN_REST, Table
from tick_logger.reader.opening import source_at
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.layout import CertificatePath, certificate_path

DAYS = (DAY, DAY + 1, DAY + 2)
EXCHANGES = ("venue", "other")
NAMES = (("venue", "BTC-USD"), ("other", "XBT/USD"), ("venue", "007"))
PRICE = 84106.09


@attrs.define
class Kept:
    """A directory, and the root of its archive."""

    data: Path
    root: Path
    key: Key | None = None

    def recorder(self, width: str = "f4+rest") -> Recorder:
        return Recorder(self.data, width, NAMES)

    def certify(
        self, day: int, exchange: str = "venue", objects: dict[str, str] | None = None
    ) -> None:
        """One more certificate of a day, and its copy."""
        files, source = DiskFiles(self.data), source_at(self.data)
        seen = Circumstances(
            made_at_ns=1,
            collector="here",
            version="1",
            gaps=[gap_hashes(files, exchange, name, day) for name in source.symbols(exchange)],
            objects=objects or {},
        )
        before = newest(files, exchange, day)
        facts = list(facts_of(source, files, exchange, day))
        previous = newest(files, exchange, day - 1)
        made = issue(
            files, exchange, day, statement(exchange, day, facts, seen, before, previous), self.key
        )
        path = certificate_path(CertificatePath(exchange, day, made.number))
        there = DiskFiles(self.root)
        there.replace(certificate_key(exchange, day, made.number), bytes(files.read(path)))
        files.close()

    def pack(self, day: int, exchange: str = "venue") -> list[str]:
        """What is due of a day, with its ledger, list and certificate; the keys of objects."""
        there, source = DiskFiles(self.root), source_at(self.data)
        ledger = Ledger(there)
        folders = Folders(str(self.data), str(self.root), "here")
        keys = []
        for job in day_jobs(folders, source, ledger, exchange, day):
            for made in pack(job, source, there).made:
                ledger.add(made.packed(1))
                keys.append(made.key)
        known = {
            each.key: each.sha256
            for each in ledger.all_packed()
            if (each.exchange, each.day) == (exchange, day)
        }
        there.replace(sums_key(exchange, day), sum_lines(known))
        self.certify(day, exchange, known)
        return keys

    def pack_all(self) -> None:
        for day in DAYS:
            for exchange in EXCHANGES:
                self.pack(day, exchange)

    def release(self, day: int, exchange: str = "venue") -> None:
        """Main files go; what is in `late/` and gaps files stay."""
        Ledger(DiskFiles(self.root)).add(Released(at_ns=5, exchange=exchange, day=day))
        date = f"{day - DAY + 1:02}.02.24"
        for path in (self.data / exchange).rglob(f"*.{date}.bin"):
            if "late" not in path.parts:
                path.unlink()

    def copy(self, to: Path) -> Kept:
        """Both, elsewhere."""
        shutil.copytree(self.data.parent, to)
        return Kept(to / self.data.name, to / self.root.name, self.key)


def write(kept: Kept, width: str = "f4+rest") -> None:
    """Rows of every table on three days: in order, late, back-filled and impossible ones."""
    recorder = kept.recorder(width)
    for day in DAYS:
        for of in range(len(NAMES)):
            for table in Table:
                _write(recorder, table, of, day)
    begin = MIDNIGHT_NS + 61 * SECOND
    recorder.miss(
        GapRecord(0, Table.TRADES, 61, 69, begin, begin + 8 * SECOND, Cause.SEQUENCE),
        GapRecord(0, Table.BOOK, None, None, begin, begin + 9 * SECOND, Cause.DISCONNECT),
        GapRecord(2, Table.MD, None, None, begin, begin + 2 * SECOND, Cause.DISCONNECT),
        GapRecord(1, Table.QUOTES, None, None, begin, begin + 9 * SECOND, Cause.DISCONNECT),
    )


def _write(recorder: Recorder, table: Table, of: int, day: int) -> None:
    base = PRICE + of * 0.37 + (day - DAY)

    def rows(first: int, last: int, **more: object) -> list[dict[str, Any]]:
        found = numbered(first, last, day=day, **more)
        for row in found:
            number = row["seq"]
            row |= {
                "price": round(base + number % 7 * 0.01, 2),
                "size": 0.1 * (number % 5),
                "volume": 0.3,
                "side": row.get("side", number % 2),
                "best_bid": round(base - 0.01 * (number % 3), 2),
                "best_ask": round(base + 0.01 * (1 + number % 4), 2),
                "best_bid_size": 1e-9 * number,
            }
            if table is Table.MD:
                row["seq"] = 0
        return found

    recorder.write(table, rows(1, 4, flags=FLAG_SNAPSHOT), of=of)
    recorder.write(table, rows(5, 40), of=of)
    recorder.write(table, rows(50, 60) + rows(70, 72), of=of)
    recorder.write(table, rows(45, 47), of=of, late=True, origin=ORIGIN_LATE)
    recorder.write(table, rows(41, 43), of=of, late=True, origin=ORIGIN_REST)
    recorder.write(table, rows(42, 42) + rows(44, 44), of=of, late=True, origin=ORIGIN_LATE)
    impossible = numbered(3, 4, day=day - 3000, recv_ns=day * 86_400 * SECOND + 7)
    recorder_aside(recorder, table, impossible, of, day)


def recorder_aside(
    recorder: Recorder, table: Table, rows: list[dict[str, Any]], of: int, day: int
) -> None:
    if of == 0:
        aside(recorder, table, rows, day)
