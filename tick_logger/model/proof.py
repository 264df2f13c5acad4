"""How far the ids and numbers in a venue's messages show that a message is missing.

Declared by the adapters, acted upon by pipeline and connections, written down beside the data.
"""

from __future__ import annotations

import enum


class Proof(enum.IntEnum):
    """How far the completeness of a stream can be shown; the larger the better."""

    UNPROVABLE = 0
    """A message that is missing leaves no trace."""
    CONSISTENT = 1
    """The messages that came fit together; a missing one may show later, or never."""
    PROVEN = 2
    """A missing message shows, and where none shows, none is missing."""

    @property
    def word(self) -> str:
        """The name as it is written beside the data."""
        return self.name.lower()


class Ids(enum.Enum):
    """What the ids of a stream's rows are."""

    DENSE = "they rise by one: a hole is a loss"
    SEEM_DENSE = "they rise by one as far as seen, which nobody promises: holes are counted only"
    SPARSE = "they rise, and holes mean nothing"
    OPAQUE = "they only tell rows apart, and give no order"


PROOF_OF_IDS = {
    Ids.DENSE: Proof.PROVEN,
    Ids.SEEM_DENSE: Proof.CONSISTENT,
    Ids.SPARSE: Proof.UNPROVABLE,
    Ids.OPAQUE: Proof.UNPROVABLE,
}
