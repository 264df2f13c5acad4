"""Binance spot: the symbols of exchangeInfo."""

from __future__ import annotations

import msgspec

from tick_logger.exchanges.decode import decode_listing
from tick_logger.model.instruments import Instrument


class _Filter(msgspec.Struct, gc=False):
    filterType: str = ""  # noqa: N815 (the venue's names)
    tickSize: str = ""  # noqa: N815
    stepSize: str = ""  # noqa: N815


class _Symbol(msgspec.Struct, gc=False):
    symbol: str
    status: str
    baseAsset: str = ""  # noqa: N815
    quoteAsset: str = ""  # noqa: N815
    isSpotTradingAllowed: bool = False  # noqa: N815
    permissions: list[str] = []
    permissionSets: list[list[str]] = []  # noqa: N815
    filters: list[_Filter] = []

    def instrument(self) -> Instrument:
        # The lists are older and newer ways to say the same; which of the three is filled varies.
        spot = (
            self.isSpotTradingAllowed
            or "SPOT" in self.permissions
            or any("SPOT" in permissions for permissions in self.permissionSets)
        )
        # MARKET_LOT_SIZE has a step as well, but only for market orders.
        filters = {each.filterType: each for each in self.filters}
        return Instrument(
            self.symbol,
            self.baseAsset,
            self.quoteAsset,
            active=spot and self.status == "TRADING",
            tick_size=filters.get("PRICE_FILTER", _NO_FILTER).tickSize,
            lot_size=filters.get("LOT_SIZE", _NO_FILTER).stepSize,
        )


class _ExchangeInfo(msgspec.Struct, gc=False):
    symbols: list[_Symbol]


_NO_FILTER = _Filter()
_decode_info = msgspec.json.Decoder(_ExchangeInfo).decode


def parse_exchange_info(body: bytes) -> tuple[Instrument, ...]:
    """The symbols; active are those that trade, and trade on spot.  Raises `VenueError`."""
    info = decode_listing(_decode_info, "exchangeInfo", body)
    return tuple(symbol.instrument() for symbol in info.symbols)
