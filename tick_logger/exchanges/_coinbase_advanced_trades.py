"""How Coinbase Advanced is asked for trades that were missed: at the Exchange, whose market it is.

Its own answer to such a question goes by whole seconds, without a cursor.  A product is asked for
under its own name.  One that is an alias of another has no trades of its own, and is never
recorded; those of the other would be taken for those of a product with another currency.
"""

from __future__ import annotations

from typing import Final

from tick_logger.exchanges._coinbase_trades import CoinbaseTrades

SAME_IDS: Final = True
"""Whether both number their trades alike.  Expected, because the matching engine is one, and not
confirmed; where it is wrong, pages lack the ids that are wanted, and the holes stay open."""

ENDPOINT: Final = "https://api.coinbase.com"
_OF_EXCHANGE: Final = "https://api.exchange.coinbase.com"


def endpoint_of_exchange(rest_endpoint: str) -> str:
    """Where the Exchange is asked, by the configured endpoint."""
    return _OF_EXCHANGE if rest_endpoint.rstrip("/") == ENDPOINT else rest_endpoint


class CoinbaseAdvancedTrades(CoinbaseTrades):
    """GET a product's trades from the Exchange."""

    def endpoint(self, rest_endpoint: str) -> str:
        """The Exchange's; an endpoint other than the usual must serve its path itself."""
        return endpoint_of_exchange(rest_endpoint)


TRADES: Final = CoinbaseAdvancedTrades() if SAME_IDS else None
