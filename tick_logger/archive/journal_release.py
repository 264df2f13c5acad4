"""Up to which frame the journal may go: all before it is packed as received, and verified.

With the archive on, what the configuration says about keeping the journal holds for these segments
only; all others stay, whatever the disk says.

Pure.  Not here: which of the segments go then (`journal.pruning`).
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tick_logger.archive.ledger import Ledger, Where


@attrs.frozen
class JournalRelease:
    """Runs of frames, each from the first to the one behind the last, sorted and apart."""

    runs: tuple[tuple[int, int], ...] = ()

    def __call__(self, oldest_seq: int) -> int:
        """The first frame that has to stay, if the journal begins with this one."""
        for first, behind in self.runs:
            if first <= oldest_seq < behind:
                return behind
        return oldest_seq

    @classmethod
    def of(cls, ledger: Ledger, wanted: Sequence[Where], layout: str) -> JournalRelease:
        """What the ledger says: runs that are covered, less objects not verified everywhere."""
        waiting = sorted(
            each.frames
            for where in wanted
            for each in ledger.waiting(where)
            if each.frames is not None
        )
        runs = ledger.covered(layout)
        for first, behind in waiting:
            runs = [part for run in runs for part in _without(run, first, behind)]
        return cls(tuple(runs))


def _without(run: tuple[int, int], first: int, behind: int) -> list[tuple[int, int]]:
    parts = (run[0], min(run[1], first)), (max(run[0], behind), run[1])
    return [part for part in parts if part[0] < part[1]]
