"""The venue's patience with clients: refusals that name a time, and who does not wait for it.

Who comes in the very moment in which another is told was on the way already, and cannot know.
"""

from __future__ import annotations

import trio

from tick_logger.simulator.hub import Hub
from tick_logger.simulator.server import Refusal

_WEB_PAGE = b"<!DOCTYPE html><html><body>Checking your browser</body></html>"
_ROUNDING = 1e-6  # times in seconds are sums of floats


class Patience:
    """Until when the client of one exchange was told to stay away, by REST and from connecting."""

    def __init__(self) -> None:
        self._until = {True: float("-inf"), False: float("-inf")}
        self._told_at = dict(self._until)
        self.retry_after = ""
        """What the last request by REST was told, if it was refused."""

    def refusal(self, hub: Hub, *, upgrade: bool, of_past: bool = False) -> Refusal | None:
        """By the faults of the moment: what comes instead of what was asked for.

        `of_past`: a page of trades was, or candles were.
        """
        now, faults = trio.current_time(), hub.faults
        is_told = now > self._told_at[upgrade] + _ROUNDING
        if is_told and now < self._until[upgrade] - _ROUNDING:
            early_secs = self._until[upgrade] - now
            what = "connection" if upgrade else "request"
            hub.violations.append(f"a {what} came {early_secs:.3f} s before the time it was told")
        if not upgrade:
            self.retry_after = ""
        status = faults.upgrade_status if upgrade else faults.rest_status
        retry_after = faults.retry_after
        if status is None and of_past:
            if hub.misses_page("web_page_probability"):
                return Refusal(200, _WEB_PAGE)
            if hub.misses_page("refusal_probability"):
                status, retry_after = faults.pages.refusal_status, faults.pages.retry_after
        if status is None:
            return None
        if retry_after.isdecimal():
            if is_told:
                self._told_at[upgrade] = now
            self._until[upgrade] = now + int(retry_after)
        if not upgrade:
            self.retry_after = retry_after
        return Refusal(status, faults.refusal_body, retry_after)
