"""A small recording that is packed: column files, certificates, objects, and their ledger."""

from __future__ import annotations

import hashlib

from tick_logger.archive.keys import WORDS, RawKey, TypedKey, certificate_key
from tick_logger.archive.ledger import Ledger, Packed, Verified, Where
from tick_logger.model.tables import SPECS, Table
from tick_logger.storage.files import Files
from tick_logger.storage.layout import (
    CertificatePath,
    ColumnPath,
    certificate_path,
    column_path,
)

DAY = 20_786
"""2026-11-29"""
EXCHANGE = "okx"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def record(
    files: Files, day: int, rows: int, *, symbol: str = "A", late: int = 0, aside: int = 0
) -> None:
    """Trades of a day, main and late, every column as long as it must be."""
    for is_late, count in ((False, rows), (True, late)):
        for each in SPECS[Table.TRADES].files:
            if each.is_written("f4+rest", late=is_late) and count:
                path = column_path(
                    ColumnPath(EXCHANGE, symbol, Table.TRADES, is_late, each.name, day)
                )
                data = bytes(each.numpy_dtype("f4+rest").itemsize * count)
                if each.name == "origin":
                    data = b"\x03" * aside + b"\x01" * (count - aside)
                files.append(path, data)


def certify(files: Files, day: int, number: int = 1, *, exchange: str = EXCHANGE) -> str:
    """A certificate in the recording; returns the archive's key of it."""
    files.append(certificate_path(CertificatePath(exchange, day, number)), b"{%d}" % day)
    return certificate_key(exchange, day, number)


def pack(
    ledger: Ledger, archive: Files, day: int, rows: int, *, late: dict[str, int] | None = None
) -> Packed:
    """An object of trades in its place, and its line in the ledger."""
    data = f"{day} {rows} {late}".encode() * 50
    key = TypedKey(Table.TRADES, EXCHANGE, day, "here", sha(data)[:12])
    archive.append(str(key), data)
    archive.sync()
    packed = Packed(
        at_ns=1, job=sha(data), key=str(key), sha256=sha(data), size=len(data), rows=rows,
        exchange=EXCHANGE, day=day, table=WORDS[Table.TRADES], late=late or {},
    )  # fmt: skip
    ledger.add(packed)
    return packed


def pack_raw(ledger: Ledger, archive: Files, first: int, behind: int) -> Packed:
    """An object of frames of the journal."""
    data = f"{first}-{behind}".encode()
    key = RawKey(EXCHANGE, DAY, "here", first, sha(data)[:12])
    archive.append(str(key), data)
    packed = Packed(
        at_ns=1, job=sha(data), key=str(key), sha256=sha(data), size=len(data), rows=1,
        exchange=EXCHANGE, day=DAY, table="raw", frames=(first, behind),
    )  # fmt: skip
    ledger.add(packed)
    return packed


def verify(ledger: Ledger, packed: Packed, *places: Where) -> None:
    """Say that it was read back there."""
    for where in places:
        ledger.add(Verified(at_ns=2, key=packed.key, where=where, sha256=packed.sha256))
