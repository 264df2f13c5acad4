"""Which venue a section of exchanges is about, and by which entrance it is recorded.

A section named as an adapter is its venue, as it is usually entered.  Another name needs `adapter`,
and says by its beginning whose it is (`model.venue_names`).  Whoever gives one of the two endpoints
of a known entrance means the other one of it as well.  `base_url` is another logger's word for
either.

Works on raw values, before they are checked.  Not here: what an endpoint may be (`schema`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import attrs

from tick_logger.config.rules import described, hint, listed, quoted
from tick_logger.config.schema import ExchangeConfig, VenueDefaults
from tick_logger.model.venue_names import MOST_LETTERS, adapter_of, is_entrance

BASE_URL = "base_url"
_WS, _REST = "ws_endpoint", "rest_endpoint"
_ADAPTER = attrs.fields(ExchangeConfig).adapter.name

Raw: TypeAlias = dict[str, Any]
Problem: TypeAlias = tuple[str, str]


def adapter_named(name: str, section: object, venues: Mapping[str, VenueDefaults]) -> str | Problem:
    """The adapter of a section; or the key, within it, that is wrong, and why."""
    adapter = section.get(_ADAPTER, "") if isinstance(section, dict) else ""
    if not isinstance(adapter, str):
        return _ADAPTER, f"must be a text, not {described(adapter)}"
    if not adapter:
        return name if name in venues else ("", _unknown(name, venues))
    if adapter not in venues:
        return _ADAPTER, _unknown(adapter, venues)
    if name in venues and name != adapter:
        return _ADAPTER, f"{quoted(name)} is itself an exchange, and not {quoted(adapter)}"
    if name != adapter and adapter_of(name, venues) != adapter:
        return _ADAPTER, _misnamed(name, adapter, venues)
    return adapter


def _unknown(name: str, venues: Mapping[str, VenueDefaults]) -> str:
    reason = f"unknown exchange; available: {listed(tuple(venues))}"
    adapter = adapter_of(name, venues)
    if adapter is not None:
        return f"{reason}; another entrance of one says whose it is: adapter = {quoted(adapter)}"
    return f"{reason}{hint(name, venues)}"


def _misnamed(name: str, adapter: str, venues: Mapping[str, VenueDefaults]) -> str:
    if is_entrance(name, adapter):
        return f"{quoted(name)} is named as an entrance of {quoted(adapter_of(name, venues))}"
    return (
        f"an entrance of {adapter} must be called {adapter}_ and small letters, digits and "
        f"single _, such as {adapter}_2, {MOST_LETTERS} in all: files of it are read by that name"
    )


def with_words(section: Raw, path: str) -> tuple[Raw, dict[str, str], list[Problem]]:
    """The section with `base_url` under the name that it has here, in its markets as well.

    And by path of each such key the path that the user wrote; and what is wrong.
    """
    found = dict(section)
    written: dict[str, str] = {}
    problems: list[Problem] = []
    tables: list[tuple[str, Raw]] = [(path, found)]
    if isinstance(section.get("markets"), list):
        found["markets"] = [dict(m) if isinstance(m, dict) else m for m in section["markets"]]
        named = ((f"{path}.markets[{n}]", m) for n, m in enumerate(found["markets"]))
        tables += [(at, m) for at, m in named if isinstance(m, dict)]
    for at, table in tables:
        if BASE_URL not in table:
            continue
        value = table.pop(BASE_URL)
        key = _REST if isinstance(value, str) and value.startswith("http") else _WS
        if key in table:
            problems.append((f"{at}.{BASE_URL}", f"says the same as {key}: give one of them"))
            continue
        table[key] = value
        written[f"{at}.{key}"] = f"{at}.{BASE_URL}"
    return found, written, problems


def with_pairs(section: Raw, venue: VenueDefaults) -> Raw:
    """The section with both endpoints, of a known entrance where one of them was given."""
    usual = {_WS: venue.ws_endpoint, _REST: venue.rest_endpoint}
    paired: Raw = usual | _paired(section, venue) | section
    if isinstance(section.get("markets"), list):
        paired["markets"] = [
            _paired(each, venue) | each if isinstance(each, dict) else each
            for each in section["markets"]
        ]
    return paired


def _paired(table: Raw, venue: VenueDefaults) -> Raw:
    """The endpoint that belongs to the one that is given, where that is known."""
    if (_WS in table) == (_REST in table):
        return {}
    given, other = (_WS, _REST) if _WS in table else (_REST, _WS)
    host = _host(table[given])
    for pair in venue.entrances:
        known = dict(zip((_WS, _REST), pair, strict=True))
        if host and host == _host(known[given]):
            return {other: known[other]}
    return {}


def _host(endpoint: object) -> str | None:
    try:
        return urlsplit(endpoint).hostname if isinstance(endpoint, str) else None
    except ValueError:  # which is said where the endpoint is checked
        return None
