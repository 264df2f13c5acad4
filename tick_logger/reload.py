"""A new configuration for a recorder that runs: what can change at once, and what cannot.

SIGHUP has the file read again.  A mistake in it changes nothing.  What a recorder records, and when
silence is a fault, changes at once; connections whose share does not change are not touched.  The
rest is named in the log, and takes a restart.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping

import attrs
import trio

from tick_logger.config.schema import Config, ExchangeConfig, LoggerConfig, sections
from tick_logger.errors import ConfigError
from tick_logger.net.venue.venue import Venue
from tick_logger.telemetry.logs import get_logger

LIVE_EXCHANGE_KEYS = frozenset(
    {
        "symbols", "feeds", "markets", "max_connections", "symbols_per_connection",
        "data_timeout_secs", "first_data_timeout_secs", "reconnect_initial_secs",
        "reconnect_max_secs", "redundancy", "backfill", "feeds_per_connection",
    }
)  # fmt: skip
LIVE_LOGGER_KEYS = ("log_level", "log_levels", "log_file_level")
LIVE_KEYS = frozenset(f"logger.{key}" for key in LIVE_LOGGER_KEYS)
"""Of the other sections."""


AT_START_MARKET_KEYS = ("ws_endpoint", "rest_endpoint", "book_depth", "book_interval_ms")
"""Of markets, whose other keys change at once."""


@attrs.frozen
class Difference:
    """Between two configurations: paths of keys, such as `logger.log_level`."""

    live: tuple[str, ...]
    needs_restart: tuple[str, ...]


def difference(old: Config, new: Config) -> Difference:
    """What has changed, sorted by whether it can be applied to what runs."""
    live: list[str] = []
    other: list[str] = []
    for section in sections():
        for key in _changed(getattr(old, section), getattr(new, section)):
            path = f"{section}.{key}"
            (live if path in LIVE_KEYS else other).append(path)
    for name in sorted(old.exchanges.keys() | new.exchanges.keys()):
        before, after = old.exchanges.get(name), new.exchanges.get(name)
        if before is None or after is None:
            other.append(f"exchanges.{name}")
            continue
        if before.enabled and after.enabled and _of_start(before) != _of_start(after):
            other.append(f"exchanges.{name}.markets")
        for key in _changed(before, after):
            can = key in LIVE_EXCHANGE_KEYS and before.enabled and after.enabled
            (live if can else other).append(f"exchanges.{name}.{key}")
    return Difference(tuple(live), tuple(other))


def _of_start(exchange: ExchangeConfig) -> list[tuple[object, ...]]:
    """What holds of markets for as long as a process runs, and of which symbols."""
    keys = AT_START_MARKET_KEYS
    found = [(each.symbols, *(getattr(each, key) for key in keys)) for each in exchange.markets]
    return [each for each in found if any(value is not None for value in each[1:])]


def _changed(old: attrs.AttrsInstance, new: attrs.AttrsInstance) -> Iterator[str]:
    for field in attrs.fields(type(old)):
        if getattr(old, field.name) != getattr(new, field.name):
            yield field.name


@attrs.define
class Reloader:
    """Applies new configurations to a recorder; `load` reads one, or raises `ConfigError`."""

    config: Config  # what runs
    load: Callable[[], Config]
    venues: Mapping[str, Venue]
    set_levels: Callable[[LoggerConfig], None]

    async def run(self) -> None:
        """Reload at each SIGHUP, until cancelled."""
        with trio.open_signal_receiver(signal.SIGHUP) as signals:
            async for _ in signals:
                self.reload()

    def reload(self) -> None:
        """Read the configuration, and apply of it what can be applied."""
        log = get_logger()
        try:
            new = self.load()
        except ConfigError as error:
            problems = [f"{path}: {reason}" for path, reason in error.problems]
            log.error("reload_refused", problems=problems, explanation="nothing has changed")
            return
        found = difference(self.config, new)
        self.set_levels(new.logger)
        exchanges = dict(self.config.exchanges)
        for name, venue in self.venues.items():
            if name in new.exchanges:
                exchanges[name] = _with_live_keys(exchanges[name], new.exchanges[name])
                if exchanges[name] != self.config.exchanges[name]:
                    venue.reconfigure(exchanges[name])
        levels = {key: getattr(new.logger, key) for key in LIVE_LOGGER_KEYS}
        logger = attrs.evolve(self.config.logger, **levels)
        self.config = attrs.evolve(self.config, logger=logger, exchanges=exchanges)
        log.info("reloaded", changed=list(found.live))
        if found.needs_restart:
            log.warning(
                "reload_needs_restart",
                keys=list(found.needs_restart),
                explanation="these hold from the next start on",
            )


def _with_live_keys(old: ExchangeConfig, new: ExchangeConfig) -> ExchangeConfig:
    if not (old.enabled and new.enabled):
        return old
    return attrs.evolve(old, **{key: getattr(new, key) for key in LIVE_EXCHANGE_KEYS})
