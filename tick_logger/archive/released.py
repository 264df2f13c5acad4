"""Which days the ledger of an archive says were released from a recording: they are no damage.

Invariant: a ledger of another recording says nothing here.  A day counts if the ledger names a
certificate of it that lies in the recording, byte for byte.

Reads only.  Not here: what is released (`retention`), and reading such days (`reader.beside`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from tick_logger.archive.documents import recorded_documents
from tick_logger.archive.keys import certificate_key
from tick_logger.archive.ledger import Ledger
from tick_logger.storage.files import Files
from tick_logger.storage.layout import certificate_path

Released = Mapping[str, frozenset[int]]
"""By exchange the days, since 1970-01-01."""


def released_days(recorded: Files, ledger: Ledger) -> Released:
    """The days that were let go of; raises `OSError`."""
    found: dict[str, set[int]] = {}
    for each in recorded_documents(recorded).certificates:
        if not ledger.is_released(each.exchange, each.day):
            continue
        data = recorded.read(certificate_path(each))
        known = ledger.of_key(certificate_key(each.exchange, each.day, each.number))
        if known is not None and known.sha256 == hashlib.sha256(data).hexdigest():
            found.setdefault(each.exchange, set()).add(each.day)
    return {exchange: frozenset(days) for exchange, days in found.items()}
