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
from tick_logger.clock import SystemClock, WallClock
from tick_logger.errors import ConnectionLost
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Exchange, VenueError
from tick_logger.model.instruments import Instrument
from tick_logger.model.symbol_rules import SymbolRules
from tick_logger.model.symbols import MappedInstrument, map_instrument
from tick_logger.net.address import Address
from tick_logger.net.approach import Approach, Purpose
from tick_logger.net.reach import Reach
from tick_logger.net.rest.client import RestClient
from tick_logger.net.rest.listing import read_listing
from tick_logger.net.wire.dial import Dial, NetworkDial
from tick_logger.telemetry.metrics import Metrics

MOST_SECS = 30.0
"""For one venue with all its pages: whoever asks sits before a terminal."""

ONE_A_SECOND = 1.0
"""Connections that may be made; none is."""


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
    clock = SystemClock()

    async def ask(name: str, endpoint: str, ca_file: str) -> None:
        failures[name] = f"no answer within {MOST_SECS:g} s"
        with trio.move_on_after(MOST_SECS):
            try:
                async with NetworkDial(clock, ca_file=ca_file) as dial:
                    exchange = registry.get(name)
                    rest = _client(exchange, endpoint, dial, clock)
                    found[name] = (await read_listing(exchange, rest)).instruments
                del failures[name]
            except* (ConnectionLost, VenueError) as group:
                failures[name] = str(_first(group))

    async with trio.open_nursery() as nursery:
        for name, (endpoint, ca_file) in places.items():
            nursery.start_soon(ask, name, endpoint, ca_file)


def _client(exchange: Exchange, endpoint: str, dial: Dial, clock: WallClock) -> RestClient:
    """One that asks beside no recording, at the venue's pace."""
    profile = exchange.profile
    address = Address(profile.rest_weight_per_minute, ONE_A_SECOND, profile.ban_secs)
    metrics = Metrics.unserved().exchange(exchange.name)
    approach = Approach(exchange.name, address, Purpose.REST, clock=clock, metrics=metrics)
    root = exchange.rest_root(endpoint)
    return RestClient(root, dial, approach, Reach(exchange.name, clock))


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
