"""Which recorded symbols a user means: an exact name, a pattern, or a normal name.

    coinbase:BTC-USD      this symbol, in its exchange's own spelling
    coinbase:BTC-*        a pattern (`*`, `?`, `[...]`), of exchanges too: *:*USDT
    BTC-USD               what is called so, wherever it is listed; also BTC/USD and btc_usd

A symbol that exists exactly as it is written is never taken for a pattern.  What means nothing that
is recorded is an error, which names what is near.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterator, Sequence

from tick_logger.model.symbol_rules import SymbolRules
from tick_logger.model.symbols import SymbolMapper
from tick_logger.reader.errors import NotRecordedError
from tick_logger.reader.source import Source, Symbol

MOST_NEAR = 5
"""Names that are offered for one that is not known."""

_PATTERN = re.compile(r"[*?\[]")


def meant(source: Source, names: str | Symbol | Sequence[str | Symbol]) -> tuple[Symbol, ...]:
    """The symbols of one name, or of several, without repetition, in order.

    Raises `NotRecordedError` for a name that means nothing here.
    """
    wanted = [names] if isinstance(names, str | Symbol) else list(names)
    if not wanted:
        raise ValueError("no symbols are asked for")
    return tuple(dict.fromkeys(symbol for name in wanted for symbol in _meant(source, name)))


def one_meant(source: Source, name: str | Symbol) -> Symbol:
    """The one symbol of a name; raises `ValueError`, which names them, if it means several."""
    found = meant(source, name)
    if len(found) > 1:
        raise ValueError(f"{name} means {', '.join(map(str, found))}: name one of them")
    return found[0]


def named(symbols: Sequence[Symbol]) -> str:
    """Symbols for people, in few words."""
    return str(symbols[0]) if len(symbols) == 1 else f"{len(symbols)} symbols"


def every(source: Source) -> Iterator[Symbol]:
    """All symbols of a source, sorted."""
    for exchange in source.exchanges():
        for symbol in source.symbols(exchange):
            yield Symbol(exchange, symbol)


def _meant(source: Source, name: str | Symbol) -> Sequence[Symbol]:
    exact = name if isinstance(name, Symbol) else _exact(name)
    if exact is not None and source.has(exact):
        return [exact]
    text = str(name)
    if source.has(Symbol("", text)):
        return [Symbol("", text)]
    found = _matching(source, text) if _PATTERN.search(text) else _named(source, text)
    if not found:
        raise NotRecordedError(_nothing(source, text))
    return found


def _exact(text: str) -> Symbol | None:
    exchange, colon, symbol = text.partition(":")
    return Symbol(exchange, symbol) if colon else None


def _matching(source: Source, pattern: str) -> list[Symbol]:
    """By pattern; without an exchange, of all."""
    exchanges, colon, symbols = pattern.partition(":")
    if not colon:
        exchanges, symbols = "*", pattern
    return [
        Symbol(exchange, symbol)
        for exchange in source.exchanges()
        if fnmatch.fnmatchcase(exchange, exchanges)
        for symbol in source.symbols(exchange)
        if fnmatch.fnmatchcase(symbol, symbols)
    ]


def _named(source: Source, text: str) -> list[Symbol]:
    """By normal name; with an exchange before it, there only."""
    exchange, colon, name = text.partition(":")
    if exchange not in source.exchanges():  # a colon may be part of a name
        colon, name = "", text
    mapper = SymbolMapper(source.instruments(), SymbolRules())
    listed = (each for spelled in mapper.spelled(name) for each in mapper.find(spelled))
    symbols = {Symbol(each.exchange, each.symbol) for each in listed}
    if colon:
        symbols = {each for each in symbols if each.exchange == exchange}
    return sorted(symbol for symbol in symbols if source.has(symbol))


def _nothing(source: Source, text: str) -> str:
    exchange, colon, _ = text.partition(":")
    if colon and exchange and exchange not in source.exchanges() and not _PATTERN.search(exchange):
        there = ", ".join(source.exchanges()) or "none"
        return f"{source.name} has no exchange {exchange!r}; there are: {there}"
    known = {str(symbol) for symbol in every(source)}
    names = {each.name for each in source.instruments()}
    near = difflib.get_close_matches(text, [*known, *names], n=MOST_NEAR, cutoff=0.5)
    hint = f"; near are: {', '.join(near)}" if near else ""
    return f"nothing is recorded of {text!r} in {source.name}{hint}"
