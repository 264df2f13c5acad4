"""On which route a row came: on the first or second line of its venue, or by REST.

A line is one of two connections that carry the same subscriptions.  The route is told by the label
of the connection in the journal, so that a replay knows it too; a journal of an earlier version has
nothing but first lines.

Not here: what follows from it for a row (`pipeline`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Routes: TypeAlias = npt.NDArray[np.uint8]

FIRST_LINE: Final = 0
SECOND_LINE: Final = 1
LINES: Final = (FIRST_LINE, SECOND_LINE)
REST: Final = 255

BACKFILL_LABEL: Final = "backfill"
"""The label of what is received by REST to fill holes."""

SECOND_LINE_SUFFIX: Final = "b"
"""Ends the number of a share in the labels of its second line: `3b.1`, or `3b-public.1`."""


@functools.lru_cache(maxsize=4096)  # as many connections as there are at a time, many times over
def route_of(label: str) -> int:
    """The route of a connection with this label."""
    if label == BACKFILL_LABEL:
        return REST
    number = label.partition(".")[0].partition("-")[0]
    is_second = number.endswith(SECOND_LINE_SUFFIX) and number[:-1].isdecimal()
    return SECOND_LINE if is_second else FIRST_LINE


def routes_of(labels: Iterable[str]) -> Routes:
    """The route of each connection (shape `(n,)`)."""
    return np.array([route_of(label) for label in labels], np.uint8)


def label_of(share: str, line: int) -> str:
    """What the labels of a share's connections begin with, on a line; `share` may name a lane."""
    number, dash, lane = share.partition("-")
    suffix = SECOND_LINE_SUFFIX if line == SECOND_LINE else ""
    return f"{number}{suffix}{dash}{lane}"
