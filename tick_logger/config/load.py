"""From a TOML file and the environment to a `Config`, or to every reason why not.

All problems are found in one go, each with the path of its key.  Loading reads the file and
touches nothing else.  Types are strict: a text that looks like a number is a text.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from tick_logger.config.environ import Document, override, put
from tick_logger.config.rules import described, hint, listed, quoted
from tick_logger.config.schema import (
    DEFAULT_FEEDS,
    Config,
    ExchangeConfig,
    HttpConfig,
    LoggerConfig,
    VenueDefaults,
)
from tick_logger.config.symbols import load_symbol_rules
from tick_logger.config.types import Problems, structure
from tick_logger.errors import ConfigError
from tick_logger.model.tables import FEEDS

_SECTIONS = ("logger", "http", "exchanges")


def load(
    path: Path | None,
    environ: Mapping[str, str],
    venues: Mapping[str, VenueDefaults],
    data_path: str | None = None,
) -> Config:
    """The configuration of a file (None: built-in defaults), overridden by the environment.

    A file that names any exchange records those that it names; without one, or without a file,
    those of `venues` that are meant for it are recorded.  `data_path` is that of the command line,
    which beats both.  Raises `ConfigError` with every problem at once.
    """
    document = _read(path) if path is not None else {}
    if document.get("exchanges", {}) == {}:
        by_default = [name for name, venue in venues.items() if venue.recorded_by_default]
        document["exchanges"] = {name: {} for name in by_default}
    origins, problems = override(document, environ, venues)
    if data_path is not None:
        put(document, ("logger", "data_path"), data_path)
        origins["logger.data_path"] = "--data-path"
    config = _config(document, venues, problems)
    if problems:
        raise ConfigError([(path, _with_origin(path, why, origins)) for path, why in problems])
    return config


def _read(path: Path) -> Document:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))  # some editors begin with a BOM
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        reason = "is not UTF-8 text"
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, or a number beyond bounds
        reason = f"is not TOML: {error}"
    raise ConfigError([(str(path), reason)])


def _with_origin(path: str, reason: str, origins: Mapping[str, str]) -> str:
    for key, variable in origins.items():
        if path == key or path.startswith((f"{key}[", f"{key}.")):
            return f"{reason} (set by {variable})"
    return reason


def _config(document: Document, venues: Mapping[str, VenueDefaults], problems: Problems) -> Config:
    for key in sorted(document.keys() - set(_SECTIONS)):
        known = hint(key, _SECTIONS) or f"; there are {listed(_SECTIONS)}"
        problems.append((key, f"unknown section{known}"))
    sections = document["exchanges"]
    if not isinstance(sections, dict):
        problems.append(("exchanges", f"must be a table, not {described(sections)}"))
        sections = {}
    exchanges: dict[str, ExchangeConfig | None] = {}
    for name, section in sections.items():
        path = f"exchanges.{name}"
        if name not in venues:
            known = f"; available: {listed(tuple(venues))}{hint(name, venues)}"
            problems.append((path, f"unknown exchange{known}"))
            continue
        if isinstance(section, dict):
            section = _venue_values(venues[name]) | section
            problems += [(f"{path}.{at}", why) for at, why in _conflicts(section, venues[name])]
        exchanges[name] = structure(ExchangeConfig, section, path, problems)
    if sections and all(_is_off(section) for section in sections.values()):
        problems.append(("exchanges", "every exchange is disabled: there is nothing to record"))
    logger = structure(LoggerConfig, document.get("logger", {}), "logger", problems)
    logger = logger or LoggerConfig()
    waiting_secs = (logger.linger_ms + logger.read_coalesce_ms) / 1000
    if waiting_secs > logger.persist_interval_secs / 2:
        why = (
            f"{logger.persist_interval_secs:g} s cannot be kept: linger_ms and read_coalesce_ms "
            f"hold frames for {waiting_secs:g} s already, and may take half of it"
        )
        problems.append(("logger.persist_interval_secs", why))
    problems += _problems_of_mappings(document, venues)
    return Config(
        logger=logger,
        http=structure(HttpConfig, document.get("http", {}), "http", problems) or HttpConfig(),
        exchanges={name: exchange for name, exchange in exchanges.items() if exchange is not None},
    )


def _problems_of_mappings(document: Document, venues: Mapping[str, VenueDefaults]) -> Problems:
    """What is wrong within the file of symbol mappings, whatever else is wrong."""
    section = document.get("logger")
    path = section.get("symbol_mappings") if isinstance(section, dict) else None
    if not isinstance(path, str) or not Path(path).is_file():  # which is said already
        return []
    try:
        load_symbol_rules(path, venues)
    except ConfigError as error:
        return error.problems
    return []


# -- what concerns several keys of an exchange ----------------------------------------------------


def _venue_values(venue: VenueDefaults) -> Document:
    return {
        "ws_endpoint": venue.ws_endpoint,
        "rest_endpoint": venue.rest_endpoint,
        "feeds": [feed for feed in DEFAULT_FEEDS if feed in venue.feeds],
        "connects_per_second": venue.connects_per_second,
    }


def _is_off(section: object) -> bool:
    return isinstance(section, dict) and section.get("enabled") is False


def _too_many(section: Document, venue: VenueDefaults) -> Iterator[tuple[str, str]]:
    """More subscriptions on a connection than the exchange takes would be refused by it."""
    limit = venue.subscriptions_per_connection
    default = attrs.fields(ExchangeConfig).symbols_per_connection.default
    symbols = section.get("symbols_per_connection", default)
    markets = section.get("markets")
    lists = [section.get("feeds"), *(m.get("feeds") for m in _tables(markets))]
    feeds = max((len(feeds) for feeds in lists if isinstance(feeds, list)), default=0)
    if limit is not None and isinstance(symbols, int) and symbols * feeds > limit:
        why = f"{symbols} symbols with {feeds} feeds are {symbols * feeds} subscriptions"
        yield "symbols_per_connection", f"{why}; the exchange takes {limit} on a connection"


def _tables(value: object) -> list[Document]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _conflicts(section: Document, venue: VenueDefaults) -> Iterator[tuple[str, str]]:
    """Combinations that cannot work, found in raw values so that no other error hides them."""
    fields = attrs.fields(ExchangeConfig)
    initial = section.get("reconnect_initial_secs", fields.reconnect_initial_secs.default)
    longest = section.get("reconnect_max_secs", fields.reconnect_max_secs.default)
    if isinstance(initial, int | float) and isinstance(longest, int | float) and initial > longest:
        why = f"{initial} is more than reconnect_max_secs, {longest}: waits can only grow"
        yield "reconnect_initial_secs", why
    yield from _too_many(section, venue)
    yield from _not_offered(section.get("feeds"), "feeds", venue)
    markets = section.get("markets")
    for index, market in enumerate(markets if isinstance(markets, list) else ()):
        if not isinstance(market, dict):
            continue
        yield from _not_offered(market.get("feeds"), f"markets[{index}].feeds", venue)
        if set(market) == {"symbols"}:
            yield f"markets[{index}]", "changes nothing: give feeds or data_timeout_secs"


def _not_offered(feeds: object, path: str, venue: VenueDefaults) -> Iterator[tuple[str, str]]:
    for index, feed in enumerate(feeds if isinstance(feeds, list) else ()):
        if isinstance(feed, str) and feed in FEEDS and feed not in venue.feeds:
            offered = listed(sorted(venue.feeds))
            yield f"{path}[{index}]", f"this exchange has no feed {quoted(feed)}; it has: {offered}"
