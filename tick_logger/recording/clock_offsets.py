"""Tells of clocks that are off: one line when it shows, and one when it is over.

Where one exchange's times differ from the clock of this machine, either may be wrong, or the
exchange lags.  Where the times of several agree with each other and not with this machine, it is
this machine.  Nothing is corrected here: times are recorded as exchanges send them.
"""

from __future__ import annotations

from collections.abc import Mapping

from tick_logger.telemetry.logs import get_logger
from tick_logger.telemetry.metrics import Metrics

OFF_SECS = 10.0
"""More than any exchange's clock or network is off in ordinary times."""

WELL_SECS = 5.0
"""What is told to be over does not begin again with the next sample."""

AGREE_SECS = 10.0
"""Exchanges whose offsets are this close agree with each other."""

PATIENCE = 5
"""Flushes for which it has to last, and by which other exchanges have shown what they think."""

MACHINE = ""
"""In place of an exchange's name: the clock of this machine."""


class ClockOffsets:
    """What the clocks of exchanges show beside that of this machine."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._log = get_logger()
        self._lasted: dict[str, int] = {}  # flushes for which a clock was off, those told with them

    def showed(self, offsets_ns: Mapping[str, int]) -> None:
        """Take the offsets that are known after a flush, by exchange."""
        secs = {name: offset_ns / 1e9 for name, offset_ns in offsets_ns.items()}
        for name, offset_secs in secs.items():
            self._metrics.exchange(name).clock_offset_seconds.set(offset_secs)
        machine_was_off = self._lasted.get(MACHINE, 0) > PATIENCE
        off = self._those_off(secs)
        if MACHINE in off and not machine_was_off:
            # What was told of single exchanges was about this machine all the time.
            self._lasted = {MACHINE: self._lasted.get(MACHINE, 0)}
        for name in [name for name in self._lasted if name not in off]:
            if self._lasted.pop(name) > PATIENCE:
                self._log.info("clock_offset_over", clock=name or "this machine")
        for name, offset_secs in off.items():
            self._lasted[name] = self._lasted.get(name, 0) + 1
            if self._lasted[name] == PATIENCE + 1:
                self._tell(name, offset_secs, sorted(secs))

    def _those_off(self, secs: Mapping[str, float]) -> dict[str, float]:
        """By exchange, or for this machine instead, how far the clock is off."""
        machine_off = self._lasted.get(MACHINE, 0) > PATIENCE
        off = {
            name: offset
            for name, offset in secs.items()
            if abs(offset) > (WELL_SECS if machine_off or name in self._lasted else OFF_SECS)
        }
        alike = len(off) > 1 and max(off.values()) - min(off.values()) <= AGREE_SECS
        if alike and 2 * len(off) > len(secs):
            return {MACHINE: sorted(off.values())[len(off) // 2]}
        return off

    def _tell(self, name: str, offset_secs: float, known: list[str]) -> None:
        by = f"{abs(offset_secs):,.0f} s {'ahead of' if offset_secs > 0 else 'behind'}"
        if name == MACHINE:
            self._log.error(
                "clock_offset",
                clock="this machine",
                seconds=round(-offset_secs, 3),
                explanation=f"the times of {', '.join(known)} agree, and are {by} this machine's "
                "clock: set it; event times are recorded as sent",
            )
            return
        self._log.warning(
            "clock_offset",
            clock=name,
            seconds=round(offset_secs, 3),
            explanation=f"its times are {by} this machine's clock: one of the two is wrong, "
            "or the exchange lags; event times are recorded as sent",
        )
