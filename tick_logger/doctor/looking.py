"""Looks at the machine and at all exchanges of a configuration, which are asked side by side."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import trio

from tick_logger.clock import SystemClock
from tick_logger.config.markets import book_wanted, books_wanted
from tick_logger.config.schema import Config, ExchangeConfig
from tick_logger.config.symbols import load_symbol_rules
from tick_logger.doctor.lines import Section, wrong
from tick_logger.doctor.machine import is_recorded, machine_lines, port_line
from tick_logger.doctor.venue import HASTY, VenueLook
from tick_logger.errors import ConfigError
from tick_logger.exchanges import registry
from tick_logger.model.symbol_rules import SymbolRules
from tick_logger.net.wire.dial import NetworkDial
from tick_logger.offload import ThreadOffload

MACHINE = "machine"


async def look(
    config: Config, *, most_secs: float, on_section: Callable[[Section], None]
) -> list[Section]:
    """Everything, in the order of the configuration; `on_section` gets each when it is known.

    Messages are waited for up to `most_secs` at each exchange.
    """
    found: dict[str, Section] = {}

    def tell(section: Section) -> None:
        found[section.name] = section
        on_section(section)

    recording = is_recorded(config.logger.data_path)
    lines = await ThreadOffload().run(lambda: machine_lines(config))
    tell(Section(MACHINE, [*lines, await port_line(config.http, recording=recording)]))
    enabled = {name: each for name, each in config.exchanges.items() if each.enabled}

    rules = load_symbol_rules(config.logger.symbol_mappings, registry.available())

    async def venue(name: str, own: ExchangeConfig) -> None:
        tell(await _venue(name, own, rules, most_secs))

    async with trio.open_nursery() as nursery:
        for name, own in enabled.items():
            nursery.start_soon(venue, name, own)
    return [found[name] for name in (MACHINE, *enabled)]


async def _venue(
    name: str, config: ExchangeConfig, rules: SymbolRules, most_secs: float
) -> Section:
    clock = SystemClock()
    try:
        dial = NetworkDial(clock, ca_file=config.ca_file, timeouts=HASTY)
    except ConfigError as error:
        (_, why), *_ = error.problems
        return Section(name, [wrong("ca_file", why, "name a file of certificates (PEM)")])
    async with dial:
        wanted_of = partial(book_wanted, config)
        exchange = registry.get(name).asking_for(wanted_of, books_wanted(config))
        lines = await VenueLook(exchange, config, dial, clock, rules).lines(most_secs)
    return Section(name, lines)
