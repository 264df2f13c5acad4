"""The simulated venues of one case, in a process of their own that obeys JSON lines.

    python -m scripts.faults_rig.venues '{"venues": ["okx"], "rate": 1000, …}'

It says `{"ports": …}` and then answers each line of its standard input with one of its own.  Each
venue trades one symbol, about `rate` trades a second, and knows what it traded.
"""

from __future__ import annotations

import inspect
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import trio

from scripts.faults_rig.network import Door, Line, server_contexts
from tick_logger.clock import SystemClock
from tick_logger.simulator.exchange import Settings, SimulatedExchange
from tick_logger.simulator.faults import Faults
from tick_logger.simulator.listing import Trade
from tick_logger.simulator.market import Market
from tick_logger.simulator.registry import DIALECTS

BOOK_LEVELS = 20
MOST_TRADES = 2_000_000  # that are remembered: half an hour at the usual rate
PROBE_SECS, PROBE_STEP_SECS, PROBE_RATE = 4.0, 0.01, 1000.0


def symbol_of(venue: str) -> str:
    """The symbol that a venue trades."""
    return DIALECTS[venue].symbols[0]


def message_rate(venue: str, trades_per_second: float, seed: int) -> float:
    """How many messages a second make so many trades, by trying the same market."""
    kind, now_ns, trades = DIALECTS[venue], time.time_ns(), 0
    market = Market(
        [kind.spec(symbol_of(venue))], kind.cost, seed=seed, levels=BOOK_LEVELS, now_ns=now_ns
    )
    for _ in range(round(PROBE_SECS / PROBE_STEP_SECS)):
        now_ns += round(PROBE_STEP_SECS * 1e9)
        events = market.step(now_ns, PROBE_STEP_SECS, PROBE_RATE)
        trades += sum(isinstance(event, Trade) for event in events)
    return trades_per_second * PROBE_RATE * PROBE_SECS / trades


class Exchange(SimulatedExchange):
    """A venue that can be made to stop trading while it goes on in all other ways."""

    def fall_silent(self) -> None:
        """Trade no more; what was traded is sent."""
        self._rate = 0.0


class Venues:
    """All venues of a case, and what can be done to them."""

    def __init__(self, asked: Mapping[str, Any], nursery: trio.Nursery) -> None:
        self._asked = asked
        self._nursery = nursery
        self._contexts = server_contexts(asked["folder"]) if asked["tls"] else None
        self.exchanges: dict[str, Exchange] = {}
        self.doors: dict[str, Door] = {}  # of market data
        self.rest_doors: dict[str, Door] = {}  # most venues have another host for it
        self._frozen: list[Line] = []

    async def open(self) -> dict[str, Any]:
        """Begin to trade and to accept connections; what is to be said of it."""
        asked, ports, rest_ports = self._asked, {}, {}
        context = self._contexts[0] if self._contexts else None
        for number, name in enumerate(asked["venues"]):
            exchange = self.exchanges[name] = Exchange(
                name,
                symbols=(symbol_of(name),),
                messages_per_second=message_rate(name, asked["rate"], number),
                clock=SystemClock(),
                seed=number,
                settings=Settings(
                    book_levels=BOOK_LEVELS,
                    truth_trades_per_symbol=MOST_TRADES,
                    lifetime_secs=asked.get("lifetime_secs"),
                ),
            )
            door = self.doors[name] = Door(exchange.serve_stream, self._nursery, context)
            rest = self.rest_doors[name] = Door(exchange.serve_stream, self._nursery, context)
            ports[name] = await door.open(asked.get("port", 0))
            rest_ports[name] = await rest.open()
            await self._nursery.start(exchange.run_market)
        authority = self._contexts[2] if self._contexts else ""
        return {"ports": ports, "rest_ports": rest_ports, "authority": authority}

    async def do(self, what: str, order: Mapping[str, Any]) -> dict[str, Any]:
        """Obey; returns the answer."""
        answer = getattr(self, f"_do_{what}")(order)
        if inspect.isawaitable(answer):
            answer = await answer
        return answer or {}

    def _all_doors(self) -> list[Door]:
        return [*self.doors.values(), *self.rest_doors.values()]

    # -- orders -----------------------------------------------------------------------------------

    def _each_line(self, order: Mapping[str, Any], act: Callable[[Line], None]) -> None:
        for door in self.doors.values():
            for line in door.hit(one=order.get("one", False)):
                act(line)

    def _do_reset(self, order: Mapping[str, Any]) -> None:
        self._each_line(order, lambda line: line.reset())

    def _do_fin(self, order: Mapping[str, Any]) -> None:
        self._each_line(order, lambda line: line.fin())

    def _do_freeze(self, order: Mapping[str, Any]) -> None:
        def freeze(line: Line) -> None:
            line.freeze()
            self._frozen.append(line)

        self._each_line(order, freeze)

    def let_go(self) -> None:
        """Nobody holds a frozen connection any more."""
        for line in self._frozen:
            line.thaw()

    def _do_down(self, order: Mapping[str, Any]) -> None:
        for door in self._all_doors():
            door.close()
            for line in door.hit(one=False):
                line.reset()

    async def _do_up(self, order: Mapping[str, Any]) -> None:
        for door in self._all_doors():
            await door.open()

    def _do_certificate(self, order: Mapping[str, Any]) -> None:
        assert self._contexts is not None
        for door in self._all_doors():
            good, bad, _ = self._contexts
            door.context = good if order["good"] else bad

    def _do_misbehave(self, order: Mapping[str, Any]) -> None:
        """The simulator's own faults; `silent` stands for the symbol of each venue."""
        for name, exchange in self.exchanges.items():
            silent = frozenset({symbol_of(name)} if order.get("silent") else ())
            exchange.set_faults(Faults(silent_symbols=silent, **order.get("faults", {})))

    def _do_quiet(self, order: Mapping[str, Any]) -> None:
        for exchange in self.exchanges.values():
            exchange.fall_silent()

    def _do_look(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """By venue: connections accepted and carrying, whether a trade was sent, broken rules."""
        return {
            name: {
                "accepted": self.doors[name].accepted,
                "carrying": len(self.doors[name].carrying),
                "told": any(each.subscribed for each in exchange.truth.kept(symbol_of(name))[-1:]),
                "violations": exchange.violations[:3],
            }
            for name, exchange in self.exchanges.items()
        }

    def _do_truth(self, order: Mapping[str, Any]) -> None:
        """Write what was traded to a file of numpy's."""
        columns: dict[str, Any] = {}
        for name, exchange in self.exchanges.items():
            trades = exchange.truth.trades(symbol_of(name))
            columns[f"{name} ids"] = np.array([each.trade_id for each in trades], np.uint64)
            told = [each.subscribed and not each.withheld for each in trades]
            columns[f"{name} told"] = np.array(told, np.bool_)
        np.savez(order["path"], **columns)


async def serve(asked: Mapping[str, Any]) -> None:
    """Until standard input ends."""
    async with trio.open_nursery() as nursery:
        venues = Venues(asked, nursery)
        _say(await venues.open())
        orders = trio.lowlevel.FdStream(sys.stdin.fileno())
        rest = b""
        async for data in orders:
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                order = json.loads(line)
                _say(await venues.do(order["do"], order))
        venues.let_go()
        nursery.cancel_scope.cancel("the case is over")


def _say(words: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    trio.run(serve, json.loads(sys.argv[1]))
