"""What `--symbols` and `--feeds` of `record` mean: patterns by exchange, and feeds.

    coinbase:BTC-USD, kraken:BTC/*    symbols as an exchange spells them, or patterns of them
    BTC-USD                           what is called so, wherever it is listed: the venues are asked

Everything else that is wrong with them is said by the configuration that they become a part of.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tick_logger.cli.reading import names, say
from tick_logger.errors import ConfigError

if TYPE_CHECKING:
    from tick_logger.config.chosen import Chosen


def chosen(
    config: Path | None, symbols: Sequence[str] | None, feeds: Sequence[str] | None
) -> Chosen | None:
    """What was chosen, None if nothing was; raises `ConfigError`."""
    from tick_logger.config.chosen import Chosen

    wanted, words = names(symbols), names(feeds)
    if symbols is not None and not wanted:
        raise ConfigError([("--symbols", "must name some symbols")])
    if feeds is not None and not words:
        raise ConfigError([("--feeds", "must name some feeds")])
    if not wanted and not words:
        return None
    return Chosen(
        symbols=_by_exchange(config, wanted) if wanted else None,
        feeds=_feeds(words) if words else None,
    )


def _feeds(words: Sequence[str]) -> list[str]:
    """Feeds by any word for their table; an unknown one as it is, to be refused with the others."""
    from tick_logger.model.tables import FEED_OF, FEEDS
    from tick_logger.reader.tables import table_named

    found = []
    for word in words:
        try:
            found.append(word if word in FEEDS else FEED_OF[table_named(word)])
        except ValueError:
            found.append(word)
    return list(dict.fromkeys(found))


def _by_exchange(config: Path | None, wanted: Sequence[str]) -> dict[str, list[str]]:
    from tick_logger.config.rules import hint, listed
    from tick_logger.exchanges import registry

    found: dict[str, dict[str, None]] = {}
    normal = []
    problems = []
    for text in wanted:
        exchange, colon, pattern = text.partition(":")
        if not colon:
            normal.append(text)
        elif not registry.knows(exchange):
            known = f"available: {listed(registry.available())}"
            near = hint(exchange, registry.available())
            problems.append(("--symbols", f"no exchange named {exchange}; {known}{near}"))
        elif not pattern:
            problems.append(("--symbols", f'"{text}" names no symbol'))
        else:
            found.setdefault(exchange, {})[pattern] = None
    if problems:
        raise ConfigError(problems)
    for exchange, symbol in _listed(config, normal) if normal else ():
        found.setdefault(exchange, {})[symbol] = None
    return {exchange: list(patterns) for exchange, patterns in found.items()}


def _listed(config: Path | None, wanted: Sequence[str]) -> list[tuple[str, str]]:
    """Where names are listed as traded now, of all exchanges that can be asked."""
    from tick_logger.cli.arguments import load_config
    from tick_logger.cli.online import listed_now
    from tick_logger.cli.pairs import say_are
    from tick_logger.config.symbols import load_symbol_rules
    from tick_logger.exchanges import registry
    from tick_logger.model.symbols import SymbolMapper

    mappings = load_config(config, None).logger.symbol_mappings
    rules = load_symbol_rules(mappings, registry.available())
    asked = listed_now(config, rules)
    for exchange, why in asked.failures.items():
        say(f"{exchange} could not be asked for {', '.join(wanted)}: {why}")
    mapper = SymbolMapper(asked.instruments, rules)
    found, problems = [], []
    for text in wanted:
        every = [each for name in mapper.spelled(text) for each in mapper.find(name)]
        active = [(each.exchange, each.symbol) for each in every if each.active]
        found += active
        if active:
            say_are(text, [f"{exchange}:{symbol}" for exchange, symbol in active])
        else:
            hint = "give it with its exchange, such as exchange:SYMBOL"
            where = "listed on no exchange that could be asked"
            problems.append(("--symbols", f'"{text}" is {where}; {hint}'))
    if problems:
        raise ConfigError(problems)
    return found
