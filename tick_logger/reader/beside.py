"""The archive beside a directory: of it, the days that were released from that directory.

A day counts if the ledger says that it was released, both have the same certificate of it (so that
the archive of another directory is left alone), and every object that was packed is there: an
archive that lies in a bucket has but its ledger here, and is opened by its own name.
"""

from __future__ import annotations

from tick_logger.reader.archived import Archived
from tick_logger.reader.column_files import ColumnFiles
from tick_logger.reader.tree import Tree


def released_here(tree: Tree, files: ColumnFiles) -> Archived:
    """The archive in a tree, with no other days than these; asked anew whenever it is read."""
    whole = Archived(tree)
    checked: dict[tuple[str, int], bool] = {}

    def is_of(exchange: str, day: int) -> bool:
        if not whole.is_released(exchange, day):
            return False
        if (exchange, day) not in checked:
            theirs = whole.certificates.hashes(exchange, day)
            same = bool(theirs & files.certificates.hashes(exchange, day))
            checked[exchange, day] = same and whole.has_all(exchange, day)
        return checked[exchange, day]

    return Archived(tree, is_of)
