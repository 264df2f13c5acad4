"""What an archive is kept with: rules, files, stores and threads; and how far it is.

Values only; nothing here runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from tick_logger.archive.ledger import Ledger, Where
from tick_logger.archive.named import NamedObjects
from tick_logger.archive.object_store import ObjectStore
from tick_logger.offload import Offload
from tick_logger.storage.files import Files


@attrs.frozen(kw_only=True)
class Rules:
    """What the configuration says."""

    wanted: tuple[Where, ...]
    raw: bool = True
    tables: bool = True
    layout: str = "hive"
    server: str = "recorder"
    keep_days: int = 0
    attempts: int = 5
    retry_initial_secs: float = 1.0
    retry_max_secs: float = 30.0
    concurrency: int = 4


@attrs.frozen(kw_only=True)
class Places:
    """What the archive reads and writes, and the threads that do it.

    `columns` are the files with which the recording is written, used in `column_thread` alone;
    `recorded` are the same, for reading; `archive` is the root.  `sending` has a thread for each
    object that is sent at once.  `free_share` is the part of the recording's disk that is free.
    `named` learns which objects certificates are to name.
    """

    recorded: Files
    columns: Files
    archive: Files
    stores: Mapping[Where, ObjectStore]
    thread: Offload
    column_thread: Offload
    sending: Offload
    free_share: Callable[[], float] = lambda: 1.0
    named: NamedObjects = attrs.field(factory=NamedObjects)


@attrs.frozen
class Standing:
    """How far a ledger is: what waits to be verified somewhere, since when, and what is kept.

    Made in the thread that writes the ledger, and not in that of the recorder's event loop: a
    bucket that is away for weeks leaves thousands of objects to wait.
    """

    waiting: int
    waiting_bytes: int
    oldest_ns: int | None
    kept_bytes: Mapping[Where, int]

    @classmethod
    def of(cls, ledger: Ledger, wanted: Sequence[Where]) -> Standing:
        """What the ledger says now."""
        kept = {where: ledger.kept_bytes(where) for where in wanted}
        waiting = {each.key: each for where in wanted for each in ledger.waiting(where)}.values()
        oldest = min((each.at_ns for each in waiting), default=None)
        return cls(len(waiting), sum(each.size for each in waiting), oldest, kept)


@attrs.define
class Progress:
    """How far it is, for the status page."""

    waiting: int = 0
    waiting_bytes: int = 0
    kept_bytes: dict[str, int] = attrs.field(factory=dict)
    sealed: dict[str, int] = attrs.field(factory=dict)
    """By exchange the last certified day."""
    troubles: dict[str, str] = attrs.field(factory=dict)
    """What did not work in the last cycle, in words."""
