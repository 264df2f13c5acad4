"""The dashboard of the host, answered by a real Prometheus over a real node-exporter."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.operating.operations import DASHBOARDS, dashboard_expressions
from tests.operating.running import PROMETHEUS_PROGRAM, Prometheus, prometheus, running, wait_for

(HOST,) = (path for path in DASHBOARDS if path.stem == "host")
EXPORTER = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")


def test_what_the_dashboard_of_the_host_shows() -> None:
    """Processor, load, memory, disk, and the network in bytes and packets, both ways."""
    text = " ".join(dashboard_expressions(HOST))
    for way in ("receive", "transmit"):
        for what in ("bytes", "packets", "errs", "drop"):
            assert f"node_network_{way}_{what}_total" in text
    for name in (
        "cpu_seconds_total", "load1", "load15", "memory_MemAvailable_bytes",
        "memory_SwapFree_bytes", "filesystem_avail_bytes", "disk_read_bytes_total",
    ):  # fmt: skip
        assert f"node_{name}" in text
    titles = [panel["title"] for panel in json.loads(HOST.read_text())["panels"]]
    assert {"Network", "Network packets", "Load", "Memory", "Processor", "Disk free"} <= set(titles)


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that watches this machine."""
    if PROMETHEUS_PROGRAM is None or EXPORTER is None:
        pytest.skip("Debian: apt install prometheus prometheus-node-exporter")
    folder = tmp_path_factory.mktemp("host")
    with ExitStack() as stack:
        arguments = [EXPORTER, "--web.listen-address=127.0.0.1:0"]
        _, address = stack.enter_context(
            running(arguments, folder / "exporter.log", r'msg="Listening on" address=([0-9.:]+)')
        )
        yield stack.enter_context(prometheus(address, folder))


@pytest.mark.slow
@pytest.mark.xdist_group("prometheus")
def test_each_panel_has_something_to_show(watching: Prometheus) -> None:
    """But for what a machine without disks of its own, as of tests, has none of."""
    waiting = {
        re.sub(r'"\$node"', '".*"', each).replace("$__rate_interval", "1m")
        for each in dashboard_expressions(HOST)
        if "node_" in each
    }

    def all_are() -> bool:
        seen = [each for each in waiting if "node_disk" in each or watching.query(each)]
        waiting.difference_update(seen)
        return not waiting

    with suppress(AssertionError):
        wait_for(all_are)
    assert waiting == set()
    found = watching.query('node_network_transmit_packets_total{device!="lo"}')
    assert found or watching.query("node_network_transmit_packets_total")
