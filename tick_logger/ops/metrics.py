"""Counters and gauges of one process, in a registry that is passed in.

Every exchange has its own children, bound to its label once, because looking a label up costs
three times as much as counting.  Names and help texts exist only here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

import tick_logger

PREFIX = "collector_"
FLUSH_BUCKETS_SECS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Family = TypeVar("Family", Counter, Gauge)


class _Families:
    """Families with the label `exchange`, each created at its first use."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._families: dict[str, Counter | Gauge] = {}

    def child(self, kind: type[Family], name: str, text: str, exchange: str) -> Family:
        if name not in self._families:
            self._families[name] = kind(PREFIX + name, text, ["exchange"], registry=self._registry)
        family = self._families[name]
        assert isinstance(family, kind)
        return family.labels(exchange)


class ExchangeMetrics:
    """The counters and gauges of one exchange."""

    def __init__(self, families: _Families, exchange: str) -> None:
        def counter(name: str, text: str) -> Counter:
            return families.child(Counter, name, text, exchange)

        def gauge(name: str, text: str) -> Gauge:
            return families.child(Gauge, name, text, exchange)

        self.messages_received = counter("messages_received", "Data messages received")
        self.bytes_received = counter("bytes_received", "Bytes of the messages received")
        self.messages_dropped = counter(
            "messages_dropped", "Messages given up because the buffer was full"
        )
        self.bytes_dropped = counter("bytes_dropped", "Bytes of the messages given up")
        self.parse_errors = counter("parse_errors", "Messages that could not be decoded")
        self.parse_circuit_breaks = counter(
            "parse_circuit_breaks", "Reconnects because too much could not be decoded"
        )
        self.reconnects = counter("reconnects", "Connections made again after one was lost")
        self.message_timeouts = counter(
            "message_timeouts", "Connections given up because no market data came"
        )
        self.ack_retries = counter("ack_retries", "Requests sent again for want of an answer")
        self.subscriptions_refused = counter(
            "subscriptions_refused", "Requests that the exchange refused"
        )
        self.pings_sent = counter("pings_sent", "WebSocket pings sent")
        self.rows_written = counter("rows_written", "Rows written to column files")
        self.late_rows = counter("late_rows", "Rows that came after their place was written")
        self.duplicates = counter("duplicates", "Rows that were there already")
        self.sequence_gaps = counter("sequence_gaps", "Holes written to the gaps files")
        self.ids_missing = counter("ids_missing", "Ids missing in these holes")

        self._count_sequences(counter)

        self.connections_up = gauge("connections_up", "Connections that are open")
        self.connections_wanted = gauge("connections_wanted", "Connections that should be open")
        self.symbols = gauge("symbols", "Symbols being recorded")
        self.symbols_left_out = gauge(
            "symbols_left_out", "Symbols wanted but beyond what the connections may carry"
        )
        self.subscriptions_silent = gauge(
            "subscriptions_silent", "Subscriptions that are acknowledged but silent"
        )
        self.last_data_seconds = gauge(
            "last_data_seconds", "Unix time of the newest market data, 0 before the first"
        )

    def _count_sequences(self, counter: Callable[[str, str], Counter]) -> None:
        """What is found out about the order and completeness of messages."""
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
        self.silent_renewals = counter(
            "silent_renewals", "Subscriptions made again because they had gone silent"
        )


class Metrics:
    """All families of a process.  Reading never changes them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._families = _Families(registry)
        self._exchanges: dict[str, ExchangeMetrics] = {}
        self.flush_seconds = Histogram(
            PREFIX + "flush_seconds",
            "Time to write one flush to the files",
            buckets=FLUSH_BUCKETS_SECS,
            registry=registry,
        )
        self.buffered_bytes = Gauge(
            PREFIX + "buffered_bytes", "Bytes received but not yet written", registry=registry
        )
        self.ready = Gauge(
            PREFIX + "ready", "1 while everything received can be made durable", registry=registry
        )
        self.durable_lag_seconds = Gauge(
            PREFIX + "durable_lag_seconds",
            "How long the oldest message that a power cut would take has been waiting",
            registry=registry,
        )
        self.journal_durable_seq = Gauge(
            PREFIX + "journal_durable_seq",
            "Number of the first journal frame that is not durable",
            registry=registry,
        )
        self.backlog_forgotten = Gauge(
            PREFIX + "backlog_forgotten",
            "Chunks of the journal that were let go and are read from it again",
            registry=registry,
        )
        self.journal_bytes = Gauge(
            PREFIX + "journal_bytes", "Bytes written to the journal", registry=registry
        )
        self.start_timestamp_seconds = Gauge(
            PREFIX + "start_timestamp_seconds", "Unix time of the start", registry=registry
        )
        self.build_info = Gauge(
            PREFIX + "build_info",
            "Always 1; the label says what runs",
            ["version"],
            registry=registry,
        )
        self.build_info.labels(tick_logger.__version__).set(1)

    def exchange(self, name: str) -> ExchangeMetrics:
        """The children of one exchange, the same ones at every call."""
        if name not in self._exchanges:
            self._exchanges[name] = ExchangeMetrics(self._families, name)
        return self._exchanges[name]

    def read(self, name: str, exchange: str) -> float:
        """One sample by its full name, such as `collector_rows_written_total`.

        Raises `KeyError` where there is none.
        """
        value = self.registry.get_sample_value(name, {"exchange": exchange})
        if value is None:
            raise KeyError(f"{name} of {exchange}")
        return value

    def samples(self) -> dict[tuple[str, str], float]:
        """Every sample with the label `exchange`, by (full name, exchange); one pass over all."""
        return {
            (sample.name, sample.labels["exchange"]): sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if "exchange" in sample.labels
        }
