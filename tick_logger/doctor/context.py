"""What the program's connections need, put together for a look at one exchange, which records
nothing: its adapter, intake, REST client and pace.
"""

from __future__ import annotations

import os
from random import Random

from tick_logger.budget import ByteBudget
from tick_logger.clock import WallClock
from tick_logger.config.markets import entrances
from tick_logger.config.schema import ExchangeConfig
from tick_logger.exchanges.base import Exchange
from tick_logger.model.instruments import Instruments
from tick_logger.model.wanted import WantedTables
from tick_logger.net.address import Address
from tick_logger.net.approach import Approach, Purpose
from tick_logger.net.connection.accesses import Access, Elsewhere
from tick_logger.net.connection.context import VenueContext
from tick_logger.net.intake.intake import Intake
from tick_logger.net.reach import Reach
from tick_logger.net.rest.client import RestClient
from tick_logger.net.wire.dial import Dial
from tick_logger.net.wire.signing import signer_from_environ
from tick_logger.telemetry.metrics import Metrics

BUFFER_BYTES = 64 * 2**20
"""What is received within a look and waits to be decoded: a moment's."""

LINGER_SECS = 0.02


def context_of(
    exchange: Exchange, config: ExchangeConfig, dial: Dial, clock: WallClock
) -> VenueContext:
    """As `venues` does it for a recording; raises `ConfigError` if the user's key is no key."""
    metrics, instruments = Metrics.unserved().exchange(exchange.name), Instruments()
    profile = exchange.profile
    address = Address(profile.rest_weight_per_minute, config.connects_per_second, profile.ban_secs)
    rest, connects = (
        Approach(exchange.name, address, purpose, clock=clock, metrics=metrics)
        for purpose in (Purpose.REST, Purpose.CONNECTIONS)
    )
    intake = Intake(
        exchange,
        instruments,
        WantedTables(),
        budget=ByteBudget(BUFFER_BYTES),
        linger_secs=LINGER_SECS,
        metrics=metrics,
        on_bug=lambda: None,  # the intake raises it at its end
    )
    reach = Reach(exchange.name, clock)  # what cannot be reached has a line here

    def access(ws_endpoint: str, rest_endpoint: str) -> Access:
        root = exchange.rest_root(rest_endpoint)
        return Access(ws_endpoint, RestClient(root, dial, rest, reach), connects)

    others, number_of = entrances(config)
    prefix = exchange.key_prefix
    return VenueContext(
        exchange=exchange,
        ws_endpoint=config.ws_endpoint,
        instruments=instruments,
        intake=intake,
        dial=dial,
        rest=access(config.ws_endpoint, config.rest_endpoint).rest,
        reach=reach,
        connects=connects,
        max_message_bytes=config.max_message_mib * 2**20,
        elsewhere=Elsewhere([access(*each) for each in others], number_of),
        clock=clock,
        rng=Random(),
        metrics=metrics,
        signer=signer_from_environ(os.environ, prefix, clock=clock) if prefix else None,
    )
