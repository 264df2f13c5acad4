"""What looked wrong in rows, kept beside the certificates: of each quality file what came since.

These files belong to a day, and only ever grow.  So of each is packed what is not packed yet, once
its day is certified, as one more document; put together in order they are the file.  Certificates
do not name them: what looks wrong is an opinion, which changes with versions, and no data.

Blocking; raises `OSError`.  Not here: sending them (`transfer`), and reading them
(`reader.kept_doubts`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from tick_logger.archive.keys import HASH_DIGITS, QUALITY, QualityKey
from tick_logger.archive.ledger import Ledger, Packed
from tick_logger.archive.local_store import folders_around
from tick_logger.storage.files import Files
from tick_logger.storage.layout import QualityPath, quality_path


def new_parts(
    recorded: Files,
    archive: Files,
    ledger: Ledger,
    there: Iterable[QualityPath],
    server: str,
    at_ns: int,
) -> Iterator[Packed]:
    """Lines for the ledger; what each is of lies in its place, durably, before it is given."""
    for where in there:
        path, begin = quality_path(where), packed_bytes(ledger, where.exchange, where.day)
        if recorded.size(path) <= begin:
            continue  # less, where a power cut has taken the end: the archive has it
        data = bytes(recorded.read(path, begin))
        sha256 = hashlib.sha256(data).hexdigest()
        key = str(QualityKey(where.exchange, where.day, server, begin, sha256[:HASH_DIGITS]))
        archive.replace(key, data)
        for folder in folders_around(key):
            archive.sync_folder(folder)
        yield Packed(
            at_ns=at_ns,
            job=f"{QUALITY} {key}",
            key=key,
            sha256=sha256,
            size=len(data),
            rows=0,
            exchange=where.exchange,
            day=where.day,
            table=QUALITY,
        )


def packed_bytes(ledger: Ledger, exchange: str, day: int) -> int:
    """How much of a day's file is packed."""
    return sum(each.size for each in ledger.of_day(exchange, day, QUALITY))
