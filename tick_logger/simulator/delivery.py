"""What happens to one session's market data on its way out: loss, garbage, duplicates, disorder."""

from __future__ import annotations

from random import Random

from tick_logger.simulator.faults import GARBAGE_KINDS, FaultCounts, Faults, GarbageSource, garbage
from tick_logger.simulator.wire import frame, payload_of

_OPCODE = 0x0F  # in the first byte of a frame


class FaultyDelivery:
    """Turns one frame into the frames that are really sent now."""

    def __init__(self, source: GarbageSource, counts: FaultCounts, rng: Random) -> None:
        self._source = source
        self._counts = counts
        self._rng = rng
        self._held: bytes | None = None

    def loses(self, faults: Faults) -> bool:
        """Whether the next frame is not sent at all."""
        lost = self._happens(faults.lose_probability)
        self._counts.lost += lost
        return lost

    def frames(self, ready_frame: bytes, faults: Faults) -> list[bytes]:
        """The frames to send in place of this one; one held back before comes after it."""
        if self._happens(faults.bad_trade_probability):
            ready_frame = self._spoilt(ready_frame)
        sent = [ready_frame]
        if self._happens(faults.unknown_kind_probability):
            opcode = ready_frame[0] & _OPCODE
            sent.insert(0, frame(opcode, self._source.unknown_type(self._rng)))
            self._counts.unknown_kinds += 1
        if self._happens(faults.garbage_probability):
            kind = self._rng.choice(GARBAGE_KINDS)
            sent.insert(0, frame(*garbage(kind, self._source, self._rng)))
            self._counts.garbage += 1
        if self._happens(faults.duplicate_probability):
            sent.append(ready_frame)
            self._counts.duplicated += 1
        if self._held is not None:
            sent.append(self._held)
            self._held = None
        elif self._happens(faults.reorder_probability):
            self._held = sent.pop()
            self._counts.reordered += 1
        return sent

    def held_frames(self) -> list[bytes]:
        """The frame that still waits for its successor, for a session about to end in order."""
        held = [] if self._held is None else [self._held]
        self._held = None
        return held

    def _spoilt(self, ready_frame: bytes) -> bytes:
        spoilt = self._source.spoilt(payload_of(ready_frame))
        if spoilt is None:
            return ready_frame
        self._counts.bad_trades += 1
        return frame(ready_frame[0] & _OPCODE, spoilt)

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._rng.random() < probability
