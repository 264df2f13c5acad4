"""What exchanges list now: asked by REST, all at once, with the program's own way to reach them.

A venue that cannot be asked costs nothing but its own answer; why is told beside the others.

Not here: what a listing says in a venue's own words (`exchanges`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import attrs
import trio

from tick_logger.cli.arguments import load_config
from tick_logger.clock import SystemClock
from tick_logger.errors import ConnectionLost
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Exchange, VenueError
from tick_logger.model.instruments import Instrument
from tick_logger.model.symbol_rules import SymbolRules
from tick_logger.model.symbols import MappedInstrument, map_instrument
from tick_logger.net.wire.dial import NetworkDial
from tick_logger.net.wire.wording import excerpt, http_status

MOST_SECS = 30.0
"""For one venue with all its pages: whoever asks sits before a terminal."""

MOST_PAGES = 50
"""A longer listing is taken for one whose pages go round in circles."""


@attrs.frozen
class Asked:
    """What was heard, and why the others could not be asked, by exchange."""

    instruments: tuple[MappedInstrument, ...]
    failures: Mapping[str, str]


def listed_now(config: Path | None, rules: SymbolRules) -> Asked:
    """What each exchange lists: those of a configuration, all there are without one."""
    endpoints = {name: (registry.get(name).rest_endpoint, "") for name in registry.available()}
    configured = load_config(config, None).exchanges
    addresses = {name: (each.rest_endpoint, each.ca_file) for name, each in configured.items()}
    places = addresses if config is not None else endpoints | addresses
    found: dict[str, tuple[Instrument, ...]] = {}
    failures: dict[str, str] = {}
    trio.run(partial(_ask_all, places, found, failures))
    mapped = (map_instrument(name, each, rules) for name in sorted(found) for each in found[name])
    return Asked(tuple(mapped), dict(sorted(failures.items())))


async def _ask_all(
    places: Mapping[str, tuple[str, str]],
    found: dict[str, tuple[Instrument, ...]],
    failures: dict[str, str],
) -> None:
    async def ask(name: str, endpoint: str, ca_file: str) -> None:
        failures[name] = f"no answer within {MOST_SECS:g} s"
        with trio.move_on_after(MOST_SECS):
            try:
                async with NetworkDial(SystemClock(), ca_file=ca_file) as dial:
                    found[name] = await _listing(registry.get(name), endpoint, dial)
                del failures[name]
            except* (ConnectionLost, VenueError) as group:
                failures[name] = str(_first(group))

    async with trio.open_nursery() as nursery:
        for name, (endpoint, ca_file) in places.items():
            nursery.start_soon(ask, name, endpoint, ca_file)


async def _listing(exchange: Exchange, endpoint: str, dial: NetworkDial) -> tuple[Instrument, ...]:
    """All pages of a listing; raises `ConnectionLost` and `VenueError`."""
    url: str | None = exchange.listing_url(endpoint)
    found: list[Instrument] = []
    for _ in range(MOST_PAGES):
        assert url is not None
        answer = await dial.get(url)
        if answer.status != 200:
            raise VenueError(f"{http_status(answer.status)}: {excerpt(answer.body)}")
        found += exchange.read_listing(answer.body).instruments
        url = exchange.next_page(url, answer.body)
        if url is None:
            return tuple(found)
    raise VenueError(f"the listing has more than {MOST_PAGES} pages")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
