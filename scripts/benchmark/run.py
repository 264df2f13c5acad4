"""Runs the measurements and prints a table and JSON.

Each measurement starts the load generator as a process of its own and one client against it: the
recorder (the real command, from socket to column files), the floor, or a plain `get_message` loop.
CPU time is the kernel's account of all threads of the client, between the first message and the
moment when the last row is on disk.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import trustme

from scripts.benchmark import archiving, exchanges, frames, lines, reading, signs, watching
from scripts.benchmark.processes import Process, cpu_secs, disk_bytes, peak_rss_mib

POLL_SECS = 0.005
COUNT_SECS = 0.25
"""Counting all rows is work, and must not disturb what is measured."""
PATIENCE_SECS = 40.0
SETTLE_SECS = 1.0
WARM_UP_SECS = 4.0
"""At the beginning of a paced load, not measured: the day's files come into being."""


@attrs.frozen(kw_only=True)
class Case:
    """One measurement."""

    name: str
    kind: str = "trades"
    tls: bool = False
    messages: int = 1_200_000
    rate: float = 0.0
    seconds: float = 0.0
    coalesce_ms: int = 20
    connections: int = 10
    symbols: int = 20
    watched: bool = False

    @property
    def load_secs(self) -> float:
        """How long a paced load lasts."""
        if not self.rate:
            return 0.0
        measured = watching.duration_secs(self.seconds) if self.watched else self.seconds
        return WARM_UP_SECS + measured


def start_load(case: Case, certificate: str) -> tuple[Process, int]:
    """The load generator, listening."""
    options = {
        "kind": case.kind,
        "connections": case.connections,
        "symbols": case.symbols,
        "messages": case.messages,
        "rate": case.rate,
        "seconds": case.load_secs,
    }
    words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    if case.tls:
        words += ["--certificate", certificate]
    load = Process("-m", "scripts.benchmark.load", *words)
    return load, load.hear("port")["port"]


def measure_client(client: str, case: Case, certificate: str) -> float:
    """CPU µs per message of a comparison client."""
    load, port = start_load(case, certificate)
    words = ["--kind", case.kind, "--port", str(port), "--messages", str(case.messages)]
    words += ["--connections", str(case.connections), "--symbols", str(case.symbols)]
    if case.tls:
        words += ["--certificate", certificate]
    process = Process("-m", "scripts.benchmark.clients", client, *words)
    try:
        load.hear("subscribed")
        load.go()
        load.hear("prepared")
        load.go()
        result = process.hear("cpu_secs")
    finally:
        process.child.kill()
        load.child.kill()
    return float(result["cpu_secs"] / result["messages"] * 1e6)


def configuration(case: Case, port: int, certificate: str) -> str:
    """The recorder's configuration file for a measurement."""
    secure = "s" if case.tls else ""
    feed = "trades" if case.kind == "trades" else "ticker"
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
        self._table, self._prefix = ("TRADES", "trade_") if case.kind == "trades" else ("MD", "")
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
            "--data-path", str(folder / "data"), stderr=log,
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
    pid = recorder.child.pid
    before, disk_before = cpu_secs(pid), disk_bytes(pid)
    load.go()
    begun = load.hear("started")["started"]
    if case.rate:
        watch.follow(until=begun + WARM_UP_SECS)
        watch.delays_secs.clear()
        before, woken = cpu_secs(pid), signs.wake_ups(pid)
        if case.watched:
            shares = watching.compare(pid, address, begun + WARM_UP_SECS, case.seconds)
        else:
            watch.follow(until=begun + WARM_UP_SECS + case.seconds)
        used, woken = cpu_secs(pid) - before, signs.wake_ups(pid) - woken
    finished = load.hear("finished")
    expected = finished["messages"]
    patience = time.time() + PATIENCE_SECS
    while (rows := watch.rows()) < expected:
        if time.time() > patience:
            raise SystemExit(f"{case.name}: {rows} of {expected} rows on disk")
        if case.rate:
            watch.look()
        time.sleep(COUNT_SECS)
    if case.watched:
        return watching.figures(shares, case.rate)
    if not case.rate:
        used = cpu_secs(pid) - before
    measured = case.rate * case.seconds or expected
    result = {"messages": measured, "us_per_message": used / measured * 1e6}
    result["peak_rss_mib"] = peak_rss_mib(pid)
    result["written_over_payload"] = (disk_bytes(pid) - disk_before) / finished["payload_bytes"]
    if case.rate:
        result["core_share_percent"] = used / case.seconds * 100
        delays = np.concatenate(watch.delays_secs)
        result["delay_p50_secs"], result["delay_p99_secs"] = np.percentile(delays, [50, 99])
        result["wake_ups_a_second"] = woken / case.seconds
        result |= watch.receipt(begun + WARM_UP_SECS)
    return result


def cases(options: argparse.Namespace) -> list[Case]:
    """The measurements that were asked for."""
    count = options.messages or 1_200_000
    paced = {"rate": options.rate, "seconds": options.seconds}
    return [
        Case(name="plain, trades", messages=count),
        Case(name="TLS, trades", messages=count // 2, tls=True),
        Case(name="plain, tickers", messages=count // 2, kind="tickers"),
        Case(name="TLS, tickers", messages=count // 4, kind="tickers", tls=True),
        Case(name="paced", **paced),
        Case(name="paced, event-driven reads", coalesce_ms=0, **paced),
        Case(name="paced, TLS", tls=True, **paced),
        Case(name="paced, scraped, ten pages open", watched=True, **paced),
    ]


def run(case: Case, certificate: str, rounds: int) -> dict[str, Any]:
    """One case: the median over the rounds, with its comparisons measured in between."""
    results: list[dict[str, float]] = []
    for _ in range(rounds):
        result = measure_recorder(case, certificate)
        if not case.rate:
            result["floor_us"] = measure_client("floor", case, certificate)
            loop_case = attrs.evolve(case, messages=case.messages // 2_000 * 400)
            result["get_message_loop_us"] = measure_client("loop", loop_case, certificate)
            result["times_floor"] = result["us_per_message"] / result["floor_us"]
        results.append(result)
    medians = {key: float(np.median([r[key] for r in results])) for key in results[0]}
    return {"case": case.name, **{key: round(value, 3) for key, value in medians.items()}}


def table(rows: list[dict[str, Any]]) -> str:
    """The results for people."""
    columns = [
        ("us_per_message", "µs/message"), ("floor_us", "floor"), ("times_floor", "x floor"),
        ("get_message_loop_us", "get_message"), ("core_share_percent", "% of a core"),
        ("delay_p50_secs", "p50 s"), ("delay_p99_secs", "p99 s"), ("peak_rss_mib", "RSS MiB"),
        ("written_over_payload", "written/payload"), ("recv_p50_ms", "received p50 ms"),
        ("recv_p99_ms", "p99"), ("recv_least_ms", "least"), ("wake_ups_a_second", "wake-ups/s"),
        ("behind", "behind"), ("overflows", "overflows"), ("unwatched_us", "unwatched"),
        ("change_percent", "change %"), ("change_least_percent", "least"),
        ("change_most_percent", "most"),
    ]  # fmt: skip
    lines = ["| case | " + " | ".join(title for _, title in columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for row in rows:
        cells = [f"{row[key]:.2f}" if key in row else "" for key, _ in columns]
        lines.append(f"| {row['case']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "--exchange",
        default="",
        metavar="NAME",
        help='instead: every feed of this exchange as it is simulated, or of "all" exchanges',
    )
    parser.add_argument(
        "--reading", action="store_true", help="instead: what reading a recording takes"
    )
    parser.add_argument(
        "--archive", action="store_true", help="instead: what packing for the archive takes"
    )
    parser.add_argument(
        "--lines", action="store_true", help="instead: what a second line costs, each exchange"
    )
    parser.add_argument(
        "--rows",
        type=int,
        default=reading.ROWS,
        help="of one day, with --reading, --archive: 10,000,000",
    )
    parser.add_argument(
        "--messages", type=int, help="in the saturated cases: 1,200,000, with --exchange 200,000"
    )
    parser.add_argument("--rate", type=float, default=10_000.0, help="messages/s, paced cases")
    parser.add_argument("--seconds", type=float, default=15.0, help="measured in the paced cases")
    parser.add_argument(
        "--rounds",
        type=int,
        help="the median is reported: of 3, with --exchange, --lines of 1, with --reading of 7",
    )
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--json", default="", help="also write the results to this file")
    options = parser.parse_args()
    if options.archive:
        archiving.report(options.rows)
        return
    if options.lines:
        rows = lines.report(options.rate, options.seconds, options.rounds or 1, options.only)
    elif options.reading:
        rows = reading.report(options.rows, options.rounds or reading.ROUNDS, options.only)
    elif options.exchange:
        rows = exchanges.report(
            options.exchange,
            messages=options.messages or 200_000,
            rounds=options.rounds or 1,
            only=options.only,
        )
    else:
        rows = measured(options)
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=2))


def measured(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The recorder against its floor: measure, and print."""
    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as folder:
        certificate = os.path.join(folder, "bench.pem")
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
        authority.cert_pem.write_to_path(certificate, append=True)
        rows = []
        for case in cases(options):
            if options.only in case.name:
                print(f"measuring: {case.name} ...", file=sys.stderr, flush=True)  # noqa: T201
                rows.append(run(case, certificate, options.rounds or 3))
    print(table(rows))  # noqa: T201
    print(json.dumps(rows, indent=2))  # noqa: T201
    return rows


if __name__ == "__main__":
    main()
