"""The parts of the pipeline's state that it keeps once per table, and their way out and back.

Not here: what becomes of rows (`pipeline`), and state that only one table needs (`books`,
`recent_ids`).
"""

from __future__ import annotations

import attrs

from tick_logger.model.tables import Table
from tick_logger.pipeline.ids import IdLedger
from tick_logger.pipeline.plain_state import Plain
from tick_logger.pipeline.state import StreamStates
from tick_logger.pipeline.window import ReorderWindow


@attrs.frozen(eq=False)
class TableState:
    """What is remembered of the table's streams, the rows that wait, and the ids that were seen."""

    streams: StreamStates
    window: ReorderWindow
    ids: IdLedger

    @classmethod
    def empty(cls, table: Table) -> TableState:
        """The state before anything of the table was received."""
        streams = StreamStates()
        return cls(streams, ReorderWindow(table, streams), IdLedger())

    def dump(self) -> Plain:
        """The three parts by name."""
        return {
            "streams": self.streams.dump(),
            "window": self.window.dump(),
            "ids": self.ids.dump(),
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned."""
        self.streams.load(state["streams"])
        self.window.load(state["window"])
        self.ids.load(state["ids"])
