"""Where the frames of all connections of one exchange come together and are decoded in batches.

Connections hand over what they read by a plain call that never waits, so a slow writer cannot keep
a socket from being read or a ping from being answered.  One task per exchange lingers for a few
milliseconds, decodes everything that has come since in one go, tells the connections what their
venue said, and passes the rows on through one channel crossing.

Invariant: an arrival is either decoded, or given up whole with a counter, a log line and an
`Interrupted` mark.  The bound is the shared `ByteBudget`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

import attrs
import numpy as np
import trio

from tick_logger.budget import FRAME_OVERHEAD_BYTES, ByteBudget
from tick_logger.exchanges.base import Decoded, Event, Exchange
from tick_logger.exchanges.decoding import Recordable, decode
from tick_logger.model.batch import Batch
from tick_logger.model.cause import Cause
from tick_logger.model.entries import Defined, Note, Received, joined
from tick_logger.model.instruments import Instruments
from tick_logger.model.marks import Interrupted, Mark, Resumed
from tick_logger.model.wanted import WantedTables
from tick_logger.net.intake.arrivals import Arrival, Item, Source, count_frames, portions_of
from tick_logger.net.intake.latency import Delays
from tick_logger.net.intake.rhythm import Rhythm
from tick_logger.telemetry.exchange_metrics import ExchangeMetrics
from tick_logger.telemetry.logs import get_logger

DEFINE_AGAIN_SECS = 60.0
"""What is recorded is said again so often, for whoever reads a journal that has lost something."""

HURRY_FRAMES = 4_000
"""So many frames do not linger: decoded at once, they are still in the processor's cache."""


@attrs.define
class _Overflow:
    source: Source
    messages: int = 0
    last_ns: int = 0


class Intake:
    """The frames of one exchange between socket and writer."""

    def __init__(
        self,
        exchange: Exchange,
        instruments: Instruments,
        wanted: WantedTables,
        *,
        budget: ByteBudget,
        linger_secs: float,
        metrics: ExchangeMetrics,
        on_bug: Callable[[], None],
    ) -> None:
        self._on_bug = on_bug
        self._exchange = exchange
        self._instruments = instruments
        self._symbols = instruments.of(exchange.name)
        self._wanted = wanted
        self._budget = budget
        self._linger_secs = linger_secs
        self._metrics = metrics
        self._log = get_logger().bind(exchange=exchange.name)
        self._waiting: list[Item] = []
        self._arrived = trio.Event()
        self._closing = trio.Event()
        self._send: trio.MemorySendChannel[Batch] | None = None
        self._waiting_frames = 0
        self._overflows: dict[int, _Overflow] = {}
        self._taken = self._decoded = 0  # arrivals
        self._progress = trio.Event()
        self._bug: Exception | None = None
        self._define_again_at = 0.0
        self.rhythm = Rhythm()  # of what the venue delivers
        self.delays = Delays()

    # -- what connections call: never waits -------------------------------------------------------

    def put(self, source: Source, recv_ns: int, payloads: Sequence[bytes]) -> None:
        """Take the payloads of one read, or give them up if the budget is exhausted."""
        size = sum(map(len, payloads)) + FRAME_OVERHEAD_BYTES * len(payloads)
        overflow = self._overflows.get(id(source))
        if overflow is not None:
            if not (self._budget.half_free and self._budget.take(size)):
                self._give_up(overflow, recv_ns, len(payloads), size)
                return
            self._end_overflow(source, recv_ns)
            for mark in source.given_up(recv_ns):
                self.mark(mark)
        elif not self._budget.take(size):
            overflow = self._overflows[id(source)] = _Overflow(source)
            for streams in source.streams():
                self.mark(Interrupted(*streams, recv_ns, Cause.OVERFLOW))
            self._give_up(overflow, recv_ns, len(payloads), size)
            return
        self._waiting.append(Arrival(source, recv_ns, trio.current_time(), payloads, size))
        self._waiting_frames += len(payloads)
        self._taken += 1
        self._arrived.set()
        if self._waiting_frames >= HURRY_FRAMES:
            self._pass_on_nowait()

    def mark(self, mark: Mark) -> None:
        """Pass a mark on, in order with the frames."""
        self._waiting.append(mark)
        self._arrived.set()

    def want(self, wish: Defined) -> None:
        """Record these tables of an instrument from now on: of the frames that come after this."""
        self._waiting.append(wish)
        self._arrived.set()

    def note(self, note: Note) -> None:
        """Write down, in order with the frames, what happened to a connection."""
        self._waiting.append(note)
        self._arrived.set()

    def forget(self, source: Source) -> None:
        """The connection is gone; whether another carries its streams is for others to say."""
        overflow = self._overflows.get(id(source))
        if overflow is not None:
            self._end_overflow(source, overflow.last_ns)

    async def caught_up(self) -> None:
        """Return when everything that was taken so far is decoded.

        While the writer stalls that may be long, and what seems missing may be waiting here.
        """
        taken = self._taken
        while self._decoded < taken:
            await self._progress.wait()

    def close(self) -> None:
        """Nothing more will come: decode what is there, then end."""
        self._closing.set()
        self._arrived.set()

    # -- the task --------------------------------------------------------------------------------

    async def run(self, send: trio.MemorySendChannel[Batch]) -> None:
        """Decode and pass on until closed and empty; closes `send` at the end.

        What the adapter raises is a bug: `on_bug` hears of it at once, and it is raised at the end,
        when all that came until then was passed on as it came.

        Cancellation: what is waiting is lost, so the caller shields this until the shutdown
        deadline and ends it by `close`.
        """
        with send:
            self._send = send
            while self._waiting or not self._closing.is_set():
                if not self._closing.is_set():
                    await self._arrived.wait()
                    with trio.move_on_after(self._linger_secs):
                        await self._closing.wait()
                self._arrived = trio.Event()
                self._send = None  # the order is kept: nothing overtakes what is waiting here
                for portion in self._take_portions():
                    try:
                        await send.send(self._decode(portion))
                    except trio.BrokenResourceError:
                        # The writer has failed; its own error ends the recording and says why.
                        return
                self._send = send
            self._send = None
        if self._bug is not None:
            raise self._bug

    def _pass_on_nowait(self) -> None:
        """Decode and pass on at once, if nothing is in the way.

        Behind a writer that is slow, or has failed, things wait for the task: what was decoded must
        have a place to go to.
        """
        if self._send is None:
            return
        channel = self._send.statistics()
        room = channel.max_buffer_size - channel.current_buffer_used
        if not channel.open_receive_channels or len(self._waiting) > room:  # at most a portion each
            return
        for portion in self._take_portions():
            self._send.send_nowait(self._decode(portion))

    def _take_portions(self) -> Iterator[list[Item]]:
        """What is waiting, in portions; their memory is free when they are let go."""
        portions = portions_of(self._waiting)
        self._waiting, self._waiting_frames = [], 0
        portions.reverse()
        while portions:
            yield portions.pop()

    def _decode(self, items: Sequence[Item]) -> Batch:
        """Decode consecutive arrivals; marks keep their place before the rows of the batch."""
        arrivals = [item for item in items if isinstance(item, Arrival)]
        notes = tuple(item for item in items if isinstance(item, Note))
        marks = [item for item in items if not isinstance(item, Arrival | Note | Defined)]
        for item in items:
            if isinstance(item, Defined):
                self._wanted.set(item.instrument, item.tables)
        payloads = list(itertools.chain.from_iterable(item.payloads for item in arrivals))
        counts = np.array([len(item.payloads) for item in arrivals], np.uint32)
        recv = np.array([item.recv_ns for item in arrivals], np.int64)
        lengths, blob = joined(payloads)
        received = Received(
            exchange=self._exchange.name,
            connections=tuple(item.source.label for item in arrivals),
            recv_ns=recv,
            counts=counts,
            lengths=lengths,
            payloads=blob,
            defined=self._take_definitions(),
            notes=notes,
        )
        size = sum(item.size_bytes for item in arrivals)
        self._metrics.messages_received.inc(len(payloads))
        self._metrics.bytes_received.inc(len(blob))
        self._decoded += len(arrivals)
        self._progress.set()
        self._progress = trio.Event()
        if self._bug is not None:
            return self._give_raw(arrivals, received, marks, size)
        try:
            # Rows first: what a connection is told may end the wish for rows that came before.
            found = decode(
                self._exchange,
                payloads,
                received.recv_ns_of_payloads(),
                self._symbols,
                self._wanted,
            )
            marks += self._tell(arrivals, received, found.decoded)
        except Exception as error:  # noqa: BLE001 - a bug, raised again once the raw data is safe
            self._bug = error
            self._on_bug()
            return self._give_raw(arrivals, received, marks, size)
        self._report_bad(found, payloads)
        if found.rows:
            self._metrics.latency.observe(self.delays.secs(found.rows))
        return Batch(attrs.evolve(received, marks=tuple(marks)), found.rows, found.aside, size)

    def _give_raw(
        self,
        arrivals: Sequence[Arrival],
        received: Received,
        marks: list[Mark],
        size: int,
    ) -> Batch:
        """What the adapter failed on, and all that comes after, as it came."""
        sources = {id(item.source): item for item in reversed(arrivals)}  # the first of each
        marks += [
            Interrupted(*streams, each.recv_ns, Cause.ADAPTER)
            for each in sources.values()
            for streams in each.source.streams()
        ]
        return Batch(attrs.evolve(received, marks=tuple(marks), decodable=False), budget_bytes=size)

    def _take_definitions(self) -> tuple[Defined, ...]:
        """What is recorded from here on, as far as it has changed."""
        if trio.current_time() >= self._define_again_at:
            self._define_again_at = trio.current_time() + DEFINE_AGAIN_SECS
            self._wanted.repeat_all()
        return tuple(
            Defined(
                instrument, self._instruments.name(instrument)[1], self._wanted.tables(instrument)
            )
            for instrument in self._wanted.take_changes()
        )

    def _tell(
        self, arrivals: Sequence[Arrival], received: Received, decoded: Decoded
    ) -> list[Mark]:
        """Let each connection know what came on it; returns what follows for the pipeline."""
        counts = received.counts.tolist()
        owner = np.repeat(np.arange(len(arrivals), dtype=np.int32), received.counts)
        with_data = np.zeros(len(arrivals), np.bool_)
        arrived = np.array([item.arrived for item in arrivals], np.float64)
        for rows in decoded.rows:
            whose = owner[rows.frame]
            with_data[whose] = True
            self.rhythm.delivered(rows.table, rows.columns["instrument"], arrived[whose])
        frames: dict[int, list[int]] = {}  # id(source) -> [frames, bad, with data]
        sources = {id(item.source): item.source for item in arrivals}
        for index, (item, count) in enumerate(zip(arrivals, counts, strict=True)):
            tally = frames.setdefault(id(item.source), [0, 0, 0])
            tally[0] += count
            tally[2] += with_data[index]
        for bad in decoded.bad:
            frames[id(arrivals[owner[bad.frame]].source)][1] += 1
        events: dict[int, list[tuple[int, Event]]] = {}
        for frame, event in decoded.events:
            item = arrivals[owner[frame]]
            events.setdefault(id(item.source), []).append((item.recv_ns, event))
        for key, (total, bad_frames, data) in frames.items():
            sources[key].decoded(total, bad_frames, bool(data))
        marks = count_frames(arrivals, owner, received, decoded.counted)
        return marks + [mark for key, said in events.items() for mark in sources[key].said(said)]

    def _give_up(self, overflow: _Overflow, recv_ns: int, frames: int, size: int) -> None:
        overflow.messages += frames
        overflow.last_ns = recv_ns
        self._metrics.messages_dropped.inc(frames)
        self._metrics.bytes_dropped.inc(size)
        self._log.error(
            "overflow",
            connection=overflow.source.label,
            messages=frames,
            explanation="the writer is too slow or stalled and the buffer is full; "
            "these messages are given up and the gap is recorded",
        )

    def _end_overflow(self, source: Source, at_ns: int) -> None:
        overflow = self._overflows.pop(id(source))
        self._log.warning("overflow_ended", connection=source.label, messages=overflow.messages)
        for streams in source.open_streams():  # the others begin when they are acknowledged
            self.mark(Resumed(*streams, at_ns))

    def _report_bad(self, found: Recordable, payloads: Sequence[bytes]) -> None:
        bad = found.decoded.bad
        if not bad:
            return
        self._metrics.parse_errors.inc(len(bad))
        first = bad[0]
        self._log.warning(
            "undecodable",
            messages=len(bad),
            reason=first.reason,
            begins=payloads[first.frame][:120].decode("utf-8", "replace"),
        )
