"""The recorder measured: the real command, from socket to column files.

CPU time is the kernel's account of all its threads.  The day's files come into being beforehand, by
one message of each symbol or the first seconds of a paced load, and are reported apart.  What was
sent and isn't on disk is counted, not passed over.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from scripts.benchmark import frames, signs, watching
from scripts.benchmark.clients_run import start_load
from scripts.benchmark.matrix import Case
from scripts.benchmark.processes import Process, cpu_secs, disk_bytes, peak_rss_mib

POLL_SECS = 0.005
COUNT_SECS = 0.25
"""Counting all rows is work, and must not disturb what is measured."""
PATIENCE_SECS = 40.0
"""For rows after the last that appeared."""
SETTLE_SECS = 1.0


def configuration(case: Case, port: int, certificate: str) -> str:
    """The recorder's configuration file for a measurement."""
    secure = "s" if case.tls else ""
    feed = "ticker" if case.kind == "tickers" else "trades"
    return f"""
[logger]
read_coalesce_ms = {case.coalesce_ms}
[http]
enabled = {str(case.watched).lower()}
port = 0
[exchanges.{frames.EXCHANGE_OF[case.kind]}]
ws_endpoint = "ws{secure}://localhost:{port}"
rest_endpoint = "http{secure}://localhost:{port}"
feeds = ["{feed}"]
max_connections = {case.connections}
symbols_per_connection = {case.symbols}
connects_per_second = 100.0
ca_file = "{certificate if case.tls else ""}"
"""


class Watcher:
    """Sees rows become visible: follows the time columns as a reader would."""

    def __init__(self, case: Case, data: Path) -> None:
        self._base = data / frames.EXCHANGE_OF[case.kind]
        self._table, self._prefix = ("MD", "") if case.kind == "tickers" else ("TRADES", "trade_")
        total = case.connections * case.symbols
        self._names = [frames.symbol(case.kind, number) for number in range(total)]
        self._followed = self._names[:: case.symbols]  # one per connection
        self._seen: dict[str, int] = {}
        self.delays_secs: list[np.ndarray] = []

    def _files(self, name: str, column: str) -> list[Path]:
        folder = self._base / name / self._table
        return sorted(folder.glob(f"{self._prefix}{column}.*.bin"))

    def receipt(self, since: float) -> dict[str, float]:
        """How late the receive times of the followed symbols are."""
        folders = [self._base / name / self._table for name in self._followed]
        return signs.receipt(folders, self._prefix, since)

    def rows(self) -> int:
        """Complete rows on disk, over all symbols."""
        return sum(
            path.stat().st_size // 4 for name in self._names for path in self._files(name, "time")
        )

    def follow(self, until: float) -> None:
        """Look again and again until a moment of the wall clock."""
        while time.time() < until:
            self.look()
            time.sleep(POLL_SECS)

    def delays(self) -> dict[str, float]:
        """From sending to being visible, of what was looked at."""
        if not self.delays_secs:
            return {}
        p50, p99 = np.percentile(np.concatenate(self.delays_secs), [50, 99]).tolist()
        return {"delay_p50_secs": p50, "delay_p99_secs": p99}

    def look(self) -> None:
        """Note the age of every row of the followed symbols that has become visible."""
        for name in self._followed:
            for path in self._files(name, "time"):
                rows, seen = path.stat().st_size // 4, self._seen.get(str(path), 0)
                if rows > seen:
                    now = time.time()
                    nanos = path.with_name(path.name.replace("time", "nanos", 1))
                    sent = np.fromfile(path, "<u4")[seen:rows].astype("f8")
                    sent += np.fromfile(nanos, "<u4")[seen:rows] / 1e9
                    self.delays_secs.append(now - sent)
                    self._seen[str(path)] = rows


def measure_recorder(case: Case, certificate: str) -> dict[str, float]:
    """CPU, delay and memory of the recorder itself."""
    load, port = start_load(case, certificate)
    folder = Path(tempfile.mkdtemp(prefix="tick_logger_bench_"))
    (folder / "bench.toml").write_text(configuration(case, port, certificate))
    with (folder / "log").open("w") as log:
        recorder = Process(
            "-m", "tick_logger", "--config", str(folder / "bench.toml"),
            "--data-path", str(folder / "data"), stderr=log, environment=case.environment,
        )  # fmt: skip
        try:
            address = watching.served_at(folder / "log") if case.watched else ""
            found = _measured(case, load, recorder, Watcher(case, folder / "data"), address)
            return found if case.watched else found | signs.said(folder / "log")
        finally:
            recorder.child.send_signal(signal.SIGINT)
            recorder.child.wait(PATIENCE_SECS)
            load.child.kill()
            if recorder.child.returncode:
                print((folder / "log").read_text(), file=sys.stderr)  # noqa: T201
            shutil.rmtree(folder)


def _measured(
    case: Case, load: Process, recorder: Process, watch: Watcher, address: str
) -> dict[str, float]:
    load.hear("subscribed")
    load.go()
    load.hear("prepared")
    time.sleep(SETTLE_SECS)
    pid, warm = recorder.child.pid, 0
    start, disk_before = cpu_secs(pid), disk_bytes(pid)
    load.go()
    if not case.rate:
        warm = load.hear("warmed")["warmed"]
        until_there(watch, warm)
        load.go()
    before, woken = cpu_secs(pid), signs.wake_ups(pid)
    result = {"warm_up_cpu_secs": before - start}
    begun = load.hear("started")["started"]
    measured_from = begun + (case.warm_up_secs if case.rate else 0.0)
    if case.rate:
        watch.follow(until=measured_from)
        watch.delays_secs.clear()
        before, woken = cpu_secs(pid), signs.wake_ups(pid)
        result["warm_up_cpu_secs"] = before - start
        if case.watched:
            shares = watching.compare(pid, address, measured_from, case.seconds)
        else:
            watch.follow(until=measured_from + case.seconds)
        used, woken = cpu_secs(pid) - before, signs.wake_ups(pid) - woken
        lasted = time.time() - measured_from
    finished = load.hear("finished")
    result["missing"] = until_there(watch, finished["messages"])
    if case.watched:
        return watching.figures(shares, case.rate)
    sent_per_sec = finished["messages"] / (finished["finished"] - begun)
    if not case.rate:
        lasted = time.time() - begun
        used, woken = cpu_secs(pid) - before, signs.wake_ups(pid) - woken
        measured = float(finished["messages"] - warm)
    else:
        measured = sent_per_sec * lasted
        result["core_share_percent"] = used / lasted * 100
    result |= {"messages": measured, "us_per_message": used / measured * 1e6}
    result |= {"sent_per_sec": sent_per_sec, "wake_ups_a_second": woken / lasted}
    result["peak_rss_mib"] = peak_rss_mib(pid)
    result["written_over_payload"] = (disk_bytes(pid) - disk_before) / finished["payload_bytes"]
    if not case.rate:  # event times were made before anything was sent
        return result
    return result | watch.delays() | watch.receipt(measured_from)


def until_there(watch: Watcher, expected: int) -> int:
    """Wait until so many rows are on disk, or nothing more comes; how many are missing."""
    rows, patience = -1, 0.0
    while True:
        watch.look()
        if (now := watch.rows()) != rows:
            rows, patience = now, time.time() + PATIENCE_SECS
        if rows >= expected or time.time() > patience:
            return max(0, expected - rows)
        time.sleep(COUNT_SECS)
