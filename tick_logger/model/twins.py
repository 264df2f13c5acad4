"""How rows that came on two lines are known to be one, by table; declared by the adapters.

Nothing rests on when a row was received, nor on times that are those of its envelope: both differ
between lines.  Not here: what is done with twins (`pipeline.twins`).
"""

from __future__ import annotations

import enum


class Twins(enum.Enum):
    """What the twin of a row has in common with it, beside its instrument."""

    IDS = "an id, which the pipeline knows again on whatever line it comes"
    NUMBERED = "its number (`seq`), and all that it says; no other row has these"
    SAID = "its number, its time, and all that it says; equal rows are counted"
    UNTIMED = "its number and all that it says; equal rows are counted"
    LED = "nothing: one line leads, and the other takes over when it ends"

    @property
    def are_counted(self) -> bool:
        """Whether rows may be equal that are not one: then the n-th of each line are twins."""
        return self in {Twins.SAID, Twins.UNTIMED}
