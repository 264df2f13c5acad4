"""Asks a venue by REST for its minute candles, and puts its answers into the journal.

Every few hours the minutes since the last answer are asked for, symbol by symbol, so that each day
has been told of soon after its end, and before the venue forgets (some keep half a day).

Invariant: nothing that is no answer gets into the journal; a minute is asked for until there is an
answer, and no more once it was given.

Not here: pauses that a venue asks for (`client`), how fast it is asked (`allowance`), and what is
recorded of the same minutes (`archive.candle_checks`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import trio

from tick_logger.errors import ConnectionLost, words_of
from tick_logger.exchanges.base import Exchange, VenueError
from tick_logger.exchanges.candles_by_rest import CandlesByRest, CandlesWanted, wrap_candles
from tick_logger.model.candles import MINUTES_PER_DAY, NS_PER_MINUTE, Candles
from tick_logger.net.rest.allowance import Allowance
from tick_logger.telemetry.exchange_metrics import ExchangeMetrics
from tick_logger.telemetry.logs import get_logger

EVERY_MINUTES = 240
"""From round to round, by the clock of the day: thrice within what venues keep at least."""

AFTER_MINUTES = 10
"""A round begins so long after its full hour: that after midnight before the day is sealed."""

SETTLED_MINUTES = 3
"""A candle that is not older may still change: late trades, and clocks that differ."""

RETRY_MINUTES = 10
"""After a round that did not get all answers."""

MOST_BACK_MINUTES = MINUTES_PER_DAY + EVERY_MINUTES
"""No older minute is asked for: what a recorder was off for for longer, it did not record."""

PENDING_MINUTES = MINUTES_PER_DAY
"""After its end a day waits no longer for answers that do not come."""

MOST_FAILURES = 3
"""In a row: then the venue cannot be reached, and the round is broken off."""

MOST_HELD = 100
"""Answers that are written to the files of candles in one step."""


class Journal(Protocol):
    """Where answers go, among everything else that is received."""

    def is_recorded(self, instrument: int) -> bool:
        """Whether trades of it are recorded now."""
        ...

    def put(self, payload: bytes) -> bool:
        """Take an answer as received now; False if there is no room."""
        ...

    def now_ns(self) -> int:
        """The wall clock."""
        ...


class CandlesKept(Protocol):
    """The answers of this day and the one before, beside the journal."""

    async def until(self, now_ns: int) -> Mapping[str, int]:
        """By symbol the minute (exclusive) up to which there are answers.  Raises `OSError`."""
        ...

    async def add(self, answers: Sequence[Candles]) -> None:
        """Keep answers that were put into the journal.  Raises `OSError`."""
        ...


class CandleRounds:
    """The rounds of one venue whose candles can be asked for.

    `symbols` gives the numbers of all symbols that are known.
    """

    def __init__(
        self,
        exchange: Exchange,
        allowance: Allowance,
        journal: Journal,
        kept: CandlesKept,
        symbols: Callable[[], Mapping[str, int]],
        metrics: ExchangeMetrics,
        *,
        enabled: bool = True,
    ) -> None:
        assert exchange.candles_by_rest is not None, "nobody can be asked"
        self._candles: CandlesByRest = exchange.candles_by_rest
        self._most_bytes = exchange.profile.max_answer_bytes // 2  # room for what was wanted
        self._allowance = allowance
        self._journal = journal
        self._kept = kept
        self._symbols = symbols
        self._metrics = metrics
        self._enabled = enabled
        self._until: dict[str, int] | None = None  # None: not read yet
        self._told_until = 0  # the minute up to which all have been asked about
        self._held: list[Candles] = []
        self._log = get_logger().bind(exchange=exchange.name)

    def is_asking(self, day: int) -> bool:
        """Whether answers about minutes of a UTC day (since 1970-01-01) are to come yet."""
        end = (day + 1) * MINUTES_PER_DAY
        is_late = self._minute() >= end + PENDING_MINUTES
        return self._enabled and not is_late and self._told_until < end

    def switch(self, *, on: bool) -> None:
        """Go on, or stop asking."""
        self._enabled = on

    async def run(self) -> None:
        """Round after round until cancelled."""
        await self._begin()
        pause_minutes = self._minutes_to_round()
        while True:
            await trio.sleep(pause_minutes * 60.0)
            pause_minutes = self._minutes_to_round()
            if self._enabled and not await self.round():
                pause_minutes = min(RETRY_MINUTES, pause_minutes)

    async def _begin(self) -> None:
        """Go on from what earlier processes were answered."""
        try:
            self._until = dict(await self._kept.until(self._journal.now_ns()))
        except OSError as error:
            self._log.warning("candles_not_read", reason=words_of(error))
        else:
            self._told_until = min(self._until.values(), default=0)

    def _minute(self) -> int:
        return self._journal.now_ns() // NS_PER_MINUTE

    def _minutes_to_round(self) -> int:
        """Until the next one by the clock; one at least."""
        return EVERY_MINUTES - (self._minute() - AFTER_MINUTES) % EVERY_MINUTES

    async def round(self) -> bool:
        """Ask for all that is missing; whether there are answers about everything now."""
        until_minute = self._minute() - SETTLED_MINUTES
        try:
            if self._until is None:
                self._until = dict(await self._kept.until(self._journal.now_ns()))
            failed = await self._ask_all(self._until, until_minute)
        except OSError as error:
            self._until = None  # whatever was written
            self._log.warning("candles_not_kept", reason=words_of(error))
            return False
        if not failed:
            self._told_until = until_minute
        return not failed

    async def _ask_all(self, until: dict[str, int], until_minute: int) -> bool:
        """Ask about symbol after symbol; whether any answer is missing.  Raises `OSError`."""
        failures, reason, in_a_row = 0, "", 0
        for symbol, instrument in sorted(self._symbols().items()):
            if not self._journal.is_recorded(instrument):
                continue
            for wanted in self._missing(symbol, until.get(symbol, 0), until_minute):
                try:
                    await self._ask(wanted)
                except (ConnectionLost, VenueError) as error:
                    failures, reason = failures + 1, str(error)
                    in_a_row += 1
                    break
                until[symbol], in_a_row = wanted.to_minute, 0
            if in_a_row == MOST_FAILURES:
                break
        await self._keep()
        if failures:
            self._metrics.candle_failures.inc(failures)
            self._log.warning("candles_missing", symbols=failures, reason=reason)
        return failures > 0

    def _missing(self, symbol: str, told: int, until_minute: int) -> Iterator[CandlesWanted]:
        """The requests for minutes without an answer, the oldest first."""
        candles = self._candles
        # A minute of reach is lost while others are asked about.
        reach = MOST_BACK_MINUTES if candles.reach_minutes is None else candles.reach_minutes - 1
        start = max(told, until_minute - min(reach, MOST_BACK_MINUTES))
        for first in range(start, until_minute, candles.most_minutes):
            last = min(first + candles.most_minutes, until_minute)
            yield CandlesWanted(symbol=symbol, from_minute=first, to_minute=last)

    async def _ask(self, wanted: CandlesWanted) -> None:
        candles = self._candles
        rest = self._allowance.rest_of(wanted.symbol)
        url = candles.url(candles.endpoint(rest.endpoint), wanted)
        turn = await self._allowance.turn(candles.weight, wanted.symbol)
        self._metrics.candle_requests.inc()
        body = await turn.get(url)
        if len(body) > self._most_bytes:
            raise VenueError(f"{len(body):,} bytes in an answer are too many")
        try:
            answer = candles.of(body, wanted, self._journal.now_ns())
        except VenueError as error:
            rest.objected(str(error))
            raise
        if not self._journal.put(wrap_candles(wanted, body)):
            raise VenueError("there is no room for an answer: the disk is too slow")
        self._held.append(answer)
        if len(self._held) >= MOST_HELD:
            await self._keep()

    async def _keep(self) -> None:
        held, self._held = self._held, []
        if held:
            await self._kept.add(held)
