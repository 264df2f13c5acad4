"""Keeps the links for readers of an earlier logger's layout while recording.

They lead to one exchange, the first that is configured, because a reader of that layout cannot
know of others.  Whatever keeps a link from being made is said once, and costs nothing else.

Not here: the links themselves (`storage.legacy_links`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tick_logger.derive.derivation import Outcome
from tick_logger.model.instruments import Instruments
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.files import Files
from tick_logger.storage.legacy_links import LegacyLinks, Objection
from tick_logger.telemetry.logs import MAX_NAMES, get_logger


class LinkKeeper:
    """Makes the links of one run, in the thread that writes column files."""

    def __init__(self, links: LegacyLinks, exchange: str, others: Sequence[str]) -> None:
        self._links = links
        self._exchange = exchange
        self._others = others
        self._begun = False
        self._log = get_logger().bind(exchange=exchange)

    @classmethod
    def of(cls, files: Files, recorded: Sequence[str], known: Collection[str]) -> LinkKeeper | None:
        """For these files, and the exchanges that are recorded, in the order of configuration.

        None if the files are not on a disk.  `known` are the names of all exchanges.
        """
        if not isinstance(files, DiskFiles) or not recorded:
            return None
        return cls(LegacyLinks(files.root, recorded[0], known), recorded[0], recorded[1:])

    def follow(self, outcome: Outcome, instruments: Instruments) -> None:
        """Link to what has been written; at the first time, to all that was before.  Blocking."""
        if not self._begun:
            self._begun = True
            self._log.info("legacy_links", none_to=list(self._others))
            self._say(self._links.make(self._links.recorded()))
        written = {(run.instrument, run.table) for run in outcome.flush.runs if not run.late}
        named = [(*instruments.name(instrument), table) for instrument, table in written]
        ours = [(symbol, table) for exchange, symbol, table in named if exchange == self._exchange]
        self._say(self._links.make(sorted(ours)))

    def _say(self, objections: Sequence[Objection]) -> None:
        if objections:
            self._log.warning(
                "legacy_links_left_out",
                count=len(objections),
                shown=[f"{path}: {why}" for path, why in objections[:MAX_NAMES]],
            )
