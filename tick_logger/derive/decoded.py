"""What an entry of the journal was decoded to, by adapters that may have changed since.

Not here: what is made of rows (`derivation`).
"""

from __future__ import annotations

from collections.abc import Sequence

from tick_logger.derive.recorded_streams import RecordedStreams
from tick_logger.exchanges import registry
from tick_logger.exchanges.decoding import decode
from tick_logger.model.cause import Cause
from tick_logger.model.entries import KeptAside, Received
from tick_logger.model.marks import Lapse, Mark
from tick_logger.model.rows import RowBatch


class Decoder:
    """Decodes entries of the symbols and tables of `streams`; counts what adapters fail on."""

    def __init__(self, streams: RecordedStreams) -> None:
        self._streams = streams
        self.failures = 0  # batches
        self.first_failure = ""

    def decode(
        self, received: Received
    ) -> tuple[Sequence[RowBatch], Sequence[KeptAside], Sequence[Mark]]:
        """The rows, what was not understood, and marks of what is missing for it."""
        self._streams.define(received)
        if not received.decodable or not registry.knows(received.exchange):
            return (), (), ()
        try:
            found = decode(
                registry.get(received.exchange),
                received.split(),
                received.recv_ns_of_payloads(),
                self._streams.instruments.of(received.exchange),
                self._streams.of(received.exchange),
                received.routes_of_payloads(),
            )
        except Exception as error:  # noqa: BLE001 - a start must not fail for good
            self.failures += 1
            self.first_failure = self.first_failure or f"{received.exchange}: {error!r}"
            return (), (), self._lapses(received)
        return found.rows, found.aside, found.losses

    def _lapses(self, received: Received) -> list[Mark]:
        """Everything of the exchange may be missing."""
        since, until = int(received.recv_ns.min()), int(received.recv_ns.max())
        return [
            Lapse(each, (table,), since, until, Cause.ADAPTER)
            for each, table in self._streams.by_table(received.exchange)
        ]
