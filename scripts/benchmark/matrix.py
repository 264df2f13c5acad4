"""Which measurements there are: the default ones, which take 25 minutes at most, and all of them.

Left out by default: 20 and 2,000 symbols saturated or at other rates than 10,000 a second, the
recorder without its compiled core at other rates, TLS at other rates, and tickers.
"""

from __future__ import annotations

from functools import partial
from itertools import product

import attrs

from scripts.benchmark import watching

MOST_MESSAGES = 2_000_000
RATES = (200.0, 1_000.0, 10_000.0, 100_000.0)
SYMBOLS = (20, 200, 2_000)
CONNECTIONS = 10
FEW_SYMBOLS = 20
"""So many, or fewer, take one connection."""
WARM_UP_SECS = 4.0
"""At the beginning of a paced load at least, not measured: the day's files come into being."""
BUDGET_SECS = 25 * 60.0
START_SECS, STOP_SECS = 5.0, 3.0
MADE_US, MADE_TLS_US = 6.0, 12.0  # to make one message beforehand
TAKEN_US, TAKEN_PURE_US, LOOP_SHARE = 5.0, 20.0, 0.2


@attrs.frozen(kw_only=True)
class Case:
    """One measurement; `symbols` are those of one connection, `peers` says whether they join in."""

    name: str
    kind: str = "trades"
    tls: bool = False
    messages: int = MOST_MESSAGES
    rate: float = 0.0
    seconds: float = 0.0
    coalesce_ms: int = 20
    connections: int = CONNECTIONS
    symbols: int = 20
    watched: bool = False
    pure: bool = False
    peers: bool = False
    rounds: int = 1

    @property
    def warm_up_secs(self) -> float:
        """Of a paced load: long enough for two messages of each symbol."""
        return max(WARM_UP_SECS, 2 * self.connections * self.symbols / self.rate)

    @property
    def load_secs(self) -> float:
        """How long a paced load lasts."""
        if not self.rate:
            return 0.0
        measured = watching.duration_secs(self.seconds) if self.watched else self.seconds
        return self.warm_up_secs + measured

    @property
    def environment(self) -> dict[str, str]:
        """Of the recorder."""
        return {"TICK_LOGGER_PURE": "1"} if self.pure else {}

    @property
    def expected_secs(self) -> float:
        """About how long all rounds take; to choose by, not to rely on."""
        once = START_SECS + STOP_SECS
        if self.rate:
            runs = 3 if self.peers else 1
            return self.rounds * runs * (once + self.load_secs)
        made = MADE_TLS_US if self.tls else MADE_US
        ours = once + self.messages * (made + (TAKEN_PURE_US if self.pure else TAKEN_US)) / 1e6
        floor = once + self.messages * (made + 2) / 1e6
        others = floor * (2 if self.peers else 1) + (LOOP_SHARE + 0.1) * floor + 2 * once
        return self.rounds * (ours + others)


def default(messages: int, seconds: float, rates: tuple[float, ...] = RATES) -> list[Case]:
    """The usual cases: each question asked once, the others held still."""
    usual = Case(name="", rate=10_000.0 if 10_000.0 in rates else rates[0], seconds=seconds)
    paced = partial(attrs.evolve, usual)
    return [
        Case(name="saturated", messages=messages, peers=True, rounds=3),
        Case(name="saturated, TLS", messages=messages, tls=True, peers=True, rounds=2),
        Case(name="saturated, pure", messages=messages // 4, pure=True),
        *(paced(name=f"paced {rate:,.0f}/s", rate=rate, peers=True) for rate in rates),
        paced(name="paced, event-driven reads", coalesce_ms=0),
        paced(name="paced, TLS", tls=True, peers=True),
        paced(name="paced, pure", pure=True),
        paced(name="paced, 20 symbols", connections=1),
        paced(name="paced, 2,000 symbols", symbols=200),
        paced(name="paced, scraped, ten pages open", watched=True),
    ]


def full(messages: int, seconds: float, rates: tuple[float, ...] = RATES) -> list[Case]:
    """The default ones first, then every combination, and tickers."""
    cases = default(messages, seconds, rates)
    for tls, pure, total, rate in product((False, True), (False, True), SYMBOLS, (0.0, *rates)):
        words = [f"{rate:,.0f}/s" if rate else "saturated", "TLS" if tls else "plain"]
        words += ["pure" if pure else "core", f"{total:,} in all"]
        connections = 1 if total <= FEW_SYMBOLS else CONNECTIONS
        case = Case(
            name=", ".join(words),
            tls=tls,
            pure=pure,
            peers=not pure,
            messages=messages,
            rate=rate,
            seconds=seconds if rate else 0.0,
            connections=connections,
            symbols=total // connections,
        )
        cases.append(case)
    for tls in (False, True):
        name = f"saturated, tickers, {'TLS' if tls else 'plain'}"
        cases.append(Case(name=name, kind="tickers", tls=tls, messages=messages // 4))
    return cases
