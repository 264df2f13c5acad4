"""From a TOML file and the environment to a `Config`, or to every reason why not.

All problems are found in one go, each with the path of its key.  Loading reads the file and
touches nothing else.  Types are strict: a text that looks like a number is a text.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from tick_logger.config.chosen import Chosen
from tick_logger.config.conflicts import conflicts, exchange_conflicts
from tick_logger.config.entrances import adapter_named, with_pairs, with_words
from tick_logger.config.environ import Document, override, put
from tick_logger.config.places import with_home
from tick_logger.config.rules import described, hint, listed
from tick_logger.config.schema import (
    DEFAULT_FEEDS,
    Config,
    ExchangeConfig,
    VenueDefaults,
    sections,
)
from tick_logger.config.symbols import load_symbol_rules
from tick_logger.config.tokens import token_conflicts, without_secrets
from tick_logger.config.types import Problems, structure
from tick_logger.errors import ConfigError

_SECTIONS = tuple(field.name for field in attrs.fields(Config))


def load(
    path: Path | None,
    environ: Mapping[str, str],
    venues: Mapping[str, VenueDefaults],
    data_path: str | None = None,
    chosen: Chosen | None = None,
) -> Config:
    """The configuration of a file (None: built-in defaults), overridden by the environment.

    A file that names any exchange records those that it names; without one, or without a file,
    those of `venues` that are meant for it are recorded.  `data_path` and `chosen` are those of the
    command line, which beats both.  Raises `ConfigError` with every problem at once.
    """
    document = _read(path) if path is not None else {}
    if document.get("exchanges", {}) == {}:
        by_default = [name for name, venue in venues.items() if venue.recorded_by_default]
        document["exchanges"] = {name: {} for name in by_default}
    sections = document["exchanges"]
    names = {**venues, **sections} if isinstance(sections, dict) else venues
    origins, problems = override(document, environ, names)
    if data_path is not None:
        put(document, ("logger", "data_path"), data_path)
        origins["logger.data_path"] = "--data-path"
    if chosen is not None:
        origins |= chosen.put_into(document)
    config = _config(document, venues, problems)
    if problems:
        told = [(path, with_home(path, without_secrets(path, why))) for path, why in problems]
        raise ConfigError([(path, _with_origin(path, why, origins)) for path, why in told])
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
    asked = document["exchanges"]
    if not isinstance(asked, dict):
        problems.append(("exchanges", f"must be a table, not {described(asked)}"))
        asked = {}
    exchanges = {name: _exchange(name, each, venues, problems) for name, each in asked.items()}
    if asked and all(_is_off(section) for section in asked.values()):
        problems.append(("exchanges", "every exchange is disabled: there is nothing to record"))
    once: dict[str, Any] = {}
    for name, kind in sections().items():
        section = structure(kind, document.get(name, {}), name, problems) or kind()
        problems += [(f"{name}.{key}", why) for key, why in conflicts(section)]
        once[name] = section
    found = token_conflicts(
        once["http"], [*venues, *(name for name in asked if name not in venues)]
    )
    problems += [(f"http.{key}", why) for key, why in found]
    problems += _problems_of_mappings(document, venues)
    recorded = {name: exchange for name, exchange in exchanges.items() if exchange is not None}
    return Config(**once, exchanges=recorded)


def _exchange(
    name: str, section: object, venues: Mapping[str, VenueDefaults], problems: Problems
) -> ExchangeConfig | None:
    """The section of one exchange; None where a problem was added."""
    path = f"exchanges.{name}"
    adapter = adapter_named(name, section, venues)
    if not isinstance(adapter, str):
        key, why = adapter
        problems.append((f"{path}.{key}".rstrip("."), why))
        return None
    if not isinstance(section, dict):
        return structure(ExchangeConfig, section, path, problems)
    venue = venues[adapter]
    section, written, found = with_words(section, path)
    section = _venue_values(venue) | with_pairs(section, venue)
    found += [(f"{path}.{at}", why) for at, why in exchange_conflicts(section, venue)]
    exchange = structure(ExchangeConfig, section, path, found)
    problems += [(written.get(at, at), why) for at, why in found]
    return exchange


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


def _venue_values(venue: VenueDefaults) -> Document:
    return {
        "feeds": [feed for feed in DEFAULT_FEEDS if feed in venue.feeds],
        "connects_per_second": venue.connects_per_second,
    }


def _is_off(section: object) -> bool:
    return isinstance(section, dict) and section.get("enabled") is False
