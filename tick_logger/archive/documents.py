"""What lies in the archive's `meta` beside the ledger: certificates, listings, lists of hashes, and
what looked wrong (`quality_parts`).

Documents go the way of objects: a line of the ledger, put, read back, compared.  A certificate is
never changed, and neither is a listing of a day that is certified, or of one before: with them an
archive knows symbols by their normal names.  The list of a day's hashes is changed, as objects
come, and only the newest one counts.

Blocking; raises `OSError`.  Not here: sending them (`transfer`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import attrs

from tick_logger.archive.facts import sum_lines
from tick_logger.archive.keys import (
    CERTIFICATE,
    LISTING,
    SUMS,
    certificate_key,
    certificate_number,
    listing_key,
    sums_key,
)
from tick_logger.archive.ledger import Ledger, Packed
from tick_logger.archive.local_store import folders_around
from tick_logger.archive.object_store import Content, InFile
from tick_logger.archive.quality_parts import new_parts
from tick_logger.storage.files import Files
from tick_logger.storage.layout import (
    CertificatePath,
    InstrumentsPath,
    QualityPath,
    certificate_path,
    instruments_path,
    parse,
)


@attrs.frozen
class Recorded:
    """The documents of a recording, the oldest day first.

    Of listings, and of what looked wrong, those that are written no more: a day of their exchange
    is certified since.
    """

    certificates: tuple[CertificatePath, ...]
    listings: tuple[InstrumentsPath, ...]
    qualities: tuple[QualityPath, ...]


def recorded_documents(files: Files) -> Recorded:
    """What there is now; the folders of exchanges are listed once for it."""
    there = list(_of_exchanges(files))
    certificates = [each for each in there if isinstance(each, CertificatePath)]
    certificates.sort(key=lambda each: (each.day, each.exchange, each.number))
    until = {each.exchange: each.day for each in certificates}  # in order of days
    ours = [each for each in there if isinstance(each, InstrumentsPath | QualityPath)]
    mine = [each for each in ours if each.day <= until.get(each.exchange, each.day - 1)]
    mine.sort(key=lambda each: (each.day, each.exchange))
    return Recorded(
        tuple(certificates),
        tuple(each for each in mine if isinstance(each, InstrumentsPath)),
        tuple(each for each in mine if isinstance(each, QualityPath)),
    )


def _of_exchanges(files: Files) -> Iterator[object]:
    """What lies directly in the folders of exchanges."""
    for folder in files.list():
        if folder.endswith("/"):
            for name in files.list(folder.rstrip("/")):
                yield parse(f"{folder}{name}")


def new_documents(
    recorded: Files, archive: Files, ledger: Ledger, server: str, at_ns: int
) -> Iterator[Packed]:
    """Lines for the ledger: certificates and listings it does not know, lists that have changed,
    and what looked wrong.

    A list, and a part of what looked wrong, lies in its place, durably, before its line is given.
    """
    there = recorded_documents(recorded)
    for each in there.certificates:
        key = certificate_key(each.exchange, each.day, each.number)
        if ledger.packed(f"{CERTIFICATE} {key}") is None:
            data = bytes(recorded.read(certificate_path(each)))
            job = f"{CERTIFICATE} {key}"
            yield _line(at_ns, job, key, data, each.exchange, each.day, CERTIFICATE)
    for listing in there.listings:
        key = listing_key(listing.exchange, listing.day)
        job = f"{LISTING} {key}"
        if ledger.packed(job) is None:
            data = bytes(recorded.read(instruments_path(listing)))
            yield _line(at_ns, job, key, data, listing.exchange, listing.day, LISTING)
    yield from new_parts(recorded, archive, ledger, there.qualities, server, at_ns)
    for exchange, day in sorted(ledger.unlisted()):
        hashes = {each.key: each.sha256 for each in ledger.objects(exchange, day)}
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
        number = certificate_number(packed.key)
        path = certificate_path(CertificatePath(packed.exchange, packed.day, number))
        if recorded.exists(path):
            return InFile(recorded, path)
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
