"""What lies in the archive's `meta` beside the ledger: certificates, listings, lists of hashes.

Documents go the way of objects: a line of the ledger, put, read back, compared.  A certificate is
never changed, and neither is a listing of a day that is certified, or of one before: with them an
archive knows symbols by their normal names.  The list of a day's hashes is changed, as objects
come, and only the newest one counts.

Blocking; raises `OSError`.  Not here: sending them (`transfer`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from tick_logger.archive.facts import sum_lines
from tick_logger.archive.keys import certificate_key, listing_key, sums_key
from tick_logger.archive.ledger import Ledger, Packed
from tick_logger.archive.local_store import folders_around
from tick_logger.archive.object_store import Content, InFile
from tick_logger.storage.files import Files
from tick_logger.storage.layout import (
    CertificatePath,
    InstrumentsPath,
    certificate_path,
    instruments_path,
    parse,
)

CERTIFICATE, LISTING, SUMS = "certificate", "listing", "sums"
"""What stands in the place of a table's word in the ledger."""


def certificates(files: Files) -> list[CertificatePath]:
    """Those of a recording, the oldest day first."""
    mine = [each for each in _of_exchanges(files) if isinstance(each, CertificatePath)]
    return sorted(mine, key=lambda each: (each.day, each.exchange, each.number))


def listings(files: Files) -> list[InstrumentsPath]:
    """Those of a recording that are written no more: a day of their exchange is certified since."""
    until = {each.exchange: each.day for each in certificates(files)}  # in order of days
    found = [each for each in _of_exchanges(files) if isinstance(each, InstrumentsPath)]
    mine = [each for each in found if each.day <= until.get(each.exchange, each.day - 1)]
    return sorted(mine, key=lambda each: (each.day, each.exchange))


def _of_exchanges(files: Files) -> Iterator[object]:
    """What lies directly in the folders of exchanges."""
    for folder in files.list():
        if folder.endswith("/"):
            for name in files.list(folder.rstrip("/")):
                yield parse(f"{folder}{name}")


def new_documents(recorded: Files, archive: Files, ledger: Ledger, at_ns: int) -> Iterator[Packed]:
    """Lines for the ledger: certificates and listings it does not know, lists that have changed.

    A list lies in its place, durably, before its line is given.
    """
    for each in certificates(recorded):
        key = certificate_key(each.exchange, each.day, each.number)
        if ledger.packed(f"{CERTIFICATE} {key}") is None:
            data = bytes(recorded.read(certificate_path(each)))
            job = f"{CERTIFICATE} {key}"
            yield _line(at_ns, job, key, data, each.exchange, each.day, CERTIFICATE)
    for listing in listings(recorded):
        key = listing_key(listing.exchange, listing.day)
        job = f"{LISTING} {key}"
        if ledger.packed(job) is None:
            data = bytes(recorded.read(instruments_path(listing)))
            yield _line(at_ns, job, key, data, listing.exchange, listing.day, LISTING)
    days: dict[tuple[str, int], dict[str, str]] = {}
    for packed in ledger.all_packed():
        if packed.table not in (CERTIFICATE, LISTING, SUMS):
            days.setdefault((packed.exchange, packed.day), {})[packed.key] = packed.sha256
    for (exchange, day), hashes in sorted(days.items()):
        data, key = sum_lines(hashes), sums_key(exchange, day)
        job = f"{SUMS} {key} {hashlib.sha256(data).hexdigest()}"
        if ledger.packed(job) is None:
            archive.replace(key, data)
            for folder in folders_around(key):
                archive.sync_folder(folder)
            yield _line(at_ns, job, key, data, exchange, day, SUMS)


def content_of(recorded: Files, archive: Files, packed: Packed) -> Content:
    """The bytes of an object or document that lies on this machine."""
    if packed.table == CERTIFICATE:
        for each in certificates(recorded):
            if certificate_key(each.exchange, each.day, each.number) == packed.key:
                return InFile(recorded, certificate_path(each))
    if packed.table == LISTING:
        path = instruments_path(InstrumentsPath(packed.exchange, packed.day))
        if recorded.exists(path):
            return InFile(recorded, path)
    return InFile(archive, packed.key)


def _line(
    at_ns: int, job: str, key: str, data: bytes, exchange: str, day: int, table: str
) -> Packed:
    return Packed(
        at_ns=at_ns,
        job=job,
        key=key,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        rows=0,
        exchange=exchange,
        day=day,
        table=table,
    )
