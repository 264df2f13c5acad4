"""Real recordings with trades taken out: what the back-filler asks for brings each back as it was.

The stream is that of a capture without the messages of a cut.  The venue answers with the sample
pages' own spelling of its trades, in its documented way of paging.  All else is the program: the
derivation, the back-filler, the files in which it looks for what is around a hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import attrs
import numpy as np
import pytest
import trio
from prometheus_client import CollectorRegistry
from trio.testing import MockClock

from tests.derive.derived import derivation, gaps, prepared
from tests.derive.recorded_pages import SAMPLES, Sample, Told, told_by
from tests.derive.story import COLUMNS, received
from tests.exchanges.trades_asked import needs_pages
from tests.fakes.clock import VirtualClock
from tests.fakes.memory_files import MemoryFiles
from tests.recordings import frames
from tests.service.gap_lines import missing
from tests.service.oracle import REST, rows
from tick_logger.derive.derivation import Derivation
from tick_logger.exchanges import registry
from tick_logger.exchanges.decoding import decode
from tick_logger.model.cause import Cause
from tick_logger.model.entries import Closed, Defined, Entry, Started, Ticked
from tick_logger.model.flush import GapRecord
from tick_logger.model.marks import Healed, Interrupted, Mark, Resumed
from tick_logger.model.routes import BACKFILL_LABEL
from tick_logger.model.surroundings import Surroundings
from tick_logger.model.tables import EXACT, Table
from tick_logger.model.wanted import WantedTables
from tick_logger.net.address import Address
from tick_logger.net.approach import Approach, Purpose
from tick_logger.net.reach import Reach
from tick_logger.net.rest.allowance import Allowance
from tick_logger.net.rest.backfill import BackFiller
from tick_logger.net.rest.client import RestClient
from tick_logger.net.rest.holes import Hole
from tick_logger.net.wire.dial import NO_HEADERS, Headers, HttpAnswer
from tick_logger.reader.around_holes import surroundings
from tick_logger.telemetry.metrics import Metrics

ENDPOINT = "https://venue"
LATENCY_NS = 5 * 10**6
TRADES = (Table.TRADES,)


@attrs.frozen
class Message:
    """One frame with trades of the symbol, as it was received."""

    recv_ns: int
    frame: bytes
    ids: frozenset[int]


def messages_of(name: str, sample: Sample, told: Told) -> list[Message]:
    """The frames of the capture with trades that the pages have, too."""
    known, found, newest_ns = {number for number, _ in told}, list[Message](), 0
    tables = WantedTables()
    tables.set(0, TRADES)
    exchange, last = registry.get(name), max(known)
    for frame in (part for each in frames(sample.capture) for part in sample.apart(each)):
        if sample.symbol.encode() not in frame and sample.symbol.lower().encode() not in frame:
            continue
        what = decode(exchange, [frame], np.array([1]), {sample.symbol: 0}, tables)
        ids = [each for batch in what.rows for each in batch["seq"].tolist()]
        if not ids or not known.issuperset(ids):
            if ids and exchange.trade_ids.name != "OPAQUE" and min(ids) > last:
                break
            continue
        newest_ns = max(newest_ns, *(int(batch["event_ns"].max()) for batch in what.rows))
        found.append(Message(newest_ns + LATENCY_NS, frame, frozenset(ids)))
    return found


def taken_in(
    derived: Derivation, entries: Sequence[Entry]
) -> tuple[list[GapRecord], list[GapRecord]]:
    """The holes and the suspects that come of it."""
    holes, suspects = list[GapRecord](), list[GapRecord]()
    for entry in entries:
        derived.apply(entry)
        outcome = derived.settle()
        if outcome is not None:
            holes += outcome.flush.gaps
            suspects += outcome.flush.suspects
    return holes, suspects


def streamed(
    name: str, sample: Sample, messages: Sequence[Message], cut: tuple[int, int] | None
) -> list[Entry]:
    """The entries of a recording of these messages, without those of the cut."""
    started = Started(messages[0].recv_ns, "1.0", EXACT, 2, COLUMNS)
    entries: list[Entry] = [started]
    defined = [Defined(0, sample.symbol, TRADES)]
    for number, each in enumerate(messages):
        if cut is not None and cut[0] <= number < cut[1]:
            continue
        marks: list[Mark] = []
        if cut is not None and number == cut[1]:
            lost_ns = messages[cut[0] - 1].recv_ns
            marks.append(Interrupted((0,), TRADES, lost_ns, Cause.DISCONNECT))
            marks.append(Resumed((0,), TRADES, each.recv_ns - 1))
        entries.append(received(name, [(each.recv_ns, [each.frame])], defined=defined, marks=marks))
        entries.append(Ticked(each.recv_ns))
        defined = []
    end_ns = messages[-1].recv_ns
    return [*entries, *(Ticked(end_ns + second * 10**9) for second in range(1, 8))]


@attrs.define(eq=False)
class Venue:
    """Answers what it is asked, whatever the host."""

    sample: Sample
    told: Told
    asked: int = 0

    async def get(self, url: str, headers: Headers = NO_HEADERS) -> HttpAnswer:
        """A page."""
        await trio.lowlevel.checkpoint()
        self.asked += 1
        query = {key: each[0] for key, each in parse_qs(urlsplit(url).query).items()}
        return HttpAnswer(200, self.sample.page(self.told, query))


@attrs.define(eq=False)
class Recorder:
    """The journal and the disk, as a back-filler sees them."""

    name: str
    sample: Sample
    derived: Derivation
    files: MemoryFiles
    clock: VirtualClock

    def is_recorded(self, instrument: int) -> bool:
        """It is."""
        return True

    def put(self, payload: bytes) -> bool:
        """Take an answer as a replay does."""
        entry = received(self.name, [(self.now_ns(), [payload])])
        self._take(attrs.evolve(entry, connections=(BACKFILL_LABEL,)))
        return True

    def mark(self, mark: Healed) -> None:
        """Take what is said of it."""
        self._take(attrs.evolve(received(self.name, []), marks=(mark,)))

    def now_ns(self) -> int:
        """Of the virtual clock."""
        return self.clock.now_ns()

    def _take(self, entry: Entry) -> None:
        taken_in(self.derived, [entry, Ticked(self.now_ns())])

    async def around(self, hole: Hole) -> Surroundings:
        """What is on disk around a hole."""
        await trio.lowlevel.checkpoint()
        return surroundings(self.files, self.name, hole.symbol, hole.from_ns, hole.to_ns)


def on_disk(files: MemoryFiles, name: str, symbol: str) -> dict[int, tuple[float, float, int, int]]:
    """Price, size, side and time of each trade, by id; none is there twice."""
    stream = files, name, symbol, "TRADES"
    parts = [rows(*stream), rows(*stream, late=True), rows(*stream, late=True, origin=REST)]
    found = [
        (number, (price, size, side, at_ns))
        for part in parts
        for number, price, size, side, at_ns in zip(
            part["trade_id"].tolist(),
            part["trade_price"].tolist(),
            part["trade_size"].tolist(),
            part["trade_side"].tolist(),
            part.event_ns.tolist(),
            strict=True,
        )
    ]
    assert len(found) == len({number for number, _ in found})
    return dict(found)


@needs_pages
@pytest.mark.parametrize("name", SAMPLES)
async def test_what_was_taken_out_comes_back_as_it_was(
    name: str, autojump_clock: MockClock
) -> None:
    """Ids, exact prices and sizes, sides, and times as far as REST tells them."""
    sample = SAMPLES[name]
    told = told_by(sample)
    messages = messages_of(name, sample, told)
    cut = len(messages) // 3, 2 * len(messages) // 3
    whole = prepared()
    taken_in(
        derivation(whole), [*streamed(name, sample, messages, None), Closed(messages[-1].recv_ns)]
    )
    expected = on_disk(whole, name, sample.symbol)
    lost = {number for each in messages[slice(*cut)] for number in each.ids}
    assert len(lost) >= 3

    files = prepared()
    derived = derivation(files)
    holes, suspects = taken_in(derived, streamed(name, sample, messages, cut))
    assert expected.keys() - on_disk(files, name, sample.symbol).keys() == lost
    clock = VirtualClock(messages[-1].recv_ns + 8 * 10**9)
    recorder = Recorder(name, sample, derived, files, clock)
    metrics = Metrics(CollectorRegistry()).exchange(name)
    adapter, venue = registry.get(name), Venue(sample, told)
    profile = adapter.profile
    address = Address(profile.rest_weight_per_minute, 1.0, profile.ban_secs)
    approach = Approach(name, address, Purpose.REST, clock=clock, metrics=metrics)
    client = RestClient(ENDPOINT, venue, approach, Reach(name, clock))  # type: ignore[arg-type]
    filler = BackFiller(adapter, Allowance(adapter, lambda _: client), recorder, recorder, metrics)
    for suspected, records in ((False, holes), (True, suspects)):
        for record in records:
            hole = Hole.of(record, sample.symbol, suspected=suspected)
            assert hole is not None
            filler.offer(hole)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(filler.run)
        await trio.sleep(60.0)
        nursery.cancel_scope.cancel()
    now_ns = clock.now_ns()
    taken_in(derived, [Ticked(now_ns), Ticked(now_ns), Closed(now_ns)])

    found = on_disk(files, name, sample.symbol)
    assert found.keys() == expected.keys()
    assert venue.asked > 0
    for number, (*values, at_ns) in found.items():
        assert tuple(values) == expected[number][:3]
        assert abs(at_ns - expected[number][3]) < sample.finest_ns
    by_rest = rows(files, name, sample.symbol, "TRADES", late=True, origin=REST)
    assert set(by_rest["trade_id"].tolist()) == lost
    assert missing(each for each in gaps(files) if each["table"] == "TRADES") == []
