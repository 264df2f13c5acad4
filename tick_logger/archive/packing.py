"""What is due to be packed: the jobs of a sealed day, and of closed segments of the journal.

Cheap: lengths of files and the ledger are looked at, not rows.  Not here: when, and who runs them.
"""

from __future__ import annotations

from collections.abc import Sequence

from tick_logger.archive.jobs import Folders, RawJob, TableJob
from tick_logger.archive.ledger import Ledger
from tick_logger.reader.source import Source
from tick_logger.storage.files import Files


def day_jobs(
    folders: Folders, source: Source, ledger: Ledger, exchange: str, day: int
) -> list[TableJob]:
    """What is not packed yet of a sealed day (since 1970-01-01): a job a table at most.

    The first object of a table has its main rows and the late ones of then; each later one only
    the late rows that came since.  Raises `OSError`.
    """
    raise NotImplementedError


def raw_jobs(
    folders: Folders,
    journal: Files,
    ledger: Ledger,
    *,
    layout: str = "hive",
    rotate_secs: int = 3600,
    rotate_mib: int = 500,
    until_seq: int | None = None,
) -> Sequence[RawJob]:
    """The frames of the journal that are to be packed and are not, by age or size of segments.

    Only whole runs of closed segments; with `until_seq` all frames before it, which must be
    durable.  A job is done when its line `Covered` is in the ledger, after those of its objects.
    Raises `OSError`.
    """
    raise NotImplementedError
