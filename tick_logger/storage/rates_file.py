"""The message rates of an exchange's streams, as a small file beside its data.

One JSON object, of the newest rates alone: a start plans connections by them, and nothing else
depends on it.  A file that cannot be read costs nothing but this memory.

    {"format": 1, "rates": {"BTCUSDT": {"ticker": 3.11, "trades": 12.5}}}

Pure: no file access.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

FORMAT = 1

MOST_SYMBOLS = 20_000
"""Several times what any exchange lists; of more the busiest are kept."""

MOST_BYTES = 8 * 2**20
"""A larger file is none of ours: so many symbols with four feeds take a quarter of it."""

MOST_PER_SECOND = 1e6
"""No stream brings more: what says so is damaged."""


class UnreadableRatesError(Exception):
    """A file has no rates, or is one of a newer version; the message says which."""


class _File(msgspec.Struct):
    format: int
    rates: dict[str, dict[str, float]]


class _Format(msgspec.Struct):
    format: int


def encode(rates: Mapping[str, Mapping[str, float]]) -> bytes:
    """The bytes of a file with these rates, by symbol and feed; equal rates give equal bytes."""
    chosen = sorted(rates, key=lambda symbol: (-sum(rates[symbol].values()), symbol))
    kept = {
        symbol: {feed: float(f"{rate:.3g}") for feed, rate in sorted(rates[symbol].items())}
        for symbol in sorted(chosen[:MOST_SYMBOLS])
    }
    return msgspec.json.encode(_File(FORMAT, kept)) + b"\n"


def decode(data: bytes) -> dict[str, dict[str, float]]:
    """The rates in a file; raises `UnreadableRatesError`."""
    try:
        version = msgspec.json.decode(data, type=_Format).format
        if version != FORMAT:
            raise UnreadableRatesError(f"format {version} is not {FORMAT}: of another version")
        rates = msgspec.json.decode(data, type=_File).rates
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableRatesError(f"no file of rates: {error}") from error
    every = [rate for feeds in rates.values() for rate in feeds.values()]
    if not all(math.isfinite(rate) and 0 <= rate <= MOST_PER_SECOND for rate in every):
        raise UnreadableRatesError("a rate in it is impossible")
    return rates
