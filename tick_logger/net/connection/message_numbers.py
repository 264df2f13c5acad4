"""The numbers of all messages of one connection, which begin at 0 and rise by one.

    number -> follows the newest
          `-> jumps: missing -> (filled by late messages) nothing is missing after all
                            `-> (not filled in time) every book begins anew

What is missing is told at once, so that it is as safe as the message that shows it.  If it comes
within `LATE_SECS`, that is taken back.  The numbers of messages that nobody understood count as
well: they have come.

Invariant: each jump is told exactly once, and taken back or lasting exactly once.

Pure: seconds of trio's clock are arguments.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.cause import Cause
from tick_logger.model.marks import Doubt, Lapse, Mark
from tick_logger.model.times import Times
from tick_logger.net.connection.following import Judgement
from tick_logger.net.intake.arrivals import Streams

Numbers: TypeAlias = npt.NDArray[np.int64]

Bracket: TypeAlias = tuple[int, int]
"""Receive times (int64 ns) between which messages are missing."""

BEGUN_AGAIN_BEHIND = 1_000
"""A number so far behind the newest, or 0, is no late message: the counter has begun again."""

LATE_SECS = 1.0
"""How late a message may be: a socket keeps the order, so only the venue can have mixed them up."""

MOST_JUMPS = 100
"""That are waited for at a time; of more, the oldest last."""

MOST_EXCUSED = 16
"""Overflows whose end may still wait to be decoded; each waits for room, so that they are few."""


@attrs.define
class _Jump:
    """Messages between two that came; `missing` are the ranges of numbers that have not come."""

    missing: list[tuple[int, int]]
    bracket: Bracket
    due_at: float
    told: bool = False

    def fill(self, number: int) -> bool:
        """Whether it was one of the missing, which it is no longer."""
        for at, (first, last) in enumerate(self.missing):
            if first <= number <= last:
                parts = [(first, number - 1), (number + 1, last)]
                self.missing[at : at + 1] = [part for part in parts if part[0] <= part[1]]
                return True
        return False


@attrs.define
class Jumps:
    """What numbers have shown: between which times messages are missing."""

    missing: list[Bracket] = attrs.field(factory=list)
    came: list[Bracket] = attrs.field(factory=list)
    """What was missing before, and has come late."""
    lasting: list[Bracket] = attrs.field(factory=list)
    """What was missing before, or is, and is not waited for any more."""


class MessageNumbers:
    """The numbers of one connection."""

    def __init__(self) -> None:
        self._newest = -1
        self._newest_ns: int | None = None  # when it came; before the first, when it could come
        self._jumps: list[_Jump] = []  # the oldest first
        self._excused: deque[int] = deque(maxlen=MOST_EXCUSED)  # times of receipt
        self.judged: Counter[Judgement] = Counter()
        """How many messages were found to be what; those that follow are not counted."""

    def begin(self, at_ns: int) -> None:
        """The connection is up from now on: its first message will be number 0."""
        self._newest_ns = at_ns

    def excuse(self, recv_ns: int) -> None:
        """What is missing before the messages received at this time is told of otherwise."""
        self._excused.append(recv_ns)

    @property
    def due_at(self) -> float:
        """When the next jump is not waited for any more; infinite if there is none."""
        return self._jumps[0].due_at if self._jumps else float("inf")

    def hear(self, numbers: Numbers, recv_ns: Times, now: float) -> Jumps:
        """Messages came with these numbers, at these times (int64 ns, both of shape `(n,)`)."""
        assert len(numbers) == len(recv_ns), "a number without a time"
        found = Jumps()
        if not len(numbers):
            return found
        first, last = int(numbers[0]), int(numbers[-1])
        in_order = first == self._newest + 1 and last - first == len(numbers) - 1
        if in_order and (np.diff(numbers) == 1).all():
            self._newest, self._newest_ns = last, int(recv_ns[-1])
            return found
        for number, at_ns in zip(numbers.tolist(), recv_ns.tolist(), strict=True):
            self._next(number, at_ns, now, found)
        for jump in self._jumps:
            if not jump.told:
                jump.told = True
                found.missing.append(jump.bracket)
        found.lasting += self._take(len(self._jumps) - MOST_JUMPS)
        return found

    def take_lasting(self, now: float = float("inf")) -> list[Bracket]:
        """The jumps that are not waited for any more; without a time none is."""
        return self._take(sum(jump.due_at <= now for jump in self._jumps))

    def _take(self, count: int) -> list[Bracket]:
        """The oldest jumps, so many of them."""
        taken, self._jumps = self._jumps[: max(count, 0)], self._jumps[max(count, 0) :]
        self.judged[Judgement.GAP] += len(taken)
        return [jump.bracket for jump in taken]

    def _next(self, number: int, recv_ns: int, now: float, found: Jumps) -> None:
        newest, newest_ns = self._newest, self._newest_ns
        if number <= newest:
            self._late(number, recv_ns, found)
            return
        self._newest, self._newest_ns = number, recv_ns
        if number > newest + 1 and recv_ns not in self._excused:
            since_ns = recv_ns if newest_ns is None else newest_ns
            missing = [(newest + 1, number - 1)]
            self._jumps.append(_Jump(missing, (since_ns, recv_ns), now + LATE_SECS))

    def _late(self, number: int, recv_ns: int, found: Jumps) -> None:
        """A number that is not beyond the newest."""
        if any(jump.fill(number) for jump in self._jumps):
            self.judged[Judgement.OUT_OF_ORDER] += 1
            found.came += [each.bracket for each in self._jumps if each.told and not each.missing]
            self._jumps = [jump for jump in self._jumps if jump.missing]
        elif number == self._newest:
            self.judged[Judgement.DUPLICATE] += 1
        elif number > 0 and self._newest - number < BEGUN_AGAIN_BEHIND:
            self.judged[Judgement.OUT_OF_ORDER] += 1
        else:  # nobody knows how many came before it
            self.judged[Judgement.RESET] += 1
            assert self._newest_ns is not None, "something came before"
            found.missing += [jump.bracket for jump in self._jumps if not jump.told]
            found.missing.append((self._newest_ns, recv_ns))
            found.lasting += [*self.take_lasting(), (self._newest_ns, recv_ns)]
            self._newest, self._newest_ns = number, recv_ns


class MissingMessages:
    """What follows from the numbers of one connection, which carries these streams.

    `break_books(at_ns, now)` breaks all its books, and returns the marks that say so.
    """

    def __init__(
        self, carried: Callable[[], Streams], break_books: Callable[[int, float], list[Mark]]
    ) -> None:
        self._numbers = MessageNumbers()
        self._carried = carried
        self._break_books = break_books

    @property
    def due_at(self) -> float:
        """When something is not waited for any more; infinite if nothing is missing."""
        return self._numbers.due_at

    @property
    def judged(self) -> Counter[Judgement]:
        """How many messages were found to be what; whoever has reported it may clear it."""
        return self._numbers.judged

    def begin(self, at_ns: int) -> None:
        """The connection is up from now on."""
        self._numbers.begin(at_ns)

    def excuse(self, recv_ns: int) -> None:
        """What is missing before the messages received at this time is told of otherwise."""
        self._numbers.excuse(recv_ns)

    def hear(self, numbers: Numbers, recv_ns: Times, now: float) -> list[Mark]:
        """Messages with these numbers came at these times (int64 ns, both of shape `(n,)`)."""
        found = self._numbers.hear(numbers, recv_ns, now)
        if not (found.missing or found.came or found.lasting):
            return []
        told = self._lapses(found.missing, Doubt.OPEN) + self._lapses(found.came, Doubt.VOID)
        return told + self._broken(found.lasting, now)

    def overdue(self, now: float) -> list[Mark]:
        """What has not come by now has not come in time."""
        return self._broken(self._numbers.take_lasting(now), now)

    def _lapses(self, brackets: Sequence[Bracket], doubt: Doubt) -> list[Mark]:
        carried = self._carried() if brackets else ()
        return [
            Lapse(*streams, since_ns, until_ns, Cause.SEQUENCE, doubt=doubt)
            for since_ns, until_ns in brackets
            for streams in carried
        ]

    def _broken(self, brackets: Sequence[Bracket], now: float) -> list[Mark]:
        return [mark for _, until_ns in brackets for mark in self._break_books(until_ns, now)]
