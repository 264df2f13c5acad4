"""How much of a venue's pace may go to what can wait: trades of the past, and candles.

Invariant: in any minute their weights add up to no more than half of what the profile allows, so
that listings and snapshots never wait behind them for long.  They take their turns like any others
on top of it (`client`).
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from tick_logger.exchanges.base import Exchange
from tick_logger.net.pace import WeightGate
from tick_logger.net.rest.client import RestClient, Turn

BUDGET_SECS = 60.0
"""The window of the budget, as of the profile's."""


class Allowance:
    """The share of all who can wait, at one venue; `rest_of` says who asks about a symbol."""

    def __init__(self, exchange: Exchange, rest_of: Callable[[str], RestClient]) -> None:
        asked = exchange.trades_by_rest, exchange.candles_by_rest
        weight = exchange.profile.rest_weight_per_minute // 2
        heaviest = max((each.weight for each in asked if each is not None), default=0)
        assert heaviest <= weight, "no request would be allowed"
        spacing_secs = 0.0 if asked[0] is None else asked[0].spacing_secs
        self._gate = WeightGate(weight, BUDGET_SECS)
        self._spacing = WeightGate(1, spacing_secs)
        self.rest_of = rest_of
        self._line = trio.Lock()  # one at a time, until its request begins: then it counts

    async def turn(self, weight: int, symbol: str) -> Turn:
        """Wait for the turn of one request about a symbol, to be made, or dropped, at once.

        Cancellation: the place in the line is lost; a weight that was granted is spent.
        """
        async with self._line:
            await self._gate.wait(weight)
            await self._spacing.wait(1)
            turn = await self.rest_of(symbol).turn(weight)
            self._gate.begins()  # the venue may have wanted to be left alone meanwhile
            self._spacing.begins()
            return turn
