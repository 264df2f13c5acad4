"""What symbols are called on every exchange, beside each exchange's own spelling."""

from __future__ import annotations

import io
import json

import trio
from rich.console import Console
from trio.testing import MockClock

from tests.service.world import running, venue
from tick_logger.cli.presenter import View
from tick_logger.config.schema import HttpConfig
from tick_logger.simulator.faults import Faults
from tick_logger.telemetry.levels import Levels
from tick_logger.telemetry.logs import configure

HERE = "kraken"


async def test_numbers_and_lines_have_both_names(autojump_clock: MockClock) -> None:
    """From the listing on: a label of the numbers by symbol, a field of lines about a symbol."""
    known, refused = symbols = venue(HERE, 2).symbols
    pairs = {symbol: symbol.replace("/", "-") for symbol in symbols}
    faults = Faults(refused_symbols=frozenset({refused}))
    http = HttpConfig(enabled=False, metrics_by_symbol=True)
    async with running(venue(HERE, 2, simulated={"faults": faults}), http=http) as world:
        stream = io.StringIO()
        view = View(configure(Levels(), style="json", stream=stream), Console(file=stream), None)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(view.show, world.service)
            await world.until(30)
            nursery.cancel_scope.cancel()
        text = world.service.metrics.text().decode()
        shown = world.service._watched().pair_of
        assert {symbol: shown(HERE, symbol) for symbol in symbols} == pairs
    numbers = [line for line in text.splitlines() if f'symbol="{known}"' in line]
    assert len(numbers) >= 6
    assert all(f'symbol="{known}",pair="{pairs[known]}"}}' in line for line in numbers)
    lines = [json.loads(each) for each in stream.getvalue().splitlines() if each.startswith("{")]
    said = [line for line in lines if line["event"] == "subscription_refused"]
    assert said
    assert {(line["symbol"], line["pair"]) for line in said} == {(refused, pairs[refused])}
