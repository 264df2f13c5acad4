"""CPU per message of the recorder for each exchange and feed, against the simulated venue.

The recorder is the real command with a configuration of its own: one exchange, one feed.  Its CPU
time counts from the release of messages that were made before until it has nothing more to do, and
what was received is in the column files; it has recorded as many before.  Whatever the venue sends
with a feed (heartbeats, say) is among the messages, and what is warned of meanwhile makes a figure
doubtful.  TLS, delays and memory are not measured here: see `run`.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import numpy as np

from scripts.benchmark import venues
from scripts.benchmark.processes import Process, cpu_secs
from tick_logger.exchanges import registry
from tick_logger.model.tables import FEEDS, SPECS, Table
from tick_logger.simulator.registry import DIALECTS

CONNECTIONS = 5
SYMBOLS_PER_CONNECTION = 20
POLL_SECS = 0.1
QUIET_SECS = 3.0
"""Nothing new on disk for so long, which is more than two flushes, and hardly any CPU used."""
FINISH_SECS = 1.0
"""After the last row appeared, for a checkpoint and what else there is to do; it counts as work."""
BUSY_SHARE = 0.2
"""More than this share of a core is work; an idle recorder uses a tenth at most, and that only
where waking up is dear, as on some virtual machines."""
STOP_SECS = 40.0
MOST_RELEASES = 5
"""The load makes messages only for a few seconds at a time; a slow one yields fewer than wanted."""

Row = dict[str, Any]


@attrs.frozen
class VenueCase:
    """One measurement."""

    exchange: str
    feed: str
    messages: int

    @property
    def name(self) -> str:
        """For people, and for `--only`."""
        return f"{self.exchange}, {self.feed}"

    @property
    def table(self) -> Table:
        """Where the rows go."""
        return FEEDS[self.feed]


def cases(wanted: str, messages: int) -> list[VenueCase]:
    """A case for each feed of an exchange, or of "all" that can be simulated.

    Raises `SystemExit`, whose message says what there is, for an unknown name.
    """
    known = [name for name in registry.available() if name in DIALECTS]
    if wanted not in ("all", *known):
        raise SystemExit(f"no exchange {wanted!r} can be simulated; there are: {', '.join(known)}")
    names = known if wanted == "all" else [wanted]
    return [
        VenueCase(name, feed, messages)
        for name in names
        for feed in FEEDS
        if feed in registry.get(name).feeds
    ]


def local(endpoint: str, port: int) -> str:
    """An endpoint's path, without encryption, on a port of this machine."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme.removesuffix('s')}://127.0.0.1:{port}{parts.path}"


def configuration(case: VenueCase, port: int) -> str:
    """The recorder's configuration file."""
    venue = registry.get(case.exchange)
    return f"""
[logger]
buffer_limit_mib = 2048
[http]
enabled = false
[exchanges.{case.exchange}]
ws_endpoint = "{local(venue.ws_endpoint, port)}"
rest_endpoint = "{local(venue.rest_endpoint, port)}"
feeds = ["{case.feed}"]
max_connections = {CONNECTIONS}
symbols_per_connection = {SYMBOLS_PER_CONNECTION}
connects_per_second = 5.0
data_timeout_secs = 600.0
first_data_timeout_secs = 600.0
"""


def rows_on_disk(data: Path, table: Table) -> int:
    """Complete rows of a table, over all symbols."""
    column = SPECS[table].time_column
    files = data.glob(f"*/*/{table}/{column}.*.bin")
    return sum(path.stat().st_size // 4 for path in files)


def until_quiet(pid: int, data: Path, table: Table) -> tuple[float, int]:
    """Wait until there is no more to do; CPU seconds at the end of the work, and rows on disk."""
    looks = [_look(pid, data, table)]
    while True:
        time.sleep(POLL_SECS)
        looks.append(_look(pid, data, table))
        last = looks[-1]
        looks = [each for each in looks if each.rows == last.rows]
        settled = next(
            each for each in looks if each.at >= looks[0].at + FINISH_SECS or each is last
        )
        idle_secs = last.at - settled.at
        if idle_secs < QUIET_SECS - FINISH_SECS:
            continue
        if last.cpu_secs - settled.cpu_secs < BUSY_SHARE * idle_secs:
            return settled.cpu_secs, settled.rows
        looks = looks[1:]


@attrs.frozen
class _Look:
    at: float
    cpu_secs: float
    rows: int


def _look(pid: int, data: Path, table: Table) -> _Look:
    return _Look(time.monotonic(), cpu_secs(pid), rows_on_disk(data, table))


def measure(case: VenueCase) -> Row:
    """One run of the recorder."""
    load = Process(
        "-m", "scripts.benchmark.venues", case.exchange, "--feed", case.feed,
        "--symbols", str(CONNECTIONS * SYMBOLS_PER_CONNECTION), "--messages", str(case.messages),
    )  # fmt: skip
    folder = Path(tempfile.mkdtemp(prefix="tick_logger_bench_"))
    try:
        port = load.hear("port")["port"]
        (folder / "bench.toml").write_text(configuration(case, port))
        result = _with_recorder(case, load, folder)
        finished = load.hear("finished")
    finally:
        load.child.kill()
        log = (folder / "log").read_text() if (folder / "log").exists() else ""
        shutil.rmtree(folder)
    return {**result, "doubts": complain(case, finished, log)}


def _with_recorder(case: VenueCase, load: Process, folder: Path) -> Row:
    with recorder(folder) as pid:
        try:
            result = _measured(case, load, pid, folder / "data")
            load.go(venues.END)
        except SystemExit:
            sys.stderr.write((folder / "log").read_text())
            raise
    return result


@contextmanager
def recorder(folder: Path) -> Iterator[int]:
    """The process of one that is configured by `bench.toml` there, with `data` and `log` beside."""
    with (folder / "log").open("w") as log:
        running = Process(
            "-m", "tick_logger", "--config", str(folder / "bench.toml"),
            "--data-path", str(folder / "data"), stderr=log,
        )  # fmt: skip
        try:
            yield running.child.pid
        finally:
            running.child.send_signal(signal.SIGINT)
            running.child.wait(STOP_SECS)


@attrs.frozen
class _Release:
    """What came of messages that were released at once."""

    messages: int
    payload_bytes: int
    rows: int
    used_us: float


def _measured(case: VenueCase, load: Process, pid: int, data: Path) -> Row:
    """Release after release, until there were enough messages; the first does not count.

    With it files are made and memory is touched for the first time, which no longer happens to a
    recorder that has run for a while.
    """
    load.hear("subscribed")
    _release(case, load, pid, data)
    releases: list[_Release] = []
    while sum(each.messages for each in releases) < case.messages:
        if len(releases) == MOST_RELEASES:
            break
        releases.append(_release(case, load, pid, data))
    messages = sum(each.messages for each in releases)
    rows = sum(each.rows for each in releases)
    if not messages or not rows:
        raise SystemExit(f"{case.name}: {messages} messages made {rows} rows")
    used_us = sum(each.used_us for each in releases)
    result: Row = {
        "messages": messages,
        "bytes_per_message": sum(each.payload_bytes for each in releases) / messages,
        "rows": rows,
        "us_per_message": used_us / messages,
    }
    if case.table is Table.BOOK:
        result["us_per_level"] = used_us / rows
    return result


def _release(case: VenueCase, load: Process, pid: int, data: Path) -> _Release:
    stopped = time.monotonic()
    load.go()
    prepared = load.hear("prepared")
    time.sleep(max(0.0, stopped + QUIET_SECS - time.monotonic()))
    rows_before, before = rows_on_disk(data, case.table), cpu_secs(pid)
    load.go()
    load.hear("released")
    after, rows_after = until_quiet(pid, data, case.table)
    return _Release(
        messages=prepared["messages"],
        payload_bytes=prepared["payload_bytes"],
        rows=rows_after - rows_before,
        used_us=(after - before) * 1e6,
    )


def complain(case: VenueCase, finished: Row, log: str) -> int:
    """Tell of everything that makes a figure doubtful; how much there is."""
    doubts = [f"the venue objects: {text}" for text in finished["violations"]]
    if finished["reconnects"]:
        doubts.append(f"{finished['reconnects']} connections were made again")
    doubts += [line for line in log.splitlines() if '"warning"' in line or '"error"' in line]
    for doubt in doubts:
        sys.stderr.write(f"{case.name}: {doubt}\n")
    return len(doubts)


def run(case: VenueCase, rounds: int) -> Row:
    """One case: the median over the rounds."""
    results = [measure(case) for _ in range(rounds)]
    medians = {key: float(np.median([each[key] for each in results])) for key in results[0]}
    return {
        "case": case.name,
        "exchange": case.exchange,
        "feed": case.feed,
        **{key: round(value, 3) for key, value in medians.items()},
    }


def table(rows: Sequence[Row]) -> str:
    """The results for people."""
    columns = [
        ("exchange", "exchange", "{}"), ("feed", "feed", "{}"), ("messages", "messages", "{:,.0f}"),
        ("bytes_per_message", "bytes/message", "{:.0f}"), ("rows", "rows", "{:,.0f}"),
        ("us_per_message", "µs/message", "{:.2f}"), ("us_per_level", "µs/level", "{:.2f}"),
        ("doubts", "doubts", "{:.0f}"),
    ]  # fmt: skip
    lines = [
        "| " + " | ".join(title for _, title, _ in columns) + " |",
        "|---" * len(columns) + "|",
    ]
    for row in rows:
        cells = [form.format(row[key]) if row.get(key) else "" for key, _, form in columns]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def report(wanted: str, *, messages: int, rounds: int, only: str) -> list[Row]:
    """Measure the cases whose name contains `only`, and print the table; results for JSON."""
    rows = []
    for case in cases(wanted, messages):
        if only in case.name:
            print(f"measuring: {case.name} ...", file=sys.stderr, flush=True)  # noqa: T201
            rows.append(run(case, rounds))
    print(table(rows))  # noqa: T201
    print(json.dumps(rows, indent=2))  # noqa: T201
    return rows
