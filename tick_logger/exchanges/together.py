"""What was decoded of parts of the same payloads, put together.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import itemgetter

import numpy as np

from tick_logger.exchanges.base import Counted, Decoded, Event


def all_events(parts: Sequence[Decoded]) -> tuple[tuple[int, Event], ...]:
    """Those of all parts, in the order of the payloads."""
    return tuple(sorted(chain.from_iterable(each.events for each in parts), key=itemgetter(0)))


def all_counted(parts: Sequence[Decoded]) -> Counted | None:
    """The numbers of messages of all parts, in the order of the payloads."""
    counted = [each.counted for each in parts if each.counted is not None]
    if not counted:
        return None
    frame = np.concatenate([each.frame for each in counted])
    order = np.argsort(frame, kind="stable")
    return Counted(frame[order], np.concatenate([each.number for each in counted])[order])
