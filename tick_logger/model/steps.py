"""The steps of a flush, for whoever wants to know how long each takes.

The pure core says when a step begins and ends, and reads no clock: who measures gives it an object
that does.  Invariant: steps of one flush follow each other, none lies within another.
"""

from __future__ import annotations

import enum
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Step(enum.StrEnum):
    """What one flush does, in order."""

    PIPELINE = "pipeline"
    """Rows are sorted, new streams are looked up on disk, and what is due is released."""
    OPENING = "opening"
    """Files that are new, or new to this process, are looked at."""
    SYNCING = "syncing"
    """Their lengths are made durable."""
    WRITING = "writing"
    """Rows, gap records and payloads kept aside are appended."""


class Steps(Protocol):
    """Is told of each step."""

    def during(self, step: Step) -> AbstractContextManager[None]:
        """What is done within is this step."""
        ...


class Unmeasured:
    """Nobody wants to know: in replays and when a recording is verified."""

    def during(self, _step: Step) -> AbstractContextManager[None]:
        """Nothing is measured."""
        return nullcontext()
