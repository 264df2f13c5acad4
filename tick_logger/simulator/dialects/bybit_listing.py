"""The symbols of Bybit, as its instruments-info lists them, with pages on linear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tick_logger.simulator.dialects.bybit_texts import CATEGORIES, SPOT, millis, price_text
from tick_logger.simulator.listing import Listing
from tick_logger.simulator.symbols import plain

_PAGE, _MOST_OF_A_PAGE = 500, 1000
_LAUNCHED_MS = 1_584_230_400_000


def instruments_info(
    listings: Sequence[Listing], query: Mapping[str, str], now_ns: int
) -> tuple[int, bytes]:
    """Status and body of the answer; only trading symbols are listed."""
    category = query.get("category", "")
    limit = query.get("limit", str(_PAGE))
    if category not in CATEGORIES:
        return 200, body(10001, "Illegal category", {}, now_ns)
    if not limit.isdecimal() or not 1 <= int(limit) <= _MOST_OF_A_PAGE:
        return 200, body(10001, "params error: limit invalid", {}, now_ns)
    trading = [listing for listing in listings if listing.active]
    result: dict[str, object] = {"category": category}
    if CATEGORIES[category] == SPOT:  # which has no pages
        result["list"] = [_spot(number, each) for number, each in enumerate(trading, 9)]
    else:
        after = query.get("cursor", "")
        ordered = sorted(trading, key=lambda each: each.spec.symbol)
        rest = [each for each in ordered if each.spec.symbol > after]
        page = rest[: int(limit)]
        result["list"] = [_linear(number, each) for number, each in enumerate(page, 5)]
        result["nextPageCursor"] = page[-1].spec.symbol if len(page) < len(rest) else ""
    return 200, body(0, "OK", result, now_ns)


def body(code: int, message: str, result: Mapping[str, object], now_ns: int) -> bytes:
    """An answer by REST: code 0, or a refusal."""
    answer = {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}}
    return msgspec.json.encode(answer | {"time": millis(now_ns)})


def _spot(number: int, listing: Listing) -> dict[str, object]:
    spec = listing.spec
    lot = plain(spec.size(1))
    most = "230"
    return {
        "symbolId": number,
        "symbol": spec.symbol,
        "baseCoin": spec.base,
        "quoteCoin": spec.quote,
        "innovation": "0",
        "status": "Trading",
        "marginTrading": "utaOnly",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": lot,
            "quotePrecision": "0.0000001",
            "minOrderQty": lot,
            "maxOrderQty": most,
            "minOrderAmt": "5",
            "maxOrderAmt": "8000000",
            "maxLimitOrderQty": most,
            "maxMarketOrderQty": most,
            "postOnlyMaxLimitOrderSize": most,
        },
        "priceFilter": {"tickSize": price_text(spec, 1, SPOT)},
        "riskParameters": {"priceLimitRatioX": "0.005", "priceLimitRatioY": "0.01"},
        "symbolType": "",
        "xstockMultiplier": "1",
    }


def _linear(number: int, listing: Listing) -> dict[str, object]:
    spec = listing.spec
    tick, lot = spec.price(1), spec.size(1)
    most = spec.size(spec.typical_lots * 10_000)
    dated = "-" in spec.symbol
    return {
        "symbol": spec.symbol,
        "contractType": "LinearFutures" if dated else "LinearPerpetual",
        "status": "Trading",
        "baseCoin": spec.base,
        "quoteCoin": spec.quote,
        "launchTime": str(_LAUNCHED_MS),
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(spec.price_decimals),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": tick, "maxPrice": "1999999.80", "tickSize": tick},
        "lotSizeFilter": {
            "maxOrderQty": most,
            "minOrderQty": lot,
            "qtyStep": lot,
            "postOnlyMaxOrderQty": most,
            "maxMktOrderQty": most,
            "minNotionalValue": "5",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "settleCoin": spec.quote,
        "copyTrading": "none",
        "upperFundingRate": "0.005",
        "lowerFundingRate": "-0.005",
        "isPreListing": False,
        "preListingInfo": None,
        "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.02"},
        "displayName": "",
        "symbolType": "",
        "forbidUplWithdrawal": False,
        "symbolId": number,
    }
