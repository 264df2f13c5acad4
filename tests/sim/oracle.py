"""What must be on the disk after a story, and what may be missing.

Shares no code with the recorder: the truth comes from the exchanges and from the sockets, the
files are read with numpy and json.  Two promises are told apart:

* What a connection was subscribed to is on disk or in a gap record, whatever happened.
* What came out of a socket is on disk, unless the story excuses its loss: a death less than the
  persist interval later, a disk in trouble, a buffer that overflowed meanwhile, an adapter's bug.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from tests.fakes.memory_files import MemoryFiles
from tests.service.oracle import Rows, gaps, is_derived
from tests.service.oracle import rows as stored_rows
from tests.service.world import Venue, dense
from tests.sim.limits import Row, needless_overflows, needlessly_late, waited
from tests.sim.said import Fact, facts, snapshot
from tests.sim.world import Process, World
from tick_logger.errors import StorageError
from tick_logger.recovery import Kept, Recovery
from tick_logger.simulator.truth import TrueTrade
from tick_logger.storage.verify import verify

SEGMENT = re.compile(r"journal/\d{8}\.tlj")
FIRST_SEGMENT = "journal/00000001.tlj"
MOST_SHOWN = 3
SIDES = {"buy": 1, "sell": 0}
KEYS = {
    "TRADES": ("trade_id",),
    "QUOTES": ("update_id", "best_bid", "best_bid_size", "best_ask", "best_ask_size"),
    "MD": ("price", "volume", "side", "best_bid", "best_ask"),
    "BOOK": ("update_id", "side", "price", "size"),
}


@attrs.frozen
class Came:
    """When something came out of a socket."""

    at: float
    recv_ns: int
    process: Process
    sound: bool


@attrs.define(eq=False)
class Verdict:
    """What was found."""

    violations: list[str] = attrs.field(factory=list)
    counts: Counter[str] = attrs.field(factory=Counter)


def judge(world: World) -> Verdict:
    """Check everything."""
    return _Court(world).judge()


class _Court:
    def __init__(self, world: World) -> None:
        self.world = world
        self.verdict = Verdict(list(world.violations))
        self.width = world.story.logger["price_dtype"]
        self.persist_secs = world.story.logger["persist_interval_secs"]

    def judge(self) -> Verdict:
        world, verdict = self.world, self.verdict
        for name, exchange in world.exchanges.items():
            verdict.violations += (f"{name}: {rule}" for rule in exchange.violations)
            came = self._what_came(name)
            for symbol in exchange.truth.symbols():
                try:
                    self._judge_symbol(name, symbol, came)
                except AssertionError as error:
                    self._violated(f"{name} {symbol}: {error}")
        verdict.violations += world.disk.readers.complaints
        verdict.violations += needless_overflows(world)
        report = verify(world.disk, dense=dense, price_dtype=self.width)
        verdict.violations += (f"verify: {finding}" for finding in report.findings)
        verdict.violations += (f"verify: {note}" for note in report.notes)
        verdict.violations += self._replayed()
        return verdict

    def _replayed(self) -> Iterator[str]:
        """Whether the journal alone, if none of it was removed, gives the same files again."""
        contents = self.world.disk.contents
        journal = {path: data for path, data in contents.items() if SEGMENT.fullmatch(path)}
        # Rows that a bug has kept out of a recovery are there again in a replay without the bug.
        if FIRST_SEGMENT not in journal or self.world.events["adapter_failed_on_the_journal"]:
            return
        self.verdict.counts["replayed"] += 1
        fresh = MemoryFiles()
        fresh.contents.update((path, bytearray(data)) for path, data in journal.items())
        kept = Kept(secs=float("inf"), bytes=2**62)
        recovery = Recovery(fresh, price_dtype=self.width, kept=kept)
        try:
            recovery.run(self.world.story.start_ns)
        except StorageError as error:
            yield f"replayed: {error}"
            return
        before, after = _derived(contents), _derived(fresh.contents)
        for path in sorted(before.keys() | after.keys()):
            if before.get(path, b"") != after.get(path, b""):
                yield f"replayed: {path} is {len(after.get(path, b''))} bytes, not as it was"

    def _violated(self, what: str) -> None:
        self.verdict.violations.append(what)

    def _what_came(self, name: str) -> dict[tuple[str, str], dict[tuple[Any, ...], list[Came]]]:
        """All facts by table and symbol, and when they came."""
        found: dict[tuple[str, str], dict[tuple[Any, ...], list[Came]]]
        found = defaultdict(lambda: defaultdict(list))
        processes = iter(self.world.processes)
        process = next(processes)
        for arrival in self.world.logs[name].arrivals:
            while arrival.at > process.ended:
                process = next(processes)
            for payload in arrival.payloads:
                for fact in facts(name, payload):
                    came = Came(arrival.at, arrival.recv_ns, process, fact.sound)
                    found[fact.table, fact.symbol][self._on_disk(fact)].append(came)
        return found

    def _on_disk(self, fact: Fact) -> tuple[Any, ...]:
        """A key with the prices that a column can hold."""
        if self.width == "f8":
            return fact.key
        return tuple(float(np.float32(v)) if isinstance(v, float) else v for v in fact.key)

    # -- one symbol -------------------------------------------------------------------------------

    def _judge_symbol(
        self, name: str, symbol: str, came: dict[tuple[str, str], dict[tuple[Any, ...], list[Came]]]
    ) -> None:
        venue = _venue(self.world, name)
        tables = {"trades": "TRADES", "ticker": "MD", "quotes": "QUOTES", "orderbook": "BOOK"}
        for feed, table in tables.items():
            stream = _Stream(self, name, symbol, table)
            self.verdict.counts["rows"] += len(stream)
            if feed not in venue.feeds:
                if len(stream):
                    self._violated(f"{stream}: has rows, but was not asked for")
                continue
            given = came[table, symbol]
            if table == "BOOK":
                for answer in self.world.logs[name].answers:
                    if f"symbol={symbol}&" in answer.path or answer.path.endswith("/depth"):
                        for row in snapshot(answer.body):
                            given[self._on_disk(Fact(table, symbol, row))]
            problems = [*stream.invented(given), *stream.lost(given)]
            problems += stream.hasty(given)
            if table == "TRADES":
                problems += stream.compared_with_truth()
            self.verdict.violations += (f"{stream}: {problem}" for problem in problems)

    # -- excuses ----------------------------------------------------------------------------------

    def excuse(self, came: Came, name: str) -> str | None:
        """Why this may be missing; None if it may not."""
        process, at = came.process, came.at
        for since, until in self.world.poison.since.get(name, ()):
            # The whole batch is lost to a bug, and what is waiting behind it.
            # A process that the bug has stopped may die before it has ended.
            met = process.code == 1 or (process.code is None and at <= until)
            if since - 0.1 <= at and met and since <= process.ended:
                return "bug"
        if any(began <= at <= ended for began, ended in self.world.overflows.get(name, ())):
            return "overflow"
        if any(at <= failed for failed in self.world.failed_replays):
            return "bug in a replay"
        if process.code == 0:
            return None
        if waited(self.world, at, process.ended, self.world.offload.journal_failures):
            return "trouble"
        if process.code is not None:
            return None
        return "death" if at > process.ended - self.persist_secs else None

    def process_at(self, at: float) -> Process | None:
        """Who lived then."""
        return next((p for p in self.world.processes if p.began <= at <= p.ended), None)

    # -- clocks -----------------------------------------------------------------------------------

    def moments(self, wall_ns: int) -> list[float]:
        """When the service's clock, which is set now and then, may have shown this."""
        steps = self.world.clock_steps
        ends = [*(at for at, _ in steps[1:]), self.world.ended + 1.0]
        found = ((wall_ns - offset_ns) / 1e9 for _, offset_ns in steps)
        return [
            moment
            for moment, (begin, _), end in zip(found, steps, ends, strict=True)
            if begin - 1e-6 <= moment <= end + 1e-6
        ]

    def venue_moment(self, event_ns: int) -> float:
        """A time of the exchanges' clock as one of trio's."""
        return (event_ns - self.world.venue_clock._offset_ns) / 1e9


class _Stream:
    """One table of one symbol on the disk, beside the truth."""

    def __init__(self, court: _Court, exchange: str, symbol: str, table: str) -> None:
        self._court = court
        self._exchange, self._symbol, self._table = exchange, symbol, table
        world = court.world
        # A trade is told of up to a step of the market after it was made.
        self._step_secs = _venue(world, exchange).simulated["step_secs"]
        parts = [
            stored_rows(world.disk, exchange, symbol, table, late, price_dtype=court.width)
            for late in (False, True)
        ]
        self._parts = parts
        self._gaps = gaps(world.disk, exchange, symbol, table)
        self._keys = [key for part in parts for key in _keys(part, table)]
        self._recv_ns = [ns for part in parts for ns in part.recv_ns.tolist()]
        self._found = Counter(self._keys)

    def __str__(self) -> str:
        return f"{self._exchange} {self._symbol} {self._table}"

    def __len__(self) -> int:
        return len(self._keys)

    def invented(self, given: dict[tuple[Any, ...], list[Came]]) -> Iterator[str]:
        """Rows that nobody sent, or not then, or that are there twice."""
        strange = [key for key in self._found if key not in given]
        if strange:
            yield f"{len(strange)} rows were never sent: {strange[:MOST_SHOWN]}"
        if self._table == "BOOK":
            return
        if self._table != "MD":
            twice = [key for key, count in self._found.items() if count > 1]
            if twice:
                yield f"{len(twice)} rows are there twice: {twice[:MOST_SHOWN]}"
        wrong = [
            key
            for key, recv_ns in zip(self._keys, self._recv_ns, strict=True)
            if key in given and all(recv_ns != came.recv_ns for came in given[key])
        ]
        if wrong:
            yield f"{len(wrong)} rows came at another time: {wrong[:MOST_SHOWN]}"

    def lost(self, given: dict[tuple[Any, ...], list[Came]]) -> Iterator[str]:
        """What came out of a socket, and is missing without excuse or without a gap record."""
        if self._table == "BOOK":
            return
        court, unexcused, uncovered = self._court, [], []
        for key, times in given.items():
            sound = [came for came in times if came.sound]
            if key in self._found or not sound:
                continue
            excuses = [court.excuse(came, self._exchange) for came in sound]
            for came, excuse in zip(sound, excuses, strict=True):
                court.verdict.counts[f"lost to {excuse}"] += 1
                if excuse is None:
                    unexcused.append((key, came.at, came.process.number))
            if not any(self._covers(key, came.at) for came in sound):
                if all(self._nothing_known(came.at) for came in sound):
                    court.verdict.counts["lost unknowingly"] += 1
                else:
                    uncovered.append((key, sound[0].at, sound[0].process.number, excuses))
        if unexcused:
            yield f"{len(unexcused)} were received and are lost: {unexcused[:MOST_SHOWN]}"
        if uncovered:
            yield (
                f"{len(uncovered)} were received and are in no gap record: {uncovered[:MOST_SHOWN]}"
            )

    def hasty(self, given: dict[tuple[Any, ...], list[Came]]) -> Iterator[str]:
        """Rows that are apart from the others though they came in time."""
        if self._table == "BOOK" or not len(self._parts[1]):
            return
        in_order, late = (_rows_of(part, self._table, given) for part in self._parts)
        found = [*needlessly_late(self._court.world, in_order, late)]
        if found:
            yield f"{len(found)} rows are late but came in time: {found[:MOST_SHOWN]}"

    def compared_with_truth(self) -> Iterator[str]:
        """For trades: true values, and everything sent on disk or in a gap record."""
        world, court = self._court.world, self._court
        truth = {t.trade_id: t for t in world.exchanges[self._exchange].truth.trades(self._symbol)}
        for part in self._parts:
            yield from _false_values(part, truth)
        ids = {key[0] for key in self._keys}
        lowest, highest = min(ids, default=0), max(ids, default=0)
        missing = []
        for number, trade in truth.items():
            if number in ids or not trade.subscribed:
                continue
            if trade.withheld and not lowest < number < highest:
                continue  # of what was kept from everybody only a hole between other ids can tell
            at = court.venue_moment(trade.event_ns)
            if not self._is_owed(trade, at) or self._covers((number,), at):
                continue
            if self._nothing_known(at):
                court.verdict.counts["lost unknowingly"] += 1
                continue
            missing.append((number, at))
        if missing:
            yield (
                f"{len(missing)} trades are neither on disk nor in a gap: {missing[:MOST_SHOWN]}"
            )

    def _is_owed(self, trade: TrueTrade, at: float) -> bool:
        """Whether somebody was there to receive it."""
        process = self._court.process_at(at)
        if process is None:
            return False
        # That a connection is half-open shows only in time, or when an id comes after the silence.
        newest = max((key[0] for key in self._keys), default=0)
        if self._exchange in process.half_open and trade.trade_id > newest:
            return False
        if process.newest is None:
            return True
        made = trade.trade_id <= process.newest[self._exchange, self._symbol]
        return made and str(trade.trade_id).encode() not in process.unsent

    def _nothing_known(self, at: float) -> bool:
        """Whether nothing of the stream was durable before a death soon after this time.

        Who starts again then cannot know that there was anything to lose.
        """
        process = self._court.process_at(at)
        if process is None or process.code == 0:
            return False
        earlier = (moment for ns in self._recv_ns for moment in self._court.moments(ns))
        return not any(moment <= at for moment in earlier)

    def _covers(self, key: tuple[Any, ...], at: float) -> bool:
        """Whether a gap record speaks of it: by its id, or where none is known by its time."""
        for gap in self._gaps:
            if gap["from_id"] is not None:
                if gap["from_id"] <= key[0] <= gap["to_id"]:
                    return True
                continue
            # If the clock was set back meanwhile, the end has an earlier label than the beginning.
            ends = [*self._court.moments(gap["from_ns"]), *self._court.moments(gap["to_ns"])]
            if ends and min(ends) - self._step_secs - 1e-6 <= at <= max(ends) + 1e-6:
                return True
        return False


def _venue(world: World, name: str) -> Venue:
    (venue,) = (each for each in world.story.venues if each.name == name)
    return venue


def _derived(contents: Mapping[str, bytearray]) -> dict[str, bytearray]:
    return {path: data for path, data in contents.items() if is_derived(path)}


def _rows_of(
    part: Rows, table: str, given: Mapping[tuple[Any, ...], Sequence[Came]]
) -> Iterator[Row]:
    for event_ns, key in zip(part.event_ns.tolist(), _keys(part, table), strict=True):
        times = given.get(key)
        if times:  # in the order in which it came
            yield Row(event_ns, times[0].at, times[-1].at, times[-1].process.began)


def _keys(part: Rows, table: str) -> list[tuple[Any, ...]]:
    columns: Iterable[list[Any]] = (part[name].tolist() for name in KEYS[table])
    if table == "MD":
        columns = (part.event_ns.tolist(), *columns)
    return list(zip(*columns, strict=True))


def _false_values(part: Rows, truth: dict[int, TrueTrade]) -> Iterator[str]:
    trades = [truth.get(number) for number in part["trade_id"].tolist()]
    if None in trades:
        yield "trades that were never made"
        return
    known = [trade for trade in trades if trade is not None]
    expected = {
        "trade_price": np.array([float(t.price) for t in known]).astype(part["trade_price"].dtype),
        "trade_size": np.array([float(t.size) for t in known]).astype(part["trade_size"].dtype),
        "trade_side": np.array([SIDES[t.side] for t in known], "<u4"),
        "maker_order_id": np.array([_uuid(t.maker_order_id) for t in known], "V16"),
        "taker_order_id": np.array([_uuid(t.taker_order_id) for t in known], "V16"),
    }
    for name, values in expected.items():
        if part[name].tobytes() != values.tobytes():
            yield f"false values of {name}"
    if part.event_ns.tolist() != [t.event_ns for t in known]:
        yield "false times"


def _uuid(text: str | None) -> bytes:
    return bytes.fromhex(text.replace("-", "")) if text else bytes(16)
