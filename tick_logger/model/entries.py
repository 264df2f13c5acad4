"""The journal's entries: everything that came in, in the order from which all else is derived.

Column files, gaps files and the pipeline's state are a pure function of the sequence of entries.
Times are nanoseconds since 1970-01-01 UTC; receive times are the wall clock's, as labels only.

Not here: how entries are written (`journal`), and how files are derived from them (`derive`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self, TypeAlias

import attrs
import numpy as np

from tick_logger.model.marks import Mark
from tick_logger.model.payloads import Lengths, Payloads
from tick_logger.model.routes import Routes, routes_of
from tick_logger.model.tables import Table
from tick_logger.model.times import Times


@attrs.frozen
class Defined:
    """From here on `instrument` is this symbol, of which these tables are recorded.

    `unproven` are those of which nothing shows what is missing, whatever the exchange can show.
    """

    instrument: int
    symbol: str
    tables: tuple[Table, ...]
    unproven: tuple[Table, ...] = ()


@attrs.frozen
class Note:
    """Something that happened to a connection: it is up, subscribed, lost, replaced."""

    at_ns: int
    connection: str
    what: str
    detail: str = ""


@attrs.frozen(eq=False)
class Received:
    """The payloads that one exchange's connections received within one linger, exactly as received.

    An arrival is what one read of a socket gave: `connections` and `recv_ns` (shape `(arrivals,)`)
    say whose and when, `counts` how many payloads it held.  `payloads` are all of them, joined;
    `lengths` (shape `(sum(counts),)`) cuts them apart.  `marks` come before the rows.

    `taken` counts what its intake had taken up to its end, since the process began, where that is
    kept until it is in the journal; else 0.  If not `heard`, the process died before connections
    heard of it: what follows from it, such as a break in their numbers, nobody has found out.
    """

    exchange: str
    connections: tuple[str, ...]
    recv_ns: Times
    counts: Lengths
    lengths: Lengths
    payloads: bytes
    defined: tuple[Defined, ...] = ()
    marks: tuple[Mark, ...] = ()
    notes: tuple[Note, ...] = ()
    decodable: bool = True  # False: the adapter failed on it, and would fail again
    taken: int = 0
    heard: bool = True

    def split(self) -> Payloads:
        """The payloads, one by one."""
        return Payloads(self.payloads, self.lengths.astype(np.uint32, copy=False).tobytes())

    def recv_ns_of_payloads(self) -> Times:
        """The receive time of each payload."""
        return np.repeat(self.recv_ns, self.counts)

    def routes_of_payloads(self) -> Routes | None:
        """The route of each payload; None: all came on first lines."""
        routes = routes_of(self.connections)
        return np.repeat(routes, self.counts) if routes.any() else None


def joined(payloads: Sequence[bytes]) -> tuple[Lengths, bytes]:
    """The lengths of payloads, and all of them as one."""
    together = Payloads.of(payloads)
    return together.lengths, together.block


@attrs.frozen
class Started:
    """A process begins to record: nothing that the one before received comes after this.

    `columns` says which columns it writes (`schemas.Schemas.to_plain`), so that a replay by a later
    version writes the same; nothing stands for those of the first version.  `buffer` names what
    keeps the reads of this process until they are in the journal, empty if nothing does.
    """

    at_ns: int
    version: str
    price_dtype: str
    book_wait_ticks: int
    columns: Mapping[str, str] = attrs.field(factory=dict)
    buffer: str = ""


@attrs.frozen
class Ticked:
    """A flush interval is over, at this time; earlier versions did not say when."""

    at_ns: int | None = None


@attrs.frozen
class Closed:
    """The process stopped in order: nothing came after this time.

    `recovered`: it did not record, but recovered what a crash had left; the holes of the crash are
    open, and are written down as such.
    """

    at_ns: int
    recovered: bool = False


@attrs.frozen
class Sealed:
    """From here on nothing more is added to the main files and gaps files of these days.

    They are those of one exchange up to `day` (days since 1970-01-01), that included.  What comes
    later is kept beside them, in `late/`.
    """

    exchange: str
    day: int
    at_ns: int


Entry: TypeAlias = Received | Started | Ticked | Closed | Sealed


MAX_ASIDE_BYTES = 64 * 1024
"""Kept of one payload: enough to see what is wrong, where thousands may wait for the next flush."""


@attrs.frozen
class KeptAside:
    """A payload of an exchange that was not understood, or not all of it, for inspection.

    Of those of one unknown `kind` the first is kept.  Of a long payload the beginning is kept, and
    `whole_bytes` says how long it was; 0: no longer than what is here.
    """

    exchange: str
    recv_ns: int
    reason: str
    payload: bytes
    kind: str = ""
    whole_bytes: int = 0

    @classmethod
    def of(cls, exchange: str, recv_ns: int, reason: str, payload: bytes, kind: str = "") -> Self:
        """What is kept of this payload."""
        whole = len(payload) if len(payload) > MAX_ASIDE_BYTES else 0
        return cls(exchange, recv_ns, reason, payload[:MAX_ASIDE_BYTES], kind, whole)
