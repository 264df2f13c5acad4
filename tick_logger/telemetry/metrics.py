"""Counters, gauges and histograms of one process, in a registry that is passed in.

Names and help texts exist only here, in `exchange_metrics` and in `hole_metrics`.
"""

from __future__ import annotations

from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from tick_logger import core
from tick_logger.model.cause import Cause
from tick_logger.model.steps import Step
from tick_logger.telemetry.archive_metrics import ArchiveMetrics
from tick_logger.telemetry.exchange_metrics import ExchangeMetrics
from tick_logger.telemetry.families import PREFIX, Families
from tick_logger.telemetry.shown import OfExchanges
from tick_logger.telemetry.symbol_metrics import SymbolMetrics
from tick_logger.version import __version__

OF_STOPS = "/stops"
OF_HOW = "/"
"""Before the word for how holes ended that an exchange was asked about."""
OF_WHERE = "/"
"""Before the word for where objects are kept."""
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """All families of a process.  Reading never changes them.

    `by_symbol` adds some for each symbol and feed: thousands, where everything is recorded.
    """

    def __init__(self, registry: CollectorRegistry, *, by_symbol: bool = False) -> None:
        self.registry = registry
        self.symbols = SymbolMetrics() if by_symbol else None
        self._families = Families(registry)
        self._exchanges: dict[str, ExchangeMetrics] = {}
        self.archive = ArchiveMetrics(registry)
        self._disk()
        self._process()

    @classmethod
    def unserved(cls) -> Metrics:
        """Of a process that shows them to nobody."""
        return cls(CollectorRegistry())

    def _disk(self) -> None:
        """What is on its way to the disk, and the disk itself."""
        self.flush_seconds = self._histogram("flush_seconds", "Time to write one flush of rows")
        steps = Histogram(
            PREFIX + "flush_step_seconds",
            "Time of one flush in each of its steps",
            ["step"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.flush_step_seconds = {step: steps.labels(step.value) for step in Step}
        self.journal_fsync_seconds = self._histogram(
            "journal_fsync_seconds", "Time until what was written to the journal was durable"
        )
        self.checkpoint_seconds = self._histogram(
            "checkpoint_seconds", "Time to make the column files durable and save a checkpoint"
        )
        self.checkpoint_timestamp_seconds = self._gauge(
            "checkpoint_timestamp_seconds", "Unix time of the newest checkpoint"
        )
        self.channel_queue_depth = self._gauge(
            "channel_queue_depth", "Batches between decoding and the journal"
        )
        self.buffered_bytes = self._gauge(
            "buffered_bytes", "Bytes received but not yet written to the column files"
        )
        self.buffer_limit_bytes = self._gauge(
            "buffer_limit_bytes", "Bytes that may be buffered before messages are given up"
        )
        self.kept_reads_bytes = self._gauge(
            "kept_reads_bytes",
            "Memory for what was read and is not in the journal, which a killed process leaves",
        )
        self.reads_not_kept = self._counter(
            "reads_not_kept", "Reads that found no room in that memory"
        )
        self.write_failures = self._counter(
            "write_failures", "Work on the disk that failed, by what it was for", "kind"
        )
        self.write_retries = self._counter(
            "write_retries", "Attempts to do such work again", "kind"
        )
        self.ready = self._gauge("ready", "1 while everything received can be made durable")
        self.durable_lag_seconds = self._gauge(
            "durable_lag_seconds",
            "How long the oldest message that a power cut would take has been waiting",
        )
        self.journal_durable_seq = self._gauge(
            "journal_durable_seq", "Number of the first journal frame that is not durable"
        )
        self.backlog_forgotten = self._gauge(
            "backlog_forgotten",
            "Chunks of the journal that were let go and are read from it again",
        )
        self.journal_bytes = self._counter("journal_bytes", "Bytes written to the journal")
        self.disk_free_bytes = self._gauge(
            "disk_free_bytes", "Space left where is recorded, for this user"
        )
        self.disk_size_bytes = self._gauge("disk_size_bytes", "Size of that disk")

    def _process(self) -> None:
        """The process as such."""
        self.open_files = self._gauge("open_files", "File descriptors in use")
        self.event_loop_lag_seconds = self._gauge(
            "event_loop_lag_seconds",
            "Longest time of the last 15 s in which one task let no other run",
        )
        self.log_lines_left_out = self._counter(
            "log_lines_left_out", "Log lines left out because there were too many of a kind"
        )
        self.clock_held_seconds = self._gauge(
            "clock_held_seconds",
            "How far receive times are ahead of this machine's clock, which was set back",
        )
        self.alerts_posted = self._counter("alerts_posted", "Alerts that the webhook has taken")
        self.alert_post_failures = self._counter(
            "alert_post_failures", "Attempts to post an alert that failed"
        )
        self.alerts_given_up = self._counter(
            "alerts_given_up",
            "Alerts that the webhook did not take, or that had no room",
        )
        self.alerts_waiting = self._gauge("alerts_waiting", "Alerts that wait to be posted")
        self.start_timestamp_seconds = self._gauge(
            "start_timestamp_seconds", "Unix time of the start"
        )
        self.http_requests = Counter(
            PREFIX + "http_requests",
            "Requests answered over HTTP",
            ["path", "status"],
            registry=self.registry,
        )
        self.build_info = Gauge(
            PREFIX + "build_info",
            "Always 1; the labels say what runs, and whether with the compiled core",
            ["version", "core"],
            registry=self.registry,
        )
        core_in_use = "none" if core.compiled is None else "compiled"
        self.build_info.labels(__version__, core_in_use).set(1)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(PREFIX + name, text, registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(PREFIX + name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(PREFIX + name, text, buckets=SECONDS, registry=self.registry)

    def exchange(self, name: str) -> ExchangeMetrics:
        """The children of one exchange, the same ones at every call."""
        if name not in self._exchanges:
            self._exchanges[name] = ExchangeMetrics(self._families, name)
        return self._exchanges[name]

    def text(self, exchanges: Collection[str] | None = None) -> bytes:
        """Everything, as a scrape takes it; of exchanges only these (None: all)."""
        symbols = b"" if self.symbols is None else self.symbols.text(exchanges)
        if exchanges is None:
            return generate_latest(self.registry) + symbols
        shown = CollectorRegistry(auto_describe=False)
        shown.register(OfExchanges(self.registry, exchanges))
        return generate_latest(shown) + symbols

    def read(self, name: str, exchange: str) -> float:
        """The sum of the samples of this full name, such as `collector_rows_written_total`.

        Only its own family is asked.  Raises `KeyError` where there is none.
        """
        found = [
            sample.value
            for family in self.registry.restricted_registry([name]).collect()
            for sample in family.samples
            if sample.labels.get("exchange", "") == exchange
        ]
        if not found:
            raise KeyError((name, exchange))
        return sum(found)

    def read_by(self, name: str, label: str) -> dict[tuple[str, str], float]:
        """The samples of this full name by exchange and one more label; all others are summed."""
        found: dict[tuple[str, str], float] = {}
        for family in self.registry.restricted_registry([name]).collect():
            for sample in family.samples:
                if sample.name == name:
                    key = sample.labels["exchange"], sample.labels[label]
                    found[key] = found.get(key, 0.0) + sample.value
        return found

    def samples(self, names: Collection[str] | None = None) -> dict[tuple[str, str], float]:
        """By (full name, exchange) the sum of all samples, whatever else labels them.

        Only those of these full names, where some are given, which costs a fraction of all.

        The exchange is "" where there is none.  Of holes the share that a stop in order left has a
        name of its own, with `OF_STOPS`, and so has how they ended (`OF_HOW`) and where bytes are
        kept (`OF_WHERE`).  One pass over everything but numbers by symbol.
        """
        found: dict[tuple[str, str], float] = {}
        asked = self.registry if names is None else self.registry.restricted_registry(names)
        for family in asked.collect():
            for sample in family.samples:
                exchange = sample.labels.get("exchange", "")
                key = sample.name, exchange
                found[key] = found.get(key, 0.0) + sample.value
                if sample.labels.get("cause") == Cause.RESTART:
                    found[sample.name + OF_STOPS, exchange] = sample.value
                if "how" in sample.labels:
                    found[sample.name + OF_HOW + sample.labels["how"], exchange] = sample.value
                if "where" in sample.labels:
                    found[sample.name + OF_WHERE + sample.labels["where"], exchange] = sample.value
        return found
