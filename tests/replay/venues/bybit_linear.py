"""Bybit linear played back: as spot, but for ids of trades that give no order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.replay.said import Said
from tests.replay.venues import bybit
from tests.replay.venues.bybit import continues

__all__ = ["FOLDER", "PLAYED", "Venue", "continues", "read"]

FOLDER = "bybit"
"""Where the recordings lie: with those of spot."""

PLAYED = ("ws_*linear*",)
"""Patterns of the names of captures that are played."""


def read(frames: Sequence[bytes], snapshots: Mapping[str, Sequence[bytes]]) -> Said:
    """What the frames of one connection say."""
    said = bybit.read(frames, snapshots)
    said.ordered_ids = False
    return said


class Venue(bybit.Venue):
    """The same answers for another category."""

    category = "linear"
