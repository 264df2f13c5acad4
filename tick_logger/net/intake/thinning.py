"""What was received without some of its payloads, and what was decoded put together.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

import attrs
import numpy as np

from tick_logger.exchanges.base import Decoded
from tick_logger.exchanges.together import all_counted, all_events
from tick_logger.model.entries import Received, joined


def thinned(received: Received, left: Sequence[bytes], frames: Sequence[int]) -> Received:
    """Only these payloads, which had these numbers; arrivals of which none is left are gone."""
    if len(frames) == len(received.lengths):
        return received
    owner = np.repeat(np.arange(len(received.counts)), received.counts)[frames]
    counts = np.bincount(owner, minlength=len(received.counts)).astype(np.uint32)
    has_any = counts > 0
    lengths, blob = joined(left)
    return attrs.evolve(
        received,
        connections=tuple(compress(received.connections, has_any.tolist())),
        recv_ns=received.recv_ns[has_any],
        counts=counts[has_any],
        lengths=lengths,
        payloads=blob,
    )


def together(parts: Sequence[Decoded]) -> Decoded:
    """What all parts say, in the order of the payloads; only the first has any that are bad."""
    first, *others = parts
    if not others:
        return first
    rows = tuple(each for part in parts for each in part.rows)
    return attrs.evolve(first, rows=rows, events=all_events(parts), counted=all_counted(parts))
