"""Where the frames of all connections of one exchange come together and are decoded in batches.

Connections hand over what they read by a plain call that never waits, so a slow writer cannot keep
a socket from being read or a ping from being answered.  One task per exchange waits for a part of a
second (it lingers), has everything decoded that has come meanwhile, and sends the batch to the
writer, once for all frames in it.  It waits less while a connection awaits an answer, which may be
among the frames, and not at all when somebody wants to know what has come.

Invariant: an arrival is either decoded, or given up whole with a counter, a log line and an
`Interrupted` mark.  The bound is this exchange's share of the `ByteBudget`: frames wait as they
came, and are decoded only as far ahead of the journal as that allows.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Sequence

import attrs
import trio

from tick_logger.budget import FRAME_OVERHEAD_BYTES, ByteBudget
from tick_logger.exchanges.base import Exchange
from tick_logger.model.batch import Batch
from tick_logger.model.cause import Cause
from tick_logger.model.entries import Defined, Note
from tick_logger.model.instruments import Instruments
from tick_logger.model.marks import Interrupted, Mark, on_line
from tick_logger.model.payloads import Payloads
from tick_logger.model.routes import route_of
from tick_logger.model.wanted import WantedTables
from tick_logger.net.intake.arrivals import Arrival, Item, Said, Source, Streams, take_portion
from tick_logger.net.intake.decoder import PortionDecoder
from tick_logger.net.intake.keeping import Keeper, NothingKept
from tick_logger.net.intake.rates import Rates
from tick_logger.net.intake.rhythm import Rhythm
from tick_logger.telemetry.exchange_metrics import ExchangeMetrics
from tick_logger.telemetry.logs import get_logger

HURRY_FRAMES = 4_000
"""So many frames are decoded at once, while they are still in the processor's cache."""

AWAITED_SECS = 0.02
"""As long it lingers at most while an answer to a request is awaited: until its time-out, then."""

READ_AGAIN_SECS = 1.0
"""After the brake was let go, what had waited in sockets is read within less."""


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
        self._budget, self._share = budget, budget.share()
        self.brake = self._share.brake
        """Of the sockets from which this comes."""
        self.brake.on_change(self._brake_changed)
        self.keeper: Keeper = NothingKept()
        """Keeps what is taken until it is in the journal."""
        self._linger_secs = linger_secs
        self._metrics = metrics
        self._log = get_logger().bind(exchange=exchange.name)
        self._decoder = PortionDecoder(
            exchange, instruments, wanted, metrics=metrics, log=self._log, on_bug=on_bug
        )
        self._waiting: deque[Item] = deque()
        self._arrived = trio.Event()
        self._closing = trio.Event()
        self._lingering: trio.CancelScope | None = None
        self._due = math.inf  # trio's clock
        self._send: trio.MemorySendChannel[Batch] | None = None
        self._waiting_frames = 0
        self._overflows: dict[int, _Overflow] = {}
        self._taken = self._decoded = 0  # arrivals
        self._has_rows = False
        self._progress = trio.Event()

    # -- what connections call: never waits -------------------------------------------------------

    def put(self, source: Source, recv_ns: int, payloads: Sequence[bytes]) -> bool:
        """Take the payloads of one read, or give them up (False) if the budget is exhausted."""
        payloads = Payloads.of(payloads)
        size = payloads.nbytes + FRAME_OVERHEAD_BYTES * len(payloads)
        overflow = self._overflows.get(id(source))
        if overflow is not None:
            if not (self._share.half_free and self._share.take(size)):
                self._give_up(overflow, recv_ns, len(payloads), size)
                return False
            self._end_overflow(source, recv_ns)
            for mark in on_line(source.given_up(recv_ns), route_of(source.label)):
                self.mark(mark)
        elif not self._share.take(size):
            overflow = self._overflows[id(source)] = _Overflow(source)
            for streams in source.streams():
                line = route_of(source.label)
                self.mark(Interrupted(*streams, recv_ns, Cause.OVERFLOW, line))
            self._give_up(overflow, recv_ns, len(payloads), size)
            return False
        self._take(source, recv_ns, payloads, size)
        return True

    def put_if_room(self, source: Source, recv_ns: int, payloads: Sequence[bytes]) -> bool:
        """Take what can be asked for again, if half of the budget is free; False: nothing is lost.

        What comes from a stream comes once, so it has the room before this.
        """
        payloads = Payloads.of(payloads)
        size = payloads.nbytes + FRAME_OVERHEAD_BYTES * len(payloads)
        if not (self._share.half_free and self._share.take(size)):
            return False
        self._take(source, recv_ns, payloads, size)
        return True

    def _take(self, source: Source, recv_ns: int, payloads: Payloads, size: int) -> None:
        self.keeper.read(source.label, recv_ns, payloads)
        self._waiting.append(Arrival(source, recv_ns, trio.current_time(), payloads, size))
        self._waiting_frames += len(payloads)
        self._taken += 1
        self._arrived.set()
        if self._waiting_frames >= HURRY_FRAMES:
            self._pass_on_nowait()

    def awaiting(self) -> None:
        """An answer may be among what has come last: linger no longer than it may wait."""
        self._be_done_by(trio.current_time() + AWAITED_SECS)

    def mark(self, mark: Mark) -> None:
        """Pass a mark on, in order with the frames."""
        self._tell(mark)

    def want(self, wish: Defined) -> None:
        """Record these tables of an instrument, from the frames on that come after this."""
        self._tell(wish)

    def note(self, note: Note) -> None:
        """Write down, in order with the frames, what happened to a connection."""
        self._tell(note)

    def _tell(self, item: Said) -> None:
        self.keeper.said(self._decoder.told(item))
        self._waiting.append(item)
        self._arrived.set()

    def forget(self, source: Source) -> None:
        """The connection is gone; its share says whether another connection carries its streams."""
        overflow = self._overflows.get(id(source))
        if overflow is not None:
            self._end_overflow(source, overflow.last_ns)

    def rhythm(self, line: int) -> Rhythm:
        """How often each subscription usually delivers on a line, learned from what came there."""
        return self._decoder.rhythms[line]

    def rates(self, line: int) -> Rates:
        """How many messages each stream brings on a line, learned from what came there."""
        return self._decoder.rates[line]

    def asked(self, streams: Streams, now_ns: int) -> None:
        """These streams are asked for now: what is older says nothing about delays."""
        for instruments, tables in streams:
            self._decoder.delays.asked(tables, instruments, now_ns)

    def learn_anew(self, streams: Streams) -> None:
        """The silence of these streams that begins or ends now says nothing about the market."""
        for instruments, tables in streams:
            for table, instrument in itertools.product(tables, instruments):
                for rhythm in self._decoder.rhythms.values():
                    rhythm.begin_again(table, instrument, trio.current_time())

    def _brake_changed(self) -> None:
        """What waits in sockets says nothing about how often streams deliver."""
        for rhythm in self._decoder.rhythms.values():
            rhythm.begin_all_again(trio.current_time())
        if self.brake.is_on:
            self._metrics.read_pauses.inc()

    async def caught_up(self) -> None:
        """Return when everything that was taken so far, or waits in slow sockets, is decoded.

        That may be long while the writer stalls.  Whoever misses something waits for this first,
        because it may be waiting here.
        """
        while self.brake.is_on:
            await self.brake.released()
            await trio.sleep(READ_AGAIN_SECS)
        taken = self._taken
        while self._decoded < taken:
            self._be_done_by(trio.current_time())
            await self._progress.wait()

    def close(self) -> None:
        """Nothing more will come: decode what is there, then end."""
        self._closing.set()
        self._arrived.set()

    # -- the task --------------------------------------------------------------------------------

    async def run(self, send: trio.MemorySendChannel[Batch]) -> None:
        """Decode and pass on until closed and empty; closes `send` at the end.

        What the adapter raises is a bug.  `on_bug` is called at once; the bug is raised here at the
        end, when everything that had come was passed on raw.

        Cancellation: what is waiting is lost, so the caller shields this until the shutdown
        deadline and ends it by `close`.
        """
        with send:
            self._send = send
            while self._waiting or not self._closing.is_set():
                if not self._closing.is_set():
                    await self._arrived.wait()
                    await self._linger()
                self._arrived = trio.Event()
                self._send = None  # the order is kept: nothing overtakes what is waiting here
                waiting, self._waiting, self._waiting_frames = self._waiting, deque(), 0
                while waiting:
                    await self._budget.room_to_decode()
                    portion = take_portion(waiting)
                    try:
                        await send.send(self._decode(portion))
                    except trio.BrokenResourceError:
                        # The writer has failed; its own error ends the recording and says why.
                        return
                self._send = send
            self._send = None
        if self._decoder.bug is not None:
            raise self._decoder.bug

    async def _linger(self) -> None:
        """Return when it is time to decode what has come."""
        due = min(trio.current_time() + self._linger_secs, self._due)
        with trio.CancelScope(deadline=due) as self._lingering:
            await self._closing.wait()
        self._lingering, self._due = None, math.inf

    def _be_done_by(self, due: float) -> None:
        """Linger until then at most, now or when next."""
        self._due = min(self._due, due)
        if self._lingering is not None:
            self._lingering.deadline = min(self._lingering.deadline, due)

    def _pass_on_nowait(self) -> None:
        """Decode and pass on one portion at once, if nothing is in the way.

        If the writer is slow, or has failed, everything waits for the task instead: a batch needs
        room in the channel.
        """
        if self._send is None or not self._budget.may_decode or self._budget.waits_for_files:
            return
        channel = self._send.statistics()
        is_full = channel.current_buffer_used >= channel.max_buffer_size
        if not channel.open_receive_channels or is_full:
            return
        portion = take_portion(self._waiting)
        frames = sum(len(each.payloads) for each in portion if isinstance(each, Arrival))
        self._waiting_frames -= frames
        self._send.send_nowait(self._decode(portion))

    def _decode(self, portion: Sequence[Item]) -> Batch:
        """The batch of a portion; whoever waits until it is decoded is woken."""
        batch = self._decoder.batch(portion, self.keeper.next_taken(len(portion)))
        self.keeper.batch(batch.received)
        self._share.decoded(batch.frames_bytes, batch.rows_bytes)
        if batch.rows and not self._has_rows:
            self._has_rows = True
            self._log.info("recording")
        self._decoded += sum(isinstance(each, Arrival) for each in portion)
        assert self._decoded <= self._taken, "nothing is decoded twice"
        self._progress.set()
        self._progress = trio.Event()
        return batch

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
        for mark in on_line(source.reopened(at_ns), route_of(source.label)):
            self.mark(mark)
