"""The last row of a stream in order of time, and where a lower id shows that ids have begun again.

Not the row of the largest id: after ids have begun again, that would be one of the past for ever.
"""

from __future__ import annotations

import attrs

from tick_logger.model.tables import NO_TIME
from tick_logger.pipeline.id_line import BegunAgain
from tick_logger.pipeline.state import StreamStates


@attrs.define
class Newest:
    """Id and times of the last row; id 0 before the first that has one."""

    instrument: int
    id: int
    event_ns: int
    recv_ns: int | None
    begun_again: list[BegunAgain] = attrs.field(factory=list)
    """Where ids began again: the first place alone, so that a tick says it of a stream once."""

    @classmethod
    def of(cls, states: StreamStates, instrument: int) -> Newest:
        """The last row of a stream so far."""
        recv_ns = int(states.last_recv[instrument])
        return cls(
            instrument,
            int(states.seen_seq[instrument]),
            int(states.last_event[instrument]),
            None if recv_ns == NO_TIME else recv_ns,
        )

    def moves_to(self, id_: int, event_ns: int, recv_ns: int) -> bool:
        """Whether a new row becomes the last one, as it does unless it is late or has no id."""
        if id_ == 0 or event_ns < self.event_ns:
            return False
        if id_ <= self.id and event_ns > self.event_ns and not self.begun_again:
            again = BegunAgain(self.instrument, self.id, id_, self.recv_ns, recv_ns)
            self.begun_again.append(again)
        self.id, self.event_ns, self.recv_ns = id_, event_ns, recv_ns
        return True
