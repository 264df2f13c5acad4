"""Why rows are missing: the closed list of words in gap records, journal, metrics and alerts.

Two of the words are about ids that are not what a reader expects, though nothing is missing.

Invariant: a word never changes its meaning, because it stands in files that outlive this version.
A word of a newer version is read as it stands (`is_known` is then false) and written so again.

Not here: how a connection ended (`errors.Ending`).  That is told of connections, not of rows, and
whatever the reason was, a lost connection makes holes with the one cause `disconnect`.
"""

from __future__ import annotations

import enum


class Cause(enum.StrEnum):
    """The cause of a hole.

    Each is given where the loss is noticed.  Where that is more than one place, the places have
    nothing else in common, and it is said here which they are.
    """

    DISCONNECT = "disconnect"
    """The connection was lost, whether the stream was still wanted then or had just ended."""
    SEQUENCE = "sequence"
    """The venue's numbers jumped: of all messages of a connection, of a book whose updates join, of
    a book whose snapshot comes by REST, or of trades outside of any interruption (`pipeline`)."""
    CHECKSUM = "checksum"
    """The book did not match the venue's checksum."""
    RESYNC = "resync"
    """A book that broke is sent anew; until its snapshot has its place there is none.  It is given
    where a book breaks (`net`), and where one is subscribed again and waits (`pipeline`)."""
    SNAPSHOT = "snapshot"
    """The snapshot that a book needs did not come, so that it cannot be rebuilt."""
    OVERFLOW = "overflow"
    """More came in than could be stored, and was given up."""
    UNDECODABLE = "undecodable"
    """A message came, and all of it or a part could not be understood (`exchanges.decoding`)."""
    ADAPTER = "adapter"
    """The adapter failed on a message: when it came in (`net`), or in a replay by a version that
    cannot decode it any more (`derive`)."""
    REFUSED = "refused"
    """The venue refused the subscription."""
    SILENT = "silent"
    """The venue accepted the subscription, yet nothing came."""
    MOVED = "moved"
    """The symbol went from one connection to another."""
    RETIRED = "retired"
    """The stream was, for a time, not to be recorded."""
    RESTART = "restart"
    """The recorder was stopped in order: as its journal says (`derive`), or, of a stream that only
    its files know, as can be supposed (`pipeline`)."""
    CRASH = "crash"
    """The recorder ended without an orderly stop."""
    DAMAGE = "damage"
    """Journal entries that were safe are lost."""
    UNWRITABLE = "unwritable"
    """There was no place for the rows on the disk, though the disk works (`storage.unwritable`)."""
    RENUMBERED = "renumbered"
    """No hole: the venue's ids began again (`pipeline`)."""
    STRAY = "stray"
    """No hole: one row has an id that fits nowhere among those around it (`pipeline`)."""

    @classmethod
    def _missing_(cls, value: object) -> Cause | None:
        if not isinstance(value, str):
            return None
        word = str.__new__(cls, value)  # no member: iteration and `is_known` do not see it
        word._name_ = word._value_ = value
        return word

    @property
    def is_known(self) -> bool:
        """Whether this version knows the word."""
        return any(self is each for each in Cause)
