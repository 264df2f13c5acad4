"""A recorder of one symbol, seen second by second, and a reader of what it writes about holes.

The lines are read by the words of the page on files alone, with no code of the program.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tests.pipeline.streams import DAY, SECOND, continued, new_pipeline, tickers, trades
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.marks import Interrupted, Mark, Resumed
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table
from tick_logger.pipeline.pipeline import Pipeline

TRADES, MD = Table.TRADES, Table.MD
BOTH = (TRADES, MD)

# -- a reader of its own ---------------------------------------------------------------------------


@attrs.frozen
class Said:
    """What the lines of a table say: ids that are missing, spans without ids, an open beginning."""

    ids: set[int]
    spans: set[tuple[int, int]]
    open: set[tuple[Cause, int]]


def ids_of(line: GapRecord) -> set[int]:
    """Those that it names."""
    if line.from_id is None or line.to_id is None:
        return set()
    return set(range(line.from_id, line.to_id + 1))


def read(lines: Sequence[GapRecord], table: Table) -> Said:
    """By the rule of the page on files, in two passes."""
    of_table = [line for line in lines if line.table is table]
    standing = []
    for number, line in enumerate(of_table):
        later = of_table[number + 1 :]
        same = [each for each in later if each.from_ns == line.from_ns]
        if line.to_ns is None and any(each.cause == line.cause for each in same):
            continue
        healing = [each for each in same if each.healed]
        if line.healed:
            continue
        if line.from_id is None:
            whole = (line.cause, line.to_ns)
            if any(h.from_id is None and (h.cause, h.to_ns) == whole for h in healing):
                continue
            standing.append((line, set[int]()))
        else:
            healed = {each for healer in healing for each in ids_of(healer)}
            standing.append((line, ids_of(line) - healed))
    said = Said({each for _, ids in standing for each in ids}, set(), set())
    for line, _ in standing:
        assert line.from_ns is not None
        if line.to_ns is None:
            said.open.add((line.cause, line.from_ns))
        elif line.from_id is None:
            said.spans.add((line.from_ns, line.to_ns))
    return said


# -- a venue with one symbol, seen second by second ------------------------------------------------


@attrs.define
class Life:
    """A recorder of a symbol whose trades have dense ids, and whose ticker has none."""

    now: int
    pipeline: Pipeline = attrs.field(factory=new_pipeline)
    lines: list[GapRecord] = attrs.field(factory=list)
    next_id: int = 1
    came: set[int] = attrs.field(factory=set)
    missed: dict[int, int] = attrs.field(factory=dict)  # by id, when it was made
    newest_ns: int = 0  # when the newest trade was received
    last_ns: int = 0  # when something was received last
    down: tuple[int, Cause] | None = None  # since when, and why
    down_ticks_ns: list[int] = attrs.field(factory=list)  # that saw it
    spans: list[tuple[int, int]] = attrs.field(factory=list)  # that are over
    untold: list[tuple[int, int]] = attrs.field(factory=list)  # of them, no id has come since
    harmless: list[tuple[int, int]] = attrs.field(factory=list)  # ids have come, and join

    def push(self, *items: RowBatch | Mark) -> None:
        self.pipeline.push(items)

    def trade(self, id_: int, made_ns: int | None = None) -> None:
        if id_ > max(self.came, default=0):
            if not any(made_ns > self.newest_ns for made_ns in self.missed.values()):
                self.harmless += self.untold  # else nobody can tell which of them cost it
            self.untold, self.newest_ns = [], self.now
        self.came.add(id_)
        self.last_ns = self.now
        self.push(trades([(0, self.now, made_ns or self.now, id_)]))
        self.push(tickers([(0, self.now, self.now, id_)]))

    def market(self, *, trades_come: bool) -> None:
        """A second of the venue: a trade, which is received or missed."""
        if trades_come:
            if self.down is None:
                self.trade(self.next_id)
            else:
                self.missed[self.next_id] = self.now
            self.next_id += 1

    def second(self, secs: int = 1) -> None:
        """The next tick comes."""
        self.now += secs * SECOND
        flush, _ = self.pipeline.tick(self.now)
        self.lines += flush.gaps
        if self.down is not None:
            self.down_ticks_ns.append(self.now)
        self.check()

    def cut(self, cause: Cause) -> None:
        if self.down is None or (cause is Cause.REFUSED is not self.down[1]):
            began = self.last_ns if self.down is None else self.now
            self.push(Interrupted((0,), BOTH, began, cause))
            self.over(began)
            self.down, self.down_ticks_ns = (began, cause), []

    def over(self, at_ns: int) -> None:
        if self.down is not None and self.down[0] < at_ns:
            self.spans.append((self.down[0], at_ns))
            self.untold.append((self.down[0], at_ns))
        self.down = None

    def resume(self) -> None:
        if self.down is not None:
            self.push(Resumed((0,), BOTH, self.now))
            self.over(self.now)
            self.last_ns = self.now

    def restart(self, *, in_order: bool) -> None:
        """A process ends, and another takes over at once, to be subscribed later."""
        stop = self.last_ns
        if in_order:
            flush, _ = self.pipeline.close(self.now)
            self.lines += flush.gaps
            self.over(self.now)
            assert not read(self.lines, MD).open | read(self.lines, TRADES).open
            stop = self.last_ns = self.now
            self.untold = []
        cause = Cause.RESTART if in_order else Cause.CRASH
        self.pipeline = continued(self.pipeline, cause, stop)
        if self.down is None:
            self.down, self.down_ticks_ns = (stop, cause), []
        self.push(Interrupted((0,), BOTH, self.now, cause))  # the streams are used again

    def heal(self) -> None:
        """A trade that was missed comes late."""
        if self.down is None and self.missed:
            id_ = next(iter(self.missed))
            self.trade(id_, self.missed.pop(id_))

    def check(self) -> None:
        """What is seen to last is open from its beginning, or from midnight; nothing else is."""
        said = read(self.lines, MD)
        seen_ns = self.now - self.down_ticks_ns[0] if self.down and self.down_ticks_ns else 0
        expected = set()
        if self.down is not None and seen_ns >= 5 * SECOND:
            midnight = self.now - self.now % DAY
            expected = {(self.down[1], max(self.down[0], midnight))}
        assert said.open == expected
        if expected:
            assert read(self.lines, TRADES).open >= expected

    def end(self) -> None:
        self.lines += self.pipeline.close(self.now)[0].gaps
        self.over(self.now)


def joined(spans: set[tuple[int, int]] | list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that touch, as one."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        elif begin < end:
            found.append((begin, end))
    return found
