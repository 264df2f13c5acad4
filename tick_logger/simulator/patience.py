"""The venue's patience with clients: refusals that name a time, and who does not wait for it."""

from __future__ import annotations

import trio

from tick_logger.simulator.hub import Hub
from tick_logger.simulator.server import Refusal

_ROUNDING = 1e-6  # times in seconds are sums of floats


class Patience:
    """Until when the client of one exchange was told to stay away, by REST and from connecting."""

    def __init__(self) -> None:
        self._until = {True: float("-inf"), False: float("-inf")}

    def refusal(self, hub: Hub, *, upgrade: bool) -> Refusal | None:
        """By the faults of the moment: what comes instead of what was asked for."""
        now, faults = trio.current_time(), hub.faults
        if now < self._until[upgrade] - _ROUNDING:
            early_secs = self._until[upgrade] - now
            what = "connection" if upgrade else "request"
            hub.violations.append(f"a {what} came {early_secs:.3f} s before the time it was told")
        status = faults.upgrade_status if upgrade else faults.rest_status
        if status is None:
            return None
        if faults.retry_after.isdecimal():
            self._until[upgrade] = now + int(faults.retry_after)
        return Refusal(status, faults.refusal_body, faults.retry_after)
