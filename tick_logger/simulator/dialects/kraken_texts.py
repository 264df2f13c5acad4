"""The messages of Kraken's WebSocket v2 and its listing, written as the venue writes them.

Numbers are bare and have all decimals of the tick or the lot, zeros at the end included: checksums
are over these digits.  Answers have their keys in alphabetical order, data has not.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tick_logger.simulator.book import Level
from tick_logger.simulator.listing import Listing, Quote, Trade
from tick_logger.simulator.symbols import SymbolSpec, decimal_text

HEARTBEAT = b'{"channel":"heartbeat"}'
PROXY_NOTICE = b"CloudFlare WebSocket proxy restarting"

_CHECKED_LEVELS = 10
_ANSWER_NS = 42_000  # how long a request is worked on
OLD_NAMES = {"BTC": "XBT", "DOGE": "XDG"}


def moment(time_ns: int) -> str:
    """A time in UTC, with microseconds."""
    second, nanos = divmod(time_ns, 10**9)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
    return f"{whole}.{nanos // 1000:06d}Z"


def status(connection_id: int, system: str = "online") -> bytes:
    """The `status` message that greets a connection."""
    return (
        f'{{"channel":"status","type":"update","data":[{{"version":"2.0.10","system":"{system}",'
        f'"api_version":"v2","connection_id":{connection_id},"upcoming_maintenance":[],'
        f'"emergency":[]}}]}}'
    ).encode()


def trades(kind: str, spec: SymbolSpec, entries: Iterable[Trade]) -> bytes:
    """A `trade` message of one symbol: a snapshot, or an update with the fills of one order."""
    listed = ",".join(
        f'{{"symbol":"{spec.symbol}","side":"{"buy" if trade.taker_buys else "sell"}",'
        f'"price":{spec.price(trade.ticks)},"qty":{spec.size(trade.lots)},'
        f'"ord_type":"{"limit" if trade.taker_order % 3 else "market"}",'
        f'"trade_id":{trade.trade_id},"timestamp":"{moment(trade.time_ns)}"}}'
        for trade in entries
    )
    return f'{{"channel":"trade","type":"{kind}","data":[{listed}]}}'.encode()


def ticker(kind: str, quote: Quote, last: Trade) -> bytes:
    """A `ticker` message: the best prices of a moment, the last trade by then, and the day."""
    listing, spec = quote.listing, quote.listing.spec
    gain = last.ticks - listing.open_ticks
    sign = "-" if gain < 0 else ""
    per_myriad = abs(gain) * 10_000 // listing.open_ticks
    return (
        f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{spec.symbol}",'
        f'"bid":{spec.price(quote.bid_ticks)},"bid_qty":{spec.size(quote.bid_lots)},'
        f'"ask":{spec.price(quote.ask_ticks)},"ask_qty":{spec.size(quote.ask_lots)},'
        f'"last":{spec.price(last.ticks)},"volume":{spec.size(listing.volume_lots)},'
        f'"vwap":{spec.price(listing.turnover // listing.volume_lots)},'
        f'"low":{spec.price(listing.low_ticks)},"high":{spec.price(listing.high_ticks)},'
        f'"change":{sign}{spec.price(abs(gain))},"change_pct":{sign}{decimal_text(per_myriad, 2)},'
        f'"trades":{last.trade_id - listing.first_id},"timestamp":"{moment(quote.time_ns)}"}}]}}'
    ).encode()


def book(
    kind: str,
    spec: SymbolSpec,
    changes: tuple[Sequence[Level], Sequence[Level]],
    after: tuple[Sequence[Level], Sequence[Level]] | None,
    time_ns: int,
) -> bytes:
    """A `book` message: bids and asks, with the checksum of both sides (best first) afterwards.

    If these are not given there is none.
    """
    bids, asks = (
        ",".join(
            f'{{"price":{spec.price(ticks)},"qty":{spec.size(lots)}}}' for ticks, lots in levels
        )
        for levels in changes
    )
    summed = "" if after is None else f'"checksum":{checksum(spec, *after)},'
    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{spec.symbol}","bids":[{bids}],'
        f'"asks":[{asks}],{summed}"timestamp":"{moment(time_ns)}"}}]}}'
    ).encode()


def checksum(spec: SymbolSpec, bids: Sequence[Level], asks: Sequence[Level]) -> int:
    """CRC32 of the digits of the best levels, asks first, without the zeros that lead them."""
    numbers = [
        text
        for levels in (asks, bids)
        for ticks, lots in levels[:_CHECKED_LEVELS]
        for text in (spec.price(ticks), spec.size(lots))
    ]
    digits = "".join(text.replace(".", "").lstrip("0") for text in numbers)
    return zlib.crc32(digits.encode())


def answer(now_ns: int, **fields: Any) -> bytes:  # noqa: ANN401 (whatever JSON can hold)
    """An answer to a request: these fields but those that are None, and the times."""
    times = {"time_in": moment(now_ns), "time_out": moment(now_ns + _ANSWER_NS)}
    given = {key: value for key, value in (fields | times).items() if value is not None}
    return msgspec.json.encode(dict(sorted(given.items())))


def asset_pairs(listings: Iterable[Listing]) -> bytes:
    """AssetPairs: each pair under an old name, and one dark pool, which has no other name."""
    result: dict[str, Mapping[str, object]] = {}
    for listing in listings:
        pair = _pair(listing)
        result[str(pair["altname"])] = pair
        if not any(name.endswith(".d") for name in result):
            dark = {key: value for key, value in pair.items() if key != "wsname"}
            result[f"{pair['altname']}.d"] = dark | {"altname": f"{pair['altname']}.d"}
    return msgspec.json.encode({"error": [], "result": result}).replace(b"/", b"\\/")


def error(text: str) -> bytes:
    """The body of a REST request that failed; its HTTP status is 200 all the same."""
    return msgspec.json.encode({"error": [text]})


def _pair(listing: Listing) -> dict[str, object]:
    spec = listing.spec
    base, quote = (OLD_NAMES.get(name, name) for name in (spec.base, spec.quote))
    return {
        "altname": base + quote,
        "wsname": f"{base}/{quote}",
        "aclass_base": "currency",
        "base": base,
        "aclass_quote": "currency",
        "quote": quote,
        "lot": "unit",
        "cost_decimals": 5,
        "pair_decimals": spec.price_decimals,
        "lot_decimals": spec.size_decimals,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, 0.4], [10000, 0.35]],
        "fees_maker": [[0, 0.25], [10000, 0.2]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": decimal_text(1, spec.size_decimals),
        "costmin": "0.5",
        "tick_size": decimal_text(1, spec.price_decimals),
        "status": "online" if listing.active else "delisted",
    }
