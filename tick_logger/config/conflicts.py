"""What several keys must be together: combinations that cannot work, each with its key and reason.

What a single key may be stands beside it in the schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import attrs

from tick_logger.config.books import book_conflicts
from tick_logger.config.rules import listed, quoted
from tick_logger.config.schema import (
    ArchiveConfig,
    ExchangeConfig,
    LoggerConfig,
    VenueDefaults,
)
from tick_logger.model.tables import FEEDS

Conflict: TypeAlias = tuple[str, str]
"""The key, within its section, and what is wrong."""


def _of_logger(logger: LoggerConfig) -> Iterator[Conflict]:
    waiting_secs = (logger.linger_ms + logger.read_coalesce_ms) / 1000
    if waiting_secs > logger.persist_interval_secs / 2:
        yield (
            "persist_interval_secs",
            f"{logger.persist_interval_secs:g} s cannot be kept: linger_ms and read_coalesce_ms "
            f"hold frames for {waiting_secs:g} s already, and may take half of it",
        )


def _of_archive(archive: ArchiveConfig) -> Iterator[Conflict]:
    bucket = archive.s3
    if archive.mode in ("s3", "both") and not bucket.bucket:
        yield "s3.bucket", f"is empty, and mode {quoted(archive.mode)} keeps objects in a bucket"
    if archive.mode != "off" and not (archive.raw or archive.tables):
        why = f"mode {quoted(archive.mode)} has nothing to keep: raw and tables are both false"
        yield "mode", why
    if archive.keep_days and archive.mode == "off":
        why = (
            f"{archive.keep_days} days cannot be kept to: mode is off, so nothing is kept elsewhere"
        )
        yield "keep_days", why
    if archive.keep_days and archive.mode != "off" and not archive.tables:
        yield "keep_days", "without tables no day is kept elsewhere, and so none may go"
    if bucket.retry_initial_secs > bucket.retry_max_secs:
        yield (
            "s3.retry_initial_secs",
            f"{bucket.retry_initial_secs:g} is more than retry_max_secs, "
            f"{bucket.retry_max_secs:g}: waits can only grow",
        )


_RULES: Mapping[type, Callable[[Any], Iterator[Conflict]]] = {
    ArchiveConfig: _of_archive,
    LoggerConfig: _of_logger,
}
"""By class of the section; one that is not here has no such rules."""


def conflicts(section: attrs.AttrsInstance) -> Iterator[Conflict]:
    """What does not go together in a section whose single values are right."""
    rule = _RULES.get(type(section))
    return iter(()) if rule is None else rule(section)


def exchange_conflicts(section: Mapping[str, Any], venue: VenueDefaults) -> Iterator[Conflict]:
    """Those of an exchange, found in raw values so that no other error hides them."""
    fields = attrs.fields(ExchangeConfig)
    initial = section.get("reconnect_initial_secs", fields.reconnect_initial_secs.default)
    longest = section.get("reconnect_max_secs", fields.reconnect_max_secs.default)
    if isinstance(initial, int | float) and isinstance(longest, int | float) and initial > longest:
        why = f"{initial} is more than reconnect_max_secs, {longest}: waits can only grow"
        yield "reconnect_initial_secs", why
    yield from _too_many(section, venue)
    yield from _not_offered(section.get("feeds"), "feeds", venue)
    yield from book_conflicts(section, venue)
    markets = section.get("markets")
    for index, market in enumerate(markets if isinstance(markets, list) else ()):
        if not isinstance(market, dict):
            continue
        yield from _not_offered(market.get("feeds"), f"markets[{index}].feeds", venue)
        if set(market) == {"symbols"}:
            yield (
                f"markets[{index}]",
                "changes nothing: give feeds, books, data_timeout_secs, redundancy or endpoints",
            )


def _too_many(section: Mapping[str, Any], venue: VenueDefaults) -> Iterator[Conflict]:
    """More subscriptions on a connection than the exchange takes would be refused by it."""
    limit = venue.subscriptions_per_connection
    default = attrs.fields(ExchangeConfig).symbols_per_connection.default
    symbols = section.get("symbols_per_connection", default)
    markets = section.get("markets")
    lists = [section.get("feeds"), *(m.get("feeds") for m in _tables(markets))]
    feeds = max((len(feeds) for feeds in lists if isinstance(feeds, list)), default=0)
    if section.get("feeds_per_connection") == "apart":
        feeds = min(feeds, 1)
    if limit is not None and isinstance(symbols, int) and symbols * feeds > limit:
        why = f"{symbols} symbols with {feeds} feeds are {symbols * feeds} subscriptions"
        yield "symbols_per_connection", f"{why}; the exchange takes {limit} on a connection"


def _tables(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _not_offered(feeds: object, path: str, venue: VenueDefaults) -> Iterator[Conflict]:
    for index, feed in enumerate(feeds if isinstance(feeds, list) else ()):
        if isinstance(feed, str) and feed in FEEDS and feed not in venue.feeds:
            offered = listed(sorted(venue.feeds))
            yield f"{path}[{index}]", f"this exchange has no feed {quoted(feed)}; it has: {offered}"
