"""Dashboards and alerts ask only for what the recorder exports."""

from __future__ import annotations

import re

import httpx2
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tests.operating.operations import (
    CONFIG,
    DASHBOARDS,
    dashboard_expressions,
    every_expression,
    recorded,
    rules,
)
from tests.operating.promql import FROM_PROMETHEUS, complaints, exported, read
from tests.service.processes import ENOUGH_SECS, demo
from tick_logger.telemetry.metrics import Metrics

BY_PROMETHEUS = {
    "up": frozenset[str](),
    "ALERTS": frozenset({"alertname", "alertstate", "severity"}),
}

BY_NODE_EXPORTER = {
    "node_boot_time_seconds": frozenset[str](),
    "node_cpu_seconds_total": frozenset({"cpu", "mode"}),
    "node_disk_io_time_seconds_total": frozenset({"device"}),
    "node_disk_read_bytes_total": frozenset({"device"}),
    "node_disk_write_time_seconds_total": frozenset({"device"}),
    "node_disk_writes_completed_total": frozenset({"device"}),
    "node_disk_written_bytes_total": frozenset({"device"}),
    "node_filefd_allocated": frozenset[str](),
    "node_filefd_maximum": frozenset[str](),
    "node_filesystem_avail_bytes": frozenset({"device", "fstype", "mountpoint"}),
    "node_filesystem_size_bytes": frozenset({"device", "fstype", "mountpoint"}),
    "node_load1": frozenset[str](),
    "node_load15": frozenset[str](),
    "node_load5": frozenset[str](),
    "node_memory_Buffers_bytes": frozenset[str](),
    "node_memory_Cached_bytes": frozenset[str](),
    "node_memory_Dirty_bytes": frozenset[str](),
    "node_memory_MemAvailable_bytes": frozenset[str](),
    "node_memory_MemFree_bytes": frozenset[str](),
    "node_memory_MemTotal_bytes": frozenset[str](),
    "node_memory_SwapFree_bytes": frozenset[str](),
    "node_memory_SwapTotal_bytes": frozenset[str](),
    **{
        f"node_network_{way}_{what}_total": frozenset({"device"})
        for way in ("receive", "transmit")
        for what in ("bytes", "packets", "errs", "drop")
    },
    "node_timex_offset_seconds": frozenset[str](),
    "node_timex_sync_status": frozenset[str](),
}
"""As node-exporter 1.5 exports them with its defaults."""


ELSEWHERE = BY_PROMETHEUS | BY_NODE_EXPORTER


def with_recorded(known: dict[str, frozenset[str] | None]) -> dict[str, frozenset[str] | None]:
    """What is known, and the labels that a rule of `collector-names.yml` adds to a name of ours."""
    added = {rule["record"]: {"symbol", *rule.get("labels", {})} for rule in recorded()}
    return {
        name: labels if labels is None else labels | added.get(name, set())
        for name, labels in known.items()
    }


def test_every_name_and_label_exists() -> None:
    """In expressions of dashboards and rules, against what a process exports before any data."""
    metrics = Metrics(CollectorRegistry())
    metrics.exchange("okx")
    metrics.http_requests.labels("/", "200")
    known = with_recorded(exported(generate_latest(metrics.registry).decode())) | ELSEWHERE
    expressions = every_expression()
    assert len(expressions) > 80
    assert complaints(expressions, known) == []


OF_ARCHIVE = re.compile(r"collector_(archive|candle|parquet|s3|seal|sealed|seals|upload)_")


def test_each_number_of_the_archive_is_on_a_panel_and_explained() -> None:
    """Of seals, candles, packing and sending; on the page for operators, whole or as a family."""
    names = set()
    metrics = Metrics(CollectorRegistry())
    metrics.exchange("okx")
    for family in metrics.registry.collect():
        if OF_ARCHIVE.match(family.name):
            names.add(family.name + "_total" * (family.type == "counter"))
    assert len(names) > 20
    expressions = " ".join(each for path in DASHBOARDS for each in dashboard_expressions(path))
    assert {name for name in names if name not in expressions} == set()
    page = (CONFIG / "README.md").read_text()
    assert {name for name in names if name not in page} == set()


# -- against the running demo ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def metrics_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What Prometheus gets from the demo, a process of its own."""
    with demo(tmp_path_factory.mktemp("demo")) as running:
        running.wait_until_it_receives()
        with httpx2.Client(base_url=running.address, timeout=ENOUGH_SECS) as client:
            client.get("/metrics")  # that requests are counted shows at the second
            text = client.get("/metrics").text
        running.interrupt()
    return text


@pytest.mark.slow
@pytest.mark.xdist_group("exported_names")
def test_the_running_demo_exports_every_name_and_label(metrics_text: str) -> None:
    """Each metric has samples there, so that its labels are known as well."""
    known = exported(metrics_text)
    assert [name for name, labels in known.items() if labels is None] == []
    assert complaints(every_expression(), with_recorded(known) | ELSEWHERE) == []
    assert complaints(["collector_no_such_name", "collector_ready{feed='x'}"], known) == [
        "nothing exports collector_no_such_name: collector_no_such_name",
        "collector_ready has no label feed: collector_ready{feed='x'}",
    ]


@pytest.mark.slow
@pytest.mark.xdist_group("exported_names")
def test_alerts_speak_of_labels_and_causes_that_the_running_demo_exports(
    metrics_text: str,
) -> None:
    """What texts insert, and the causes of holes that alerts leave out."""
    known = exported(metrics_text) | BY_PROMETHEUS
    for rule in rules():
        labels = FROM_PROMETHEUS.union(
            *(known[selector.metric] or () for selector in read(rule["expr"]).selectors)
        )
        inserted = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert inserted <= labels, rule["alert"]
    causes = set(re.findall(r'cause="(\w+)"', metrics_text))
    assert _left_out() <= causes


def _left_out() -> set[str]:
    """The causes of which `GapOpened` says nothing."""
    (expression,) = (rule["expr"] for rule in rules() if rule["alert"] == "GapOpened")
    found: set[str] = set()
    for causes in re.findall(r'cause!~"([^"]+)"', expression):
        found |= set(causes.split("|"))
    return found
