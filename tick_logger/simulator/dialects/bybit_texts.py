"""The messages of Bybit v5, written as the venue writes them.

A variant is the category of a connection.  Spot drops zeros at the end of numbers and puts `ts`
before `type`; linear sends all decimals of tick and lot, and has more fields.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence

import attrs
import msgspec

from tick_logger.simulator.book import Level
from tick_logger.simulator.listing import Listing, Quote, Trade
from tick_logger.simulator.symbols import SymbolSpec, decimal_text, plain

SPOT, LINEAR = 0, 1
CATEGORIES = {"spot": SPOT, "linear": LINEAR}

_MILLISECOND_NS = 1_000_000
_SENDING_MS = 1  # how much later than it happened something is sent
_FUNDING_MS = 8 * 3_600_000
_FIRST_SPOT_ID = 2_290_000_000_000_000_000
_SPOT_IDS_PER_TRADE = 4  # one of them is used: ids rise, and holes mean nothing
_UUID_FACTOR = 0x9E3779B97F4A7D  # odd, so that multiplying loses nothing modulo two to the 56
_UUID_BITS = 56  # beside a digit for the version, these are the first 15 hexadecimal digits
_TOGETHER = (
    ("bid1Price", "bid1Size"),
    ("ask1Price", "ask1Size"),
    ("turnover24h", "volume24h"),
    ("openInterest", "singleOpenInterest"),
)
"""Fields that a delta names together, if one of them has changed."""


@attrs.frozen
class Print:
    """A trade, and how its price compares with the one before: `PlusTick`, `ZeroMinusTick`..."""

    trade: Trade
    direction: str


def millis(time_ns: int) -> int:
    """A time as the venue gives it."""
    return time_ns // _MILLISECOND_NS


def trade_id(trade: Trade, variant: int) -> int:
    """The id that a recording of the trade should have."""
    if variant == SPOT:
        return _FIRST_SPOT_ID + trade.trade_id * _SPOT_IDS_PER_TRADE + trade.sequence % 3
    return int(_uuid_digits(trade)[:15], 16)


def uuid(trade: Trade) -> str:
    """The id of a trade on linear: a UUID of version 5, whose first digits are its own."""
    return _dashed(_uuid_digits(trade))


def uuid_of(trade_id: int) -> str:
    """The UUID of a trade by its recorded id."""
    text = f"{trade_id:015x}"
    return _dashed(_digits(int(text[:12] + text[13:], 16)))


def _dashed(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _uuid_digits(trade: Trade) -> str:
    return _digits(trade.trade_id * _UUID_FACTOR % 2**_UUID_BITS)


def _digits(number: int) -> str:
    """Those of the UUID that has a number of its own; what follows is made of that too."""
    unique, rest = f"{number:014x}", f"{number * _UUID_FACTOR % 2**64:016x}"
    return f"{unique[:12]}5{unique[12:]}{rest[0]}a{rest[1:]}"


def trades(symbol: str, prints: Sequence[Print], variant: int) -> bytes:
    """A `publicTrade` message, sent right after its last trade."""
    sent_ms = millis(prints[-1].trade.time_ns) + _SENDING_MS
    entries = ",".join(_trade(each, variant) for each in prints)
    return _message(f"publicTrade.{symbol}", "snapshot", sent_ms, f'"data":[{entries}]', variant)


def _trade(one: Print, variant: int) -> str:
    trade, spec = one.trade, one.trade.listing.spec
    price, size = price_text(spec, trade.ticks, variant), size_text(spec, trade.lots, variant)
    side = "Buy" if trade.taker_buys else "Sell"
    if variant == SPOT:
        return (
            f'{{"i":"{trade_id(trade, SPOT)}","T":{millis(trade.time_ns)},"p":"{price}",'
            f'"v":"{size}","S":"{side}","seq":{trade.sequence},"s":"{spec.symbol}",'
            f'"BT":false,"RPI":false}}'
        )
    return (
        f'{{"T":{millis(trade.time_ns)},"s":"{spec.symbol}","S":"{side}","v":"{size}",'
        f'"p":"{price}","L":"{one.direction}","i":"{uuid(trade)}","BT":false,"RPI":false,'
        f'"seq":{trade.sequence}}}'
    )


@attrs.frozen(kw_only=True)
class Levels:
    """The contents of a message about a book."""

    listing: Listing
    topic: str
    kind: str  # "snapshot" or "delta"
    update_id: int
    bids: Iterable[Level]
    asks: Iterable[Level]


def book(levels: Levels, now_ns: int, variant: int) -> bytes:
    """An `orderbook` message; its `cts` is now, and it is sent a little later."""
    listing, cts = levels.listing, millis(now_ns)
    spec = listing.spec
    bids, asks = (
        ",".join(
            f'["{price_text(spec, ticks, variant)}","{size_text(spec, lots, variant)}"]'
            for ticks, lots in side
        )
        for side in (levels.bids, levels.asks)
    )
    rest = (
        f'"data":{{"s":"{spec.symbol}","b":[{bids}],"a":[{asks}],"u":{levels.update_id},'
        f'"seq":{listing.sequence}}},"cts":{cts}'
    )
    return _message(levels.topic, levels.kind, cts + _SENDING_MS, rest, variant)


def ticker(
    listing: Listing, fields: Mapping[str, str], kind: str, now_ns: int, variant: int
) -> bytes:
    """A `tickers` message of these fields."""
    symbol, ts = listing.spec.symbol, millis(now_ns)
    data = msgspec.json.encode({"symbol": symbol} | dict(fields)).decode()
    if variant == SPOT:
        return _message(
            f"tickers.{symbol}", kind, ts, f'"cs":{listing.sequence},"data":{data}', SPOT
        )
    return (
        f'{{"topic":"tickers.{symbol}","type":"{kind}","data":{data},"cs":{listing.sequence},'
        f'"ts":{ts}}}'
    ).encode()


def spot_fields(listing: Listing, last: Trade) -> dict[str, str]:
    """The ticker of a spot symbol: no bid and no ask."""
    spec = listing.spec
    return {
        "lastPrice": price_text(spec, last.ticks, SPOT),
        "highPrice24h": price_text(spec, listing.high_ticks, SPOT),
        "lowPrice24h": price_text(spec, listing.low_ticks, SPOT),
        "prevPrice24h": price_text(spec, listing.open_ticks, SPOT),
        "volume24h": size_text(spec, listing.volume_lots, SPOT),
        "turnover24h": plain(_turnover(listing)),
        "price24hPcnt": f"{last.ticks / listing.open_ticks - 1:.4f}",
        "usdIndexPrice": price_text(spec, listing.open_ticks, SPOT),
    }


def linear_fields(listing: Listing, last: Print, quote: Quote, now_ns: int) -> dict[str, str]:
    """Everything that the ticker of a contract says."""
    spec = listing.spec
    # The mark price moves each second, even if nothing else does.
    mark = (quote.bid_ticks + quote.ask_ticks) // 2 + now_ns // 10**9 % 3
    interest = spec.typical_lots * 90_000 + listing.volume_lots % spec.typical_lots
    value = decimal_text(interest * mark, spec.price_decimals + spec.size_decimals)
    half_value = decimal_text(interest // 2 * mark, spec.price_decimals + spec.size_decimals)
    due_ms = (millis(now_ns) // _FUNDING_MS + 1) * _FUNDING_MS
    return {
        "tickDirection": last.direction,
        "price24hPcnt": plain(f"{last.trade.ticks / listing.open_ticks - 1:.6f}"),
        "lastPrice": spec.price(last.trade.ticks),
        "prevPrice24h": spec.price(listing.open_ticks),
        "highPrice24h": spec.price(listing.high_ticks),
        "lowPrice24h": spec.price(listing.low_ticks),
        "prevPrice1h": spec.price(listing.open_ticks),
        "markPrice": spec.price(mark),
        "indexPrice": spec.price(mark + 1),
        "openInterest": spec.size(interest),
        "openInterestValue": value,
        "turnover24h": _turnover(listing),
        "volume24h": spec.size(listing.volume_lots),
        "fundingIntervalHour": "8",
        "fundingCap": "0.005",
        "singleOpenInterest": spec.size(interest // 2),
        "singleOpenInterestValue": half_value,
        "nextFundingTime": str(due_ms),
        "fundingRate": "0.0001",
        "bid1Price": spec.price(quote.bid_ticks),
        "bid1Size": spec.size(quote.bid_lots),
        "ask1Price": spec.price(quote.ask_ticks),
        "ask1Size": spec.size(quote.ask_lots),
        "preOpenPrice": "",
        "preQty": "",
        "curPreListingPhase": "",
    }


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """The fields of a delta, in the order of a snapshot; some come only together."""
    names = {name for name in now if now[name] != before[name]}
    for group in _TOGETHER:
        if names & set(group):
            names |= set(group) & now.keys()
    return {name: value for name, value in now.items() if name in names}


def direction(before: Print | None, ticks: int) -> str:
    """How a price compares with the one before, which may have been the same for a while."""
    if before is None or ticks > before.trade.ticks:
        return "PlusTick"
    if ticks < before.trade.ticks:
        return "MinusTick"
    return before.direction if before.direction.startswith("Zero") else f"Zero{before.direction}"


def price_text(spec: SymbolSpec, ticks: int, variant: int) -> str:
    """A price as this category writes it."""
    return plain(spec.price(ticks)) if variant == SPOT else spec.price(ticks)


def size_text(spec: SymbolSpec, lots: int, variant: int) -> str:
    """A size as this category writes it; nothing at all is `0` everywhere."""
    if not lots:
        return "0"
    return plain(spec.size(lots)) if variant == SPOT else spec.size(lots)


# -- answers ---------------------------------------------------------------------------------------


def answer(client: str, op: str, refusal: str, req_id: str | None, variant: int) -> bytes:
    """The answer to a request: spot echoes an id or sends none, linear sends an empty one."""
    fine = op if variant == SPOT else ""
    reply: dict[str, object] = {"success": not refusal, "ret_msg": refusal or fine}
    reply["conn_id"] = _connection_id(client)
    if req_id is not None or variant == LINEAR:
        reply["req_id"] = req_id or ""
    return msgspec.json.encode(reply | {"op": op})


def pong(client: str, req_id: str | None, variant: int) -> bytes:
    """The answer to a ping."""
    reply: dict[str, object] = {"success": True, "ret_msg": "pong"}
    reply["conn_id"] = _connection_id(client)
    if req_id is not None or variant == LINEAR:
        reply["req_id"] = req_id or ""
    return msgspec.json.encode(reply | {"op": "ping"})


def _connection_id(client: str) -> str:
    number = zlib.crc32(client.encode())
    return f"d9avt{number:015d}-{number % 99_991:05x}"


def _message(topic: str, kind: str, ts: int, rest: str, variant: int) -> bytes:
    if variant == SPOT:
        return f'{{"topic":"{topic}","ts":{ts},"type":"{kind}",{rest}}}'.encode()
    return f'{{"topic":"{topic}","type":"{kind}","ts":{ts},{rest}}}'.encode()


def _turnover(listing: Listing) -> str:
    spec = listing.spec
    return decimal_text(listing.turnover, spec.price_decimals + spec.size_decimals)
