"""What holds of an entry of which connections have not heard: its process died before they could.

Pure.  Not here: where such entries come from (`left_reads`).
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tick_logger.model.entries import Received
from tick_logger.model.marks import (
    AwaitSnapshot,
    Interrupted,
    Lapse,
    Mark,
    MissingIds,
    NoSnapshot,
)


def said_of(received: Received, heard_ns: int | None) -> Sequence[Mark]:
    """The marks of an entry, as far as they hold if connections have not heard of it.

    They heard of what came until `heard_ns` (None: of nothing), and from then on everything counts
    as interrupted when the next process begins.  So an interruption begins then at the latest, and
    what would end one, or prove something, is passed over: it may have been over again.
    """
    if received.heard:
        return received.marks
    found: list[Mark] = []
    for mark in received.marks:
        match mark:
            case Interrupted(at_ns=at_ns):
                known_ns = at_ns if heard_ns is None else min(at_ns, heard_ns)
                found.append(attrs.evolve(mark, at_ns=known_ns))
            case AwaitSnapshot():
                found.append(attrs.evolve(mark, broken=False))
            case Lapse() | MissingIds() | NoSnapshot():
                found.append(mark)
    return found
