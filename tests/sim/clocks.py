"""What the service's clock has shown in one life, by our own reckoning.

It shows what the machine's does, which is set now and then, but never less than before: if that is
set back, it goes on at half the speed until the machine has caught up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

SLOW = 0.5
ROUNDING_SECS = 1e-3
"""The service halves whole nanoseconds, thousands of times."""


@attrs.frozen
class Stretch:
    """Times from `began` to `ended` (seconds of trio's clock), shown from `shown_ns` on."""

    began: float
    ended: float
    shown_ns: float
    speed: float

    def when(self, shown_ns: float) -> float | None:
        """When it showed this; None if it did not."""
        at = self.began + (shown_ns - self.shown_ns) / 1e9 / self.speed
        inside = self.began - ROUNDING_SECS <= at <= self.ended + ROUNDING_SECS
        return at if inside else None


def stretches(
    began: float, ended: float, shown_ns: float, steps: Sequence[tuple[float, int]]
) -> Iterator[Stretch]:
    """From its first showing on, while the machine's clock is as `steps` say.

    Each step is a time, and by how much the machine's clock is ahead of trio's from then on.
    """
    earlier = [offset_ns for at, offset_ns in steps if at <= began]
    later = [(at, offset_ns) for at, offset_ns in steps if began < at < ended]
    bounds = [(began, earlier[-1]), *later]
    for (at, offset_ns), until in zip(bounds, [*(each for each, _ in later), ended], strict=True):
        machine_ns = at * 1e9 + offset_ns
        shown_ns = max(shown_ns, machine_ns)
        caught_up = min(at + (shown_ns - machine_ns) / 1e9 / (1 - SLOW), until)
        if caught_up > at:
            yield Stretch(at, caught_up, shown_ns, SLOW)
            shown_ns += (caught_up - at) * SLOW * 1e9
        if until > caught_up:
            yield Stretch(caught_up, until, shown_ns, 1.0)
            shown_ns += (until - caught_up) * 1e9
