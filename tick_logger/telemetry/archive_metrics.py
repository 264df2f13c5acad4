"""What is exported of the archive: packing, sending, and what waits.

An object holds all symbols of its exchange; the label `symbol` that other collectors have is "all".
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PREFIX = "collector_"
ALL = "all"
UPLOAD_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class ArchiveMetrics:
    """The families of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(PREFIX + name, text, labels, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(PREFIX + name, text, registry=registry)

        self.rows = counter("parquet_rows_written", "Rows packed as Parquet")
        self.rows_buffered = gauge(
            "parquet_rows_buffered", "Rows of sealed days that are due and not packed yet"
        )
        self.files = counter(
            "parquet_files_rotated", "Objects packed as Parquet", "exchange", "symbol"
        )
        self.write_errors = counter("parquet_write_errors", "Packing that failed")
        self.queue = gauge("upload_queue_depth", "Objects that are not verified where they belong")
        self.queue_bytes = gauge("upload_queue_bytes", "Bytes of these objects")
        self.oldest_seconds = gauge(
            "upload_oldest_seconds", "How long the oldest of these objects has been waiting"
        )
        self.upload_seconds = Histogram(
            PREFIX + "s3_upload_duration_seconds",
            "Time to put an object, read it back and compare it",
            buckets=UPLOAD_SECONDS,
            registry=registry,
        )
        self.uploads = counter(
            "s3_uploads_completed", "Objects verified in the bucket", "exchange", "symbol"
        )
        self.upload_errors = counter(
            "s3_upload_errors",
            "Attempts to bring an object there that failed",
            "exchange",
            "symbol",
        )
        self.upload_retries = counter("s3_upload_retries", "Attempts after the first of a cycle")
        self.unequal = counter(
            "upload_unequal", "Objects that were read back otherwise than packed"
        )
        self.released_days = counter("archive_released", "Days whose column files were let go of")
        self.kept_bytes = Gauge(
            PREFIX + "archive_bytes", "Bytes verified, by place", ["where"], registry=registry
        )
        for where in ("local", "s3"):
            self.kept_bytes.labels(where).set(0)

    @classmethod
    def unserved(cls) -> ArchiveMetrics:
        """Of a process that shows them to nobody."""
        return cls(CollectorRegistry())

    def begin(self, exchange: str) -> None:
        """Have a sample of this exchange in each family."""
        for family in (self.files, self.uploads, self.upload_errors):
            family.labels(exchange, ALL)
