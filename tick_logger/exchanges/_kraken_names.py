"""How Kraken calls a pair by REST: asked for by old names, and answered under yet another one.

The name in an answer (`XXBTZUSD`) is no rule but a list; it is judged by what it can mean.
"""

from __future__ import annotations

from itertools import product
from urllib.parse import quote

_OLD_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
_PREFIXED_CHARS = 3
"""Of the names that the venue began with, to which it adds an X (coins) or a Z (money)."""


def pair_of(symbol: str) -> str:
    """The pair of a symbol (`BTC/USD`) as it is asked for in an address."""
    base, _, money = symbol.partition("/")
    return quote(_OLD_NAMES.get(base, base) + _OLD_NAMES.get(money, money), safe="")


def names_of(symbol: str) -> set[str]:
    """What the key of a pair may be: with old names or new ones, with or without prefixes."""
    base, slash, money = symbol.partition("/")
    return {
        first + sep + then
        for first, then, sep in product(*map(_spelled, (base, money)), ("", slash))
    }


def _spelled(name: str) -> set[str]:
    names = {name, _OLD_NAMES.get(name, name)}
    return names | {p + each for each in names for p in "XZ" if len(each) == _PREFIXED_CHARS}
