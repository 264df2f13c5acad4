"""What of a recording may be watched: numbers that others count, and how to ask for the rest.

Nobody who holds it can change the recording by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import attrs

from tick_logger.clock import WallClock
from tick_logger.model.connections import Absent, ConnectionState, Loss, Patience
from tick_logger.model.instruments import Instruments
from tick_logger.model.proof import Proof
from tick_logger.model.symbols import PairOf
from tick_logger.model.tables import Table
from tick_logger.ops.status.past import Past
from tick_logger.ops.status.snapshot import Snapshot
from tick_logger.telemetry.metrics import Metrics
from tick_logger.telemetry.today import Today


class WatchedVenue(Protocol):
    """What is asked of the connections of an exchange."""

    def connections(self) -> Sequence[ConnectionState]:
        """Those there are."""
        ...

    @property
    def losses(self) -> Sequence[Loss]:
        """Those that were lost lately, the oldest first."""
        ...

    @property
    def absent(self) -> Absent:
        """What is wanted of it and not recorded."""
        ...

    @property
    def feeds(self) -> Mapping[str, bool]:
        """Those that are to be carried, and whether every connection that carries one is open."""
        ...

    @property
    def patience(self) -> Patience:
        """How long it may go without data."""
        ...


@attrs.frozen(kw_only=True)
class Watched:
    """One recorder, seen from outside; venues and proofs go by the name of the exchange."""

    version: str
    metrics: Metrics
    venues: Mapping[str, WatchedVenue]
    today: Today
    instruments: Instruments
    clock: WallClock
    snapshot: Callable[[], Snapshot]
    data_path: str
    proofs_of: Callable[[str], Mapping[Table, Proof]]
    read_symbol: Callable[[str, str], dict[str, Any]]
    """What is recorded of (exchange, symbol); reads files, so it is called in a thread.
    `LookupError` if there is none such."""
    pair_of: PairOf
    """What a symbol is called everywhere."""
    past: Past
    """What was recorded on any day."""
    archive_places: Sequence[str] = ()
    """Where finished days are to be kept: "local", "s3"."""
