"""What a simulated exchange really did: the oracle that recordings are compared with.

Every trade is kept, in the texts that clients were sent, whether or not anybody listened.  It
remembers a bounded number per symbol; asking for a symbol of which some were forgotten raises,
so that a comparison cannot quietly be one with half of the truth.
"""

from __future__ import annotations

from collections import deque

import attrs


@attrs.frozen
class TrueTrade:
    """One trade as it was made.

    `event_ns` is the exchange's time of the trade, as it was told, and `made_ns` when it was really
    made, by a clock that is never off; `side` the taker's ("buy" or "sell"); the order
    ids are None where the dialect sends none.  `subscribed` says whether at least one session was
    subscribed to the symbol's trades at that moment, `withheld` that no session was sent it.
    """

    trade_id: int
    event_ns: int
    price: str
    size: str
    side: str
    maker_order_id: str | None
    taker_order_id: str | None
    subscribed: bool
    withheld: bool
    made_ns: int


class TruthForgottenError(Exception):
    """More trades were made than the truth was told to remember."""


class Truth:
    """All trades of one exchange, by symbol."""

    def __init__(self, trades_per_symbol: int) -> None:
        self._limit = trades_per_symbol
        self._trades: dict[str, deque[TrueTrade]] = {}
        self._forgotten: set[str] = set()

    def add(self, symbol: str, trade: TrueTrade) -> None:
        """Remember a trade, and forget the oldest if there are too many."""
        trades = self._trades.setdefault(symbol, deque(maxlen=self._limit))
        if len(trades) == self._limit:
            self._forgotten.add(symbol)
        trades.append(trade)

    def symbols(self) -> list[str]:
        """The symbols that have trades."""
        return list(self._trades)

    def trades(self, symbol: str) -> list[TrueTrade]:
        """Every trade of a symbol, oldest first, including one from before the start.

        Raises `TruthForgottenError` if some were forgotten.
        """
        if symbol in self._forgotten:
            raise TruthForgottenError(f"{symbol}: more than {self._limit} trades")
        return list(self._trades.get(symbol, ()))

    def subscribed(self, symbol: str) -> list[TrueTrade]:
        """The trades made while a session was subscribed to them, withheld ones included."""
        return [trade for trade in self.trades(symbol) if trade.subscribed]

    def sent(self, symbol: str) -> list[TrueTrade]:
        """The trades that were sent to at least one session when they happened."""
        return [trade for trade in self.subscribed(symbol) if not trade.withheld]

    def withheld(self, symbol: str) -> list[TrueTrade]:
        """The trades that were kept from subscribed sessions on purpose: holes in the ids."""
        return [trade for trade in self.subscribed(symbol) if trade.withheld]

    def kept(self, symbol: str) -> list[TrueTrade]:
        """The trades that are still remembered, oldest first; never raises."""
        return list(self._trades.get(symbol, ()))
