"""How Coinbase Advanced is asked for minute candles: at the Exchange, whose market it is."""

from __future__ import annotations

from tick_logger.exchanges._coinbase_advanced_trades import endpoint_of_exchange
from tick_logger.exchanges._coinbase_candles import CoinbaseCandles


class CoinbaseAdvancedCandles(CoinbaseCandles):
    """GET a product's candles from the Exchange."""

    def endpoint(self, rest_endpoint: str) -> str:
        """The Exchange's; see there."""
        return endpoint_of_exchange(rest_endpoint)
