"""Holes that a stop of the program in order left, and how they are told to people."""

from __future__ import annotations

from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord


def is_planned(hole: GapRecord) -> bool:
    """Whether somebody stopped the program in order, and nothing else was wrong."""
    return hole.cause is Cause.RESTART


def in_words(symbols: int, secs: float, at_most: str = "") -> str:
    """What was missed so, of how many symbols and for how long; empty if of none."""
    if not symbols:
        return ""
    many = "1 symbol was" if symbols == 1 else f"{symbols:,} symbols were"
    return f"{many} not recorded for {at_most}{secs:,.1f} s while the program was stopped"
