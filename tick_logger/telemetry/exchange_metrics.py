"""The numbers of one exchange: counters, gauges and histograms.

Every exchange has its own children, bound to their labels once, because looking a label up costs
three times as much as counting.  There are a few dozen of them for each exchange, however many
symbols it has; numbers by symbol exist only where they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import Counter, Gauge

from tick_logger.errors import Step
from tick_logger.model.doubts import DoubtKind
from tick_logger.model.tables import FEED_OF, Table
from tick_logger.telemetry.families import Families
from tick_logger.telemetry.feed_metrics import FeedMetrics, Messages
from tick_logger.telemetry.histograms import Together
from tick_logger.telemetry.hole_metrics import HoleMetrics
from tick_logger.telemetry.load_metrics import LoadMetrics
from tick_logger.telemetry.sealed_day import SealedDay

BACKFILL_ENDS = ("rest", "void", "left", "denied")
"""How the asking about a hole ends: it is filled, the exchange lacks it too, it is given up, or it
was only suspected, and there is nothing."""


class ExchangeMetrics:
    """The counters, gauges and histograms of one exchange."""

    def __init__(self, families: Families, exchange: str) -> None:
        def counter(name: str, text: str) -> Counter:
            return families.family(Counter, name, text).labels(exchange)

        def gauge(name: str, text: str) -> Gauge:
            return families.family(Gauge, name, text).labels(exchange)

        self.messages_received = Messages(families, exchange)
        self.feeds = FeedMetrics(families, exchange)
        self.bytes_received = counter("bytes_received", "Bytes of the messages received")
        self._of_buffer(counter)
        self.parse_errors = counter(
            "parse_errors", "Messages that could not be decoded, or not all of them"
        )
        self.unknown_messages = counter(
            "unknown_messages", "Well-formed messages of kinds that are not known"
        )
        self.event_times_missing = counter(
            "event_times_missing", "Times that the exchange owed and did not send"
        )
        self.parse_circuit_breaks = counter(
            "parse_circuit_breaks", "Reconnects because too much could not be decoded"
        )
        self.reconnects = counter("reconnects", "Connections made again after one was lost")
        failures = families.family(
            Counter, "connect_failures", "Attempts to connect that came to nothing", "cause"
        )
        self.connect_failures = {
            step: failures.labels(exchange, step.name.lower()) for step in Step
        }
        self.message_timeouts = counter(
            "message_timeouts", "Connections given up because no market data came"
        )
        self.ack_retries = counter("ack_retries", "Requests sent again for want of an answer")
        self.subscriptions_refused = counter(
            "subscriptions_refused", "Requests that the exchange refused"
        )
        self.told_to_wait = counter(
            "told_to_wait", "Times that the exchange said to wait before the next approach"
        )
        self.subscriptions_postponed = counter(
            "subscriptions_postponed", "Requests for which the exchange was too busy"
        )
        self.pings_sent = counter("pings_sent", "Pings sent, of whatever kind the exchange wants")
        self.pongs_received = counter("pongs_received", "Answers to these pings")
        self.duplicates = counter("duplicates", "Rows that were there already")
        self.twin_rows = counter("twin_rows", "Rows that had come on the other of two lines before")
        self._count_lines(families, exchange)
        self.ids_missing = counter("ids_missing", "Ids missing in holes")
        self._count_sequences(counter)
        self._count_by_feed(families, exchange)
        self._count_backfill(counter, families, exchange)
        self._show_state(gauge)
        self._count_doubts(counter, families, exchange)
        self.sealed, self.load = SealedDay(gauge, counter), LoadMetrics(families, exchange)
        self.latency = Together(list(self.feeds.latency.values()))
        self.gap_size = families.gap_size.child(exchange)

    def _of_buffer(self, counter: Callable[[str, str], Counter]) -> None:
        self.messages_dropped = counter(
            "messages_dropped", "Messages given up because the buffer was full"
        )
        self.bytes_dropped = counter("bytes_dropped", "Bytes of the messages given up")
        self.read_pauses = counter(
            "read_pauses", "How often sockets were read slowly, because the buffer filled"
        )

    def _count_doubts(
        self, counter: Callable[[str, str], Counter], families: Families, exchange: str
    ) -> None:
        """Of rows that look wrong."""
        doubted = families.family(
            Counter, "quality_rows", "Rows that look wrong, by what is wrong with them", "kind"
        )
        self.quality_rows = {kind: doubted.labels(exchange, kind.value) for kind in DoubtKind}
        self.quality_marks_unwritten = counter(
            "quality_marks_unwritten", "Marks of such rows that are in no file"
        )

    def _count_lines(self, families: Families, exchange: str) -> None:
        """Of payloads that came on both lines, on which of the two first, and by how much."""
        text = "Payloads that came on both of two lines, by the line on which they came first"
        first = families.family(Counter, "twin_payloads", text, "line")
        text = "Seconds by which the line was first, of all these payloads together"
        lead = families.family(Counter, "twin_lead_seconds", text, "line")
        self._lines = [
            (first.labels(exchange, line), lead.labels(exchange, line)) for line in ("1", "2")
        ]

    def twins_first(self, line: int, count: int, lead_secs: float) -> None:
        """So many payloads came on this line (0 or 1) first, by so many seconds together."""
        first, lead = self._lines[line]
        first.inc(count)
        lead.inc(max(lead_secs, 0.0))

    def _count_backfill(
        self, counter: Callable[[str, str], Counter], families: Families, exchange: str
    ) -> None:
        """What becomes of holes that the exchange is asked about by REST, and who else asks."""
        self.candle_requests = counter("candle_requests", "Requests for minute candles")
        self.candle_failures = counter("candle_failures", "Symbols asked about candles in vain")
        self.backfill_requests = counter("backfill_requests", "Requests for missing trades")
        self.backfill_trades = counter("backfill_trades", "Missing trades in answers by REST")
        self.backfill_unneeded = counter(
            "backfill_unneeded", "Trades by REST that were recorded already"
        )
        self.backfill_ids_denied = counter(
            "backfill_ids_denied", "Missing ids that the exchange has by REST neither"
        )
        self.backfill_ids_differ = counter(
            "backfill_ids_differ", "Answers by REST whose ids are not those of the stream"
        )
        holes = families.family(
            Counter,
            "backfill_holes",
            "Holes that the exchange was asked about, at their end",
            "how",
        )
        self._backfill_holes = {how: holes.labels(exchange, how) for how in BACKFILL_ENDS}
        self.backfill_waiting = families.family(
            Gauge, "backfill_waiting", "Holes that wait to be asked about by REST"
        ).labels(exchange)

    def backfill_holes(self, how: str) -> Counter:
        """The holes that ended so (`BACKFILL_ENDS`)."""
        return self._backfill_holes[how]

    def _show_state(self, gauge: Callable[[str, str], Gauge]) -> None:
        """How things are now."""
        self.websocket_connected = gauge(
            "websocket_connected", "1 while all connections that should be open are open"
        )
        self.connections_up = gauge("connections_up", "Connections that are open")
        self.connections_wanted = gauge("connections_wanted", "Connections that should be open")
        self.symbols = gauge("symbols", "Symbols being recorded")
        self.symbols_left_out = gauge(
            "symbols_left_out", "Symbols wanted but beyond what the connections may carry"
        )
        self.stopped_symbols = gauge(
            "stopped_symbols", "Symbols not recorded while the program was stopped in order"
        )
        self.stopped_seconds = gauge(
            "stopped_seconds", "For how long it did not record them, at its last start"
        )
        self.symbols_not_listed = gauge(
            "symbols_not_listed", "Configured symbols and patterns that match nothing listed"
        )
        self.symbols_kept = gauge(
            "symbols_kept",
            "Symbols recorded for a while though halted or not listed, or just back from that",
        )
        self.streams_unwritable = gauge(
            "streams_unwritable", "Folders and files that alone cannot be written now"
        )
        self.listing_entries_odd = gauge(
            "listing_entries_odd", "Entries of the newest listing that are not as they should be"
        )
        self.subscriptions_silent = gauge(
            "subscriptions_silent", "Subscriptions that are acknowledged but silent"
        )
        self.token_rejected = gauge(
            "token_rejected", "1 while requests go unsigned because the exchange rejected the key"
        )
        self.last_message_timestamp_seconds = gauge(
            "last_message_timestamp_seconds",
            "Unix time of the newest market data, 0 before the first",
        )
        self.rest_waits_until_timestamp_seconds = gauge(
            "rest_waits_until_timestamp_seconds",
            "Unix time before which the exchange wants no request by REST, 0 if it never said so",
        )
        self.connects_wait_until_timestamp_seconds = gauge(
            "connects_wait_until_timestamp_seconds",
            "Unix time before which the exchange wants no new connection, 0 if it never said so",
        )
        self.clock_offset_seconds = gauge(
            "clock_offset_seconds",
            "How far the exchange's times are ahead of this machine's clock, 0 while unknown",
        )

    def _count_sequences(self, counter: Callable[[str, str], Counter]) -> None:
        """What is found out about the order and completeness of messages."""
        self.book_snapshots_missing = counter(
            "book_snapshots_missing", "Books whose snapshot did not come after they were granted"
        )
        self.sequence_breaks = counter(
            "sequence_breaks", "Messages before which others of their sequence are missing"
        )
        self.sequence_resets = counter("sequence_resets", "Sequences that began anew")
        self.sequence_duplicates = counter(
            "sequence_duplicates", "Messages that came twice, by their place in a sequence"
        )
        self.out_of_order = counter(
            "out_of_order", "Messages that came after later ones of their sequence"
        )
        self.book_resyncs = counter("book_resyncs", "Books begun anew because they were broken")
        self.unproven_id_holes = counter(
            "unproven_id_holes", "Holes in ids that seem to rise by one, which nobody promises"
        )
        self.ids_begun_again = counter(
            "ids_begun_again", "Streams whose ids went on from a lower one, each time"
        )
        self.stray_ids = counter(
            "stray_ids", "Trades whose id fits nowhere among those around them"
        )
        self.silent_renewals = counter(
            "silent_renewals", "Subscriptions made again because they had gone silent"
        )

    def _count_by_feed(self, families: Families, exchange: str) -> None:
        """What is put on disk."""
        rows = families.family(Counter, "rows_written", "Rows written to column files", "feed")
        self.prices_inexact = families.family(
            Counter, "prices_inexact", "Prices written of which not every digit comes back"
        ).labels(exchange)
        late = families.family(
            Counter, "late_rows", "Rows that came after their place was written", "feed"
        )
        aside = families.family(
            Counter, "rows_aside", "Rows kept apart because their time cannot be right", "feed"
        )
        unwritten = families.family(
            Counter, "rows_unwritten", "Rows whose files alone cannot be written", "feed"
        )
        self.rows_unwritten = {table: unwritten.labels(exchange, FEED_OF[table]) for table in Table}
        self.rows_aside = {table: aside.labels(exchange, FEED_OF[table]) for table in Table}
        self.rows_written = {table: rows.labels(exchange, FEED_OF[table]) for table in Table}
        self.late_rows = {table: late.labels(exchange, FEED_OF[table]) for table in Table}
        self.holes = HoleMetrics(families, exchange)
