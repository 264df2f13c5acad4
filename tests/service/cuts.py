"""Cuts of one of two lines, many of them, at the rate of a busy venue, in virtual time.

    scripts/cuts --cuts 10000

One life is one venue with all of its feeds on two lines, of which one is cut again and again, drawn
from a seed.  Printed is what was sent, what is missing, doubled or told as missing, and for books
that one line leads, how long each take-over may have left out.  Exit code 1 if anything is missing.

Invariant: what is said of trades comes from the venue's truth.  Not here: rows of other tables are
judged one by one in simulated lives (`tests.sim`).
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import traceback
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from random import Random
from typing import Any

import attrs
import numpy as np
import trio

from tests.service.oracle import gaps, rows
from tests.service.world import Venue, World, in_virtual_time, running, venue
from tick_logger.exchanges import registry
from tick_logger.simulator.registry import DIALECTS
from tick_logger.simulator.session import Session

EVERY = sorted(DIALECTS)
TABLES = {"ticker": "MD", "trades": "TRADES", "quotes": "QUOTES", "orderbook": "BOOK"}
SECOND_NS = 10**9
BESIDE = {"recv_time", "recv_nanos", "time", "nanos", "origin"}  # what may differ between lines

TRADES_PER_SECOND = 1_000.0
MESSAGES_PER_TRADE = 2.3
"""With all that a market sends beside them: measured, 1,010 to 1,021 trades a second."""
CUTS_IN_A_LIFE = 100
"""Of one seed: what a life has made is in memory until it is judged."""

BEGIN_SECS = 3.0
END_SECS = 3.123
KNOWN_SECS = 0.05
"""Until the end of a connection is known."""
UP_SECS = 0.02
"""How often it is looked whether all lines are up."""


def two_lines(name: str, **changes: Any) -> Venue:  # noqa: ANN401 - what `Venue` takes
    """A venue with all of its feeds, on two lines."""
    config = {"redundancy": 2, "reconnect_initial_secs": 0.2, "reconnect_max_secs": 0.5}
    settings: dict[str, Any] = {"feeds": tuple(sorted(registry.get(name).feeds))}
    return venue(name, 2, config=config | changes.pop("config", {}), **(settings | changes))


def sessions(world: World) -> list[Session]:
    """The connections that carry symbols, as the venue sees them; a listing has one topic."""
    clients = [each for each in world.exchange._hub.clients if isinstance(each, Session)]
    return [each for each in clients if len(each.topics) > 1]


async def cut_again_and_again(
    world: World, count: int, rng: Random, secs: tuple[float, float] = (0.5, 2.0)
) -> None:
    """Whenever all lines are up, for so long, one connection is cut."""
    for _ in range(count):
        await trio.sleep(KNOWN_SECS)
        (recorded,) = world.service.venues.values()
        while not all(share.is_up for share in recorded.shares()):  # noqa: ASYNC110 - as is seen
            await trio.sleep(UP_SECS)
        await trio.sleep(rng.uniform(*secs))  # something has come on each by then
        rng.choice(sessions(world)).end(None, "cut")


def led(name: str) -> frozenset[str]:
    """Tables that one line carries alone."""
    return frozenset(TABLES[feed] for feed in registry.get(name).led_feeds)


def repeated(world: World, symbol: str, table: str) -> list[tuple[bytes, ...]]:
    """Rows with an id that are there more than once, in words and id, but for those of snapshots.

    An id of its own has each quote, and each level of an update of a book.
    """
    found = Counter[tuple[bytes, ...]]()
    for late in (False, True):
        part = rows(world.files, world.exchange.name, symbol, table, late=late)
        columns = [each for name, each in part.columns.items() if name not in BESIDE]
        numbers = part.columns["update_id"]
        flags = part.columns.get("flags", np.zeros(len(part), "<u4"))
        for row in np.flatnonzero((flags == 0) & (numbers != 0)).tolist():
            found[tuple(each[row].tobytes() for each in columns)] += 1
    return [row for row, count in found.items() if count > 1]


@attrs.frozen
class Judged:
    """One life: how much there was, and what is wrong with it."""

    name: str
    seed: int
    cuts: int
    secs: float
    trades: int
    missing: int
    doubled: int
    holes: dict[str, int]  # by table and cause, of tables that both lines carry
    led_holes: int
    longest_led_secs: float

    @property
    def is_right(self) -> bool:
        """Whether nothing is missing, doubled or told as missing where both lines carry it."""
        return not (self.missing or self.doubled or self.holes)


def judge(world: World, seed: int) -> Judged:
    """What a life has left on disk, compared with what the venue sent."""
    name = world.exchange.name
    trades = missing = doubled = led_holes = 0
    holes, longest = Counter[str](), 0.0
    for symbol in world.exchange.truth.symbols():
        parts = [rows(world.files, name, symbol, "TRADES", late=late) for late in (False, True)]
        ids = np.concatenate([part["trade_id"] for part in parts])
        sent = np.array(
            [
                each.trade_id
                for each in world.exchange.truth.sent(symbol)
                if each.event_ns < world.stopped_ns - SECOND_NS
            ],
            np.uint64,
        )
        trades += len(sent)
        missing += int((~np.isin(sent, ids)).sum())
        doubled += len(ids) - len(np.unique(ids))
        for table in sorted({TABLES[feed] for feed in registry.get(name).feeds}):
            found = gaps(world.files, name, symbol, table)
            if table in led(name):
                led_holes += len(found)
                spans = [hole["to_ns"] - hole["from_ns"] for hole in found if hole["to_ns"]]
                longest = max([longest, *(span / SECOND_NS for span in spans)])
                continue
            holes.update(f"{table} {hole['cause']}" for hole in found)
            if table in {"QUOTES", "BOOK"}:
                doubled += len(repeated(world, symbol, table))
    cuts = int(world.metric("reconnects_total"))
    return Judged(
        name, seed, cuts, world.elapsed, trades, missing, doubled, dict(holes), led_holes, longest
    )


async def _live(name: str, seed: int, cuts: int, rate: float) -> Judged:
    most = int(TRADES_PER_SECOND * 2 * (cuts + 10))
    busy = {"messages_per_second": rate, "step_secs": 0.02, "truth_trades_per_symbol": most}
    fast = {"reconnect_initial_secs": 0.05, "reconnect_max_secs": 0.1, "connects_per_second": 50.0}
    both = two_lines(name, simulated=busy, config=fast)
    async with running(attrs.evolve(both, symbols=both.symbols[:1]), seed=seed) as world:
        await world.until(BEGIN_SECS)
        await cut_again_and_again(world, cuts, Random(seed), (0.0, 0.1))
        await trio.sleep(END_SECS)
        assert await world.stop() == 0, world.said("crashed")
        return judge(world, seed)


def live(name: str, seed: int, cuts: int) -> Judged:
    """One life, judged."""
    return in_virtual_time(_live, name, seed, cuts, MESSAGES_PER_TRADE * TRADES_PER_SECOND)


def told_of(name: str, seed: int, cuts: int) -> Judged | str:
    """The same, or why it could not be told: not every error comes from another process."""
    try:
        return live(name, seed, cuts)
    except Exception:  # noqa: BLE001 - whatever it is, others go on
        return f"{name}, seed {seed}: {traceback.format_exc()}"


def plan(cuts: int, seed: int, exchanges: Sequence[str]) -> list[tuple[str, int, int]]:
    """Lives by venue, seed and cuts, so that all venues come in turn."""
    each = -(-cuts // len(exchanges))
    lives = -(-each // CUTS_IN_A_LIFE)
    return [
        (name, seed + life, min(CUTS_IN_A_LIFE, each - life * CUTS_IN_A_LIFE))
        for life in range(lives)
        for name in exchanges
    ]


def main() -> int:
    """The exit code: 1 if any life was not right."""
    options = _options()
    sums: dict[str, Counter[str]] = {name: Counter() for name in options.exchange}
    longest: Counter[str] = Counter()
    wrong = 0
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(options.jobs, fork) as pool:
        lives = plan(options.cuts, options.seed, options.exchange)
        for future in as_completed([pool.submit(told_of, *each) for each in lives]):
            life = future.result()
            if isinstance(life, str):
                wrong += 1
                print(life, flush=True)  # noqa: T201 - a command
                continue
            of = sums[life.name]
            of.update(lives=1, cuts=life.cuts, trades=life.trades, missing=life.missing)
            of.update(doubled=life.doubled, holes=sum(life.holes.values()), led=life.led_holes)
            longest[life.name] = max(longest[life.name], round(life.longest_led_secs * 1000))
            wrong += not life.is_right
            print(_line(life.name, of, longest) if life.is_right else life, flush=True)  # noqa: T201
    print(*(_line(name, of, longest) for name, of in sums.items()), sep="\n")  # noqa: T201 - a command
    return 1 if wrong else 0


def _line(name: str, of: Counter[str], longest: Counter[str]) -> str:
    led = f", {of['led']} take-overs of at most {longest[name]} ms" if of["led"] else ""
    return (
        f"{name}: {of['lives']} lives, {of['cuts']:,} cuts, {of['trades']:,} trades, "
        f"{of['missing']} missing, {of['doubled']} doubled, {of['holes']} holes{led}"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Cuts one of two lines again and again.")
    parser.add_argument("--cuts", type=int, default=10_000, help="of all venues together")
    parser.add_argument("--seed", type=int, default=1, help="of the first life of each venue")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("exchange", nargs="*", default=EVERY, help="all, if none is named")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
