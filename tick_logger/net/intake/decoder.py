"""Makes one batch of what has come: rows by the exchange's adapter, marks by its connections.

    portion -> (without what came on the other line) received -> decoded
            -> connections hear of it -> batch
                      `-> (the adapter has failed) -> raw batch

Invariant: whatever the adapter does, the payloads of a portion are in its batch, as they came, but
for those that came before, byte for byte, on the other line (`payload_twins`).

Not here: what waits, for how long, and where batches go (`intake`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import numpy as np
import trio
from structlog.typing import FilteringBoundLogger

from tick_logger.exchanges.base import BadFrame, Decoded, Exchange, UnknownKind
from tick_logger.exchanges.decoding import Recordable, decode
from tick_logger.model.batch import Batch
from tick_logger.model.cause import Cause
from tick_logger.model.entries import Defined, Note, Received
from tick_logger.model.instruments import Instruments
from tick_logger.model.marks import Interrupted, Mark, on_line
from tick_logger.model.payloads import Payloads
from tick_logger.model.routes import LINES, REST, route_of, routes_of
from tick_logger.model.tables import FEED_OF, Table
from tick_logger.model.wanted import WantedTables
from tick_logger.net.intake.arrivals import Arrival, Item, Said
from tick_logger.net.intake.heard import heard_by
from tick_logger.net.intake.latency import Delays
from tick_logger.net.intake.payload_twins import PayloadTwins, Portion
from tick_logger.net.intake.rates import Rates
from tick_logger.net.intake.rhythm import Rhythm
from tick_logger.net.intake.thinning import thinned, together
from tick_logger.telemetry.exchange_metrics import ExchangeMetrics

DEFINE_AGAIN_SECS = 60.0
"""What is recorded is said again so often, for whoever reads a journal that has lost something."""

_NONE, _NO_TIMES = np.empty(0, np.uint32), np.empty(0, np.int64)

MAX_KINDS_NAMED = 100
"""Unknown kinds of messages that get a log line each; the others are only counted."""


class PortionDecoder:
    """Decodes the portions of one exchange; what it finds teaches `rhythms`, `rates` and `delays`.

    When the adapter raises, `on_bug` is called, `bug` keeps what was raised, and everything from
    that portion on is passed on raw.
    """

    def __init__(
        self,
        exchange: Exchange,
        instruments: Instruments,
        wanted: WantedTables,
        *,
        metrics: ExchangeMetrics,
        log: FilteringBoundLogger,
        on_bug: Callable[[], None],
    ) -> None:
        self.rhythms = {line: Rhythm() for line in LINES}
        self.rates = {line: Rates() for line in LINES}
        self.delays = Delays()
        self.bug: Exception | None = None
        self._exchange = exchange
        self._instruments = instruments
        self._symbols = instruments.of(exchange.name)
        self._wanted = wanted
        self._metrics = metrics
        self._log = log
        self._on_bug = on_bug
        self._twins = PayloadTwins()
        self._define_again_at = 0.0
        self._kinds_named: set[str] = set()

    def told(self, item: Said) -> Received:
        """An entry that says this, and has no arrivals."""
        nothing = Received(self._exchange.name, (), _NO_TIMES, _NONE, _NONE, b"")
        match item:
            case Note():
                return attrs.evolve(nothing, notes=(item,))
            case Defined(instrument, symbol, tables):
                defined = self._definition(instrument, symbol, tables)
                return attrs.evolve(nothing, defined=(defined,))
        return attrs.evolve(nothing, marks=(item,))

    def batch(self, items: Sequence[Item], taken: int = 0) -> Batch:
        """The batch of one portion, in which no mark follows an arrival.

        `taken` is the number of its last item, 0 where they are not numbered.
        """
        arrivals = [item for item in items if isinstance(item, Arrival)]
        assert not arrivals or items[-len(arrivals)] is arrivals[0], "marks come before all rows"
        marks = [item for item in items if not isinstance(item, Arrival | Note | Defined)]
        for item in items:
            if isinstance(item, Defined):
                self._wanted.set(item.instrument, item.tables)
        payloads = Payloads.joined([item.payloads for item in arrivals])
        received = self._received(items, arrivals, payloads, taken)
        size = sum(item.size_bytes for item in arrivals)
        decoded = self._decode(arrivals, payloads, received)
        if decoded is None:
            self._metrics.messages_received.inc(len(payloads))
            marks += _not_decoded(arrivals)
            received = attrs.evolve(received, marks=tuple(marks), decodable=False)
            return Batch(received, frames_bytes=size)
        found, followed, received = decoded
        is_whole = len(received.lengths) == len(payloads)
        self._report(found.decoded, payloads if is_whole else received.split())
        for rows in found.rows:
            if rows.route != REST:
                self._metrics.feeds.latency[FEED_OF[rows.table]].observe(self.delays.secs([rows]))
        received = attrs.evolve(received, marks=(*marks, *followed))
        held = sum(rows.nbytes for rows in found.rows)
        held += sum(len(aside.payload) for aside in found.aside)
        return Batch(received, found.rows, found.aside, size, found.losses, held)

    def _received(
        self, items: Sequence[Item], arrivals: Sequence[Arrival], payloads: Payloads, taken: int
    ) -> Received:
        """What has come, as the journal will hold it, but for the marks."""
        self._metrics.bytes_received.inc(payloads.nbytes)
        return Received(
            exchange=self._exchange.name,
            connections=tuple(item.source.label for item in arrivals),
            recv_ns=np.array([item.recv_ns for item in arrivals], np.int64),
            counts=np.array([len(item.payloads) for item in arrivals], np.uint32),
            lengths=payloads.lengths,
            payloads=payloads.block,
            defined=self._take_definitions(),
            notes=tuple(item for item in items if isinstance(item, Note)),
            taken=taken,
        )

    def _decode(
        self, arrivals: Sequence[Arrival], payloads: Payloads, received: Received
    ) -> tuple[Recordable, list[Mark], Received] | None:
        """Rows, the marks that follow, and what is to be kept of what was received.

        None if the adapter has failed, now or before.
        """
        if self.bug is not None:
            return None
        try:
            # Rows first: what a connection hears may end the recording of rows that came before.
            portion = self._twins.look(arrivals)
            if portion is None:
                found = self._decoded(payloads, received)
                return found, self._tell(arrivals, received, found.decoded), received
            kept, found = self._without_twins(portion, payloads, received)
            self._count_twins(portion, arrivals, received)
            said = together([portion.said, *portion.echoes()])
            return found, self._tell(arrivals, received, said), kept
        except Exception as error:  # noqa: BLE001 - a bug, raised again once the raw data is safe
            self.bug = error
            self._on_bug()
            return None

    def _decoded(self, payloads: Payloads, received: Received) -> Recordable:
        times, routes = received.recv_ns_of_payloads(), received.routes_of_payloads()
        return decode(self._exchange, payloads, times, self._symbols, self._wanted, routes)

    def _without_twins(
        self, portion: Portion, payloads: Payloads, received: Received
    ) -> tuple[Received, Recordable]:
        """What is left without twins, and what it says."""
        for _ in range(2):  # once more if some turn out to be no twins
            frames = [frame for frame in range(len(payloads)) if frame not in portion.twins]
            left = Payloads.of([portion.payloads[frame] for frame in frames])
            kept = thinned(received, left, frames)
            found, twins = self._decoded(left, kept), len(portion.twins)
            portion.settle(found.decoded.moved(frames), self._exchange.twins)
            if len(portion.twins) == twins:
                break
        assert len(left) + len(portion.twins) == len(payloads), "each is decoded, or a twin"
        return kept, found

    def _count_twins(
        self, portion: Portion, arrivals: Sequence[Arrival], received: Received
    ) -> None:
        """Count twins, and by how much which line was first."""
        if not portion.twins:
            return
        frames = np.fromiter(portion.twins, np.int64, len(portion.twins))
        owner = np.repeat(np.arange(len(arrivals)), received.counts)[frames]
        at = np.array([item.arrived for item in arrivals])[owner]
        lead = at - np.array([at for _, _, at in portion.twins.values()])
        lines = routes_of(received.connections)[owner]
        for line in LINES:
            mine = lines == 1 - line  # those that came second
            self._metrics.twins_first(line, int(mine.sum()), float(lead[mine].sum()))

    def _tell(
        self, arrivals: Sequence[Arrival], received: Received, decoded: Decoded
    ) -> list[Mark]:
        """Let each connection know what came on it; returns what follows for the pipeline."""
        owner = np.repeat(np.arange(len(arrivals), dtype=np.int32), received.counts)
        assert len(owner) == len(received.lengths), "as many frames as were received"
        with_data = np.zeros(len(arrivals), np.bool_)
        arrived = np.array([item.arrived for item in arrivals], np.float64)
        assert not len(arrived) or arrived[0] <= arrived[-1], "trio's clock does not go backwards"
        routes = routes_of(received.connections)
        asked = REST in routes
        self._metrics.messages_received.count(len(owner), decoded.rows)
        for rows in decoded.rows:
            frames, instruments = rows.frame, rows.columns["instrument"]
            whose = owner[frames]
            if asked:  # what was asked for says nothing about the streams
                streamed = routes[whose] != REST
                whose, frames = whose[streamed], frames[streamed]
                instruments = np.asarray(instruments)[streamed]
                if not len(whose):
                    continue
            with_data[whose] = True
            self._metrics.feeds.delivered(rows.table, arrivals[int(whose[-1])].recv_ns)
            for line, rhythm in self.rhythms.items():
                mine = routes[whose] == line
                if mine.all():
                    rhythm.delivered(rows.table, instruments, arrived[whose])
                    self.rates[line].delivered(rows.table, instruments, frames, arrived[-1])
                    break
                if mine.any():
                    rhythm.delivered(rows.table, instruments[mine], arrived[whose][mine])
                    of_line = instruments[mine], frames[mine]
                    self.rates[line].delivered(rows.table, *of_line, arrived[-1])
        told = heard_by(arrivals, received, owner, with_data, decoded)
        return [
            mark
            for source, heard in told
            for mark in on_line(source.heard(heard), route_of(source.label))
        ]

    def _take_definitions(self) -> tuple[Defined, ...]:
        """What is recorded from here on, as far as it has changed."""
        if trio.current_time() >= self._define_again_at:
            self._define_again_at = trio.current_time() + DEFINE_AGAIN_SECS
            self._wanted.repeat_all()
        return tuple(
            self._definition(each, self._instruments.name(each)[1], self._wanted.tables(each))
            for each in self._wanted.take_changes()
        )

    def _definition(self, instrument: int, symbol: str, recorded: tuple[Table, ...]) -> Defined:
        shown = self._exchange.unproven(symbol)
        return Defined(instrument, symbol, recorded, tuple(t for t in shown if t in recorded))

    def _report(self, decoded: Decoded, payloads: Sequence[bytes]) -> None:
        """Count, and say, what was not understood."""
        if decoded.bad:
            self._report_bad(decoded.bad, payloads)
        if decoded.unknown:
            self._report_unknown(decoded.unknown, payloads)
        if decoded.untimed:
            self._metrics.event_times_missing.inc(decoded.untimed)
            self._log.warning(
                "event_times_missing",
                values=decoded.untimed,
                explanation="the receive time stands in, or that of the row before",
            )

    def _report_bad(self, bad: Sequence[BadFrame], payloads: Sequence[bytes]) -> None:
        self._metrics.parse_errors.inc(len(bad))
        first = bad[0]
        self._log.warning(
            "undecodable",
            messages=len(bad),
            in_part=sum(each.in_part for each in bad),
            reason=first.reason,
            begins=_beginning(payloads[first.frame]),
        )

    def _report_unknown(self, unknown: Sequence[UnknownKind], payloads: Sequence[bytes]) -> None:
        self._metrics.unknown_messages.inc(len(unknown))
        for each in unknown:
            if each.kind in self._kinds_named or len(self._kinds_named) >= MAX_KINDS_NAMED:
                continue
            self._kinds_named.add(each.kind)
            self._log.warning(
                "unknown_kind_of_message",
                kind=each.kind,
                begins=_beginning(payloads[each.frame]),
                explanation="said once for each kind; nothing that is recorded is missing for it",
            )


def _beginning(payload: bytes) -> str:
    return payload[:120].decode("utf-8", "replace")


def _not_decoded(arrivals: Sequence[Arrival]) -> list[Mark]:
    """Everything that the connections of these arrivals carry lacks rows from here on."""
    first = {id(item.source): item for item in reversed(arrivals)}  # of each connection
    return [
        Interrupted(*streams, item.recv_ns, Cause.ADAPTER, route_of(item.source.label))
        for item in first.values()
        for streams in item.source.streams()
    ]
