"""Dashboards and alerts ask only for what the recorder exports."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from tests.config.operations import every_expression
from tests.config.promql import complaints, exported
from tick_logger.ops.metrics import Metrics

BY_PROMETHEUS = {
    "up": frozenset[str](),
    "ALERTS": frozenset({"alertname", "alertstate", "severity"}),
}

BY_NODE_EXPORTER = {
    "node_boot_time_seconds": frozenset[str](),
    "node_cpu_seconds_total": frozenset({"cpu", "mode"}),
    "node_disk_io_time_seconds_total": frozenset({"device"}),
    "node_disk_write_time_seconds_total": frozenset({"device"}),
    "node_disk_writes_completed_total": frozenset({"device"}),
    "node_disk_written_bytes_total": frozenset({"device"}),
    "node_filefd_allocated": frozenset[str](),
    "node_filefd_maximum": frozenset[str](),
    "node_filesystem_avail_bytes": frozenset({"device", "fstype", "mountpoint"}),
    "node_filesystem_size_bytes": frozenset({"device", "fstype", "mountpoint"}),
    "node_load5": frozenset[str](),
    "node_memory_Cached_bytes": frozenset[str](),
    "node_memory_Dirty_bytes": frozenset[str](),
    "node_memory_MemAvailable_bytes": frozenset[str](),
    "node_memory_MemTotal_bytes": frozenset[str](),
    "node_network_receive_bytes_total": frozenset({"device"}),
    "node_timex_offset_seconds": frozenset[str](),
    "node_timex_sync_status": frozenset[str](),
}
"""As node-exporter 1.5 exports them with its defaults."""


def test_every_name_and_label_exists() -> None:
    """In expressions of dashboards and rules, against what a process exports before any data."""
    metrics = Metrics(CollectorRegistry())
    metrics.exchange("okx")
    metrics.http_requests.labels("/", "200")
    known = exported(generate_latest(metrics.registry).decode())
    known |= BY_PROMETHEUS | BY_NODE_EXPORTER
    expressions = every_expression()
    assert len(expressions) > 80
    assert complaints(expressions, known) == []
