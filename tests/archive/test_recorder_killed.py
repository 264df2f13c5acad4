"""A real recorder that archives while it records is killed, again and again, and ends it well.

Recorder, worker, exchange, disk and S3 server are processes and sockets of this machine.  What a
single step does at each operation is tried in `test_archiver_killed` and `test_archive_power_cuts`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pyarrow.parquet as pq
import pytest
import trio

from tests.archive.faulty_proxy import Faults, Ill, proxy
from tests.archive.kept import sha
from tests.archive.killing import ENOUGH_SECS, has_step, is_packing, until
from tests.archive.s3_servers import bucket, server
from tests.reader.recorded import Recorder
from tests.service.processes import ENVIRONMENT, command
from tests.storage.sample import DAY, numbered
from tick_logger.app import Ports
from tick_logger.archive.bucket import Bucket
from tick_logger.archive.ledger import Ledger, Where
from tick_logger.cli.main import main
from tick_logger.cli.sealing_at_rest import seal
from tick_logger.config.schema import Config, LoggerConfig
from tick_logger.journal.reader import JournalReader
from tick_logger.model.tables import Table
from tick_logger.storage.disk_files import DiskFiles

pytestmark = [pytest.mark.slow, pytest.mark.seldom]

ROWS = 20_000
PAST = "kraken"
"""Of which two days are there, sealed and certified; it is recorded no longer."""

NOW = "coinbase"
"""Which is recorded meanwhile; it numbers its trades without holes."""

BREATH_SECS = 0.1
"""Before all files are read again: the recorder needs the processor too."""

BUCKET = "ticks"
CONFIG = """
[logger]
data_path = "data"
log_file = "recorder.log"
flush_interval_secs = 0.1
checkpoint_interval_secs = 1
journal_keep_hours = 0
journal_keep_mib = 0
[archive]
mode = "both"
keep_days = 1
[archive.s3]
region = "eu-west-1"
endpoint = "{server}"
[exchanges.coinbase]
ws_endpoint = "ws://{exchange}"
rest_endpoint = "http://{exchange}"
feeds = ["trades"]
"""


@attrs.define
class Case:
    """A directory that is recorded into, its archive, and what was seen in it so far."""

    folder: Path
    kept: Bucket
    faults: Faults
    seen: set[tuple[str, int]] = attrs.field(factory=set)
    columns: int = 0
    running: subprocess.Popen[str] = attrs.field(init=False)

    @property
    def root(self) -> Path:
        return self.folder / "archive"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> subprocess.Popen[str]:
        """The recorder, told by its environment as operators do."""
        names = {
            "CONFIG_PATH": "my.toml", "BUCKET_NAME": BUCKET, "HOME_SERVER_NAME": "home",
            "METRICS_PORT": "0", "AWS_ACCESS_KEY": "testing", "AWS_SECRET_KEY": "testing",
        }  # fmt: skip
        return subprocess.Popen(
            command(), env={**ENVIRONMENT, **names}, cwd=self.folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def day_files(self) -> list[Path]:
        """Of the day that is to go."""
        return sorted((self.data / PAST / "BTC-USD/TRADES").glob("*.01.02.24.bin"))

    def trades(self) -> list[tuple[str, int]]:
        """By symbol the ids that the column files of the running day have."""
        found = []
        for path in sorted((self.data / NOW).rglob("TRADES/trade_id.*.bin")):
            data = path.read_bytes()
            symbol = path.relative_to(self.data / NOW).parts[0]
            ids = np.frombuffer(data[: len(data) // 8 * 8], "<u8").tolist()
            found += [(symbol, number) for number in ids]
        return found

    def connections(self) -> int:
        """How often the exchange was connected, in all lives."""
        path = self.folder / "recorder.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return sum('"connected"' in line for line in lines)

    def status(self) -> dict[str, Any]:
        """What the running one says of itself, at the port that the system has chosen."""
        lines = map(json.loads, (self.folder / "recorder.log").read_text().splitlines())
        address = [line["address"] for line in lines if line["event"] == "serving"][-1]
        with urllib.request.urlopen(f"{address}/api/status", timeout=ENOUGH_SECS) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    @contextlib.contextmanager
    def life(self) -> Iterator[Callable[[], bool]]:
        """A recorder; gives whether there are trades that it has received itself.

        At its start it derives what the one before had received.
        """
        before, derived = self.connections(), set[tuple[str, int]]()

        def receives() -> bool:
            time.sleep(BREATH_SECS)
            if self.connections() == before:
                return False
            if not derived:
                derived.update(self.trades())
            return not derived.issuperset(self.trades())

        with self.start() as self.running:
            try:
                yield receives
            finally:
                self.running.kill()

    def is_killed(self, at: Callable[[], bool], *, growing: bool = True) -> None:
        """Start it, and kill it at this step; nothing has gone that is not kept elsewhere."""
        with self.life() as receives:
            until(self.running, lambda: at() and (not growing or receives()))
            self.running.send_signal(signal.SIGKILL)
            assert self.running.wait(ENOUGH_SECS) == -signal.SIGKILL
        self.seen.update(self.trades())
        self.is_safe()

    def is_safe(self) -> None:
        """Of columns and journal nothing has gone but what was read back from both places."""
        ledger = Ledger(DiskFiles(self.root))
        if len(self.day_files()) < self.columns:
            assert ledger.is_released(PAST, DAY)
            (packed,) = ledger.of_day(PAST, DAY, "trades")
            assert ledger.is_verified(packed.key, Where.LOCAL)
            assert ledger.is_verified(packed.key, Where.BUCKET)
            self.is_kept(packed.key, packed.sha256)
        first = next(iter(JournalReader(DiskFiles(self.data), from_seq=1))).seq
        if first > 1:
            ((begin, end),) = ledger.covered()
            assert begin == 1
            assert end >= first
            raw = [each for each in ledger.all_packed() if each.frames and each.frames[1] <= end]
            for each in raw:
                assert ledger.is_verified(each.key, Where.BUCKET)
                self.is_kept(each.key, each.sha256)

    def is_kept(self, key: str, sha256: str) -> None:
        """Here and in the bucket, byte by byte."""
        assert sha((self.root / key).read_bytes()) == sha256
        assert sha(b"".join(self.kept.read(key))) == sha256


@contextlib.contextmanager
def simulated() -> Iterator[str]:
    """Where the exchange is."""
    with subprocess.Popen(
        command("simulate", NOW, "--rate", "100"), env=ENVIRONMENT, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            yield process.stdout.readline().partition("ws://")[2].partition(" ")[0]
        finally:
            process.kill()


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line per request
    monkeypatch.chdir(tmp_path)
    there = Recorder(tmp_path / "data", names=((PAST, "BTC-USD"),))
    there.write(Table.TRADES, numbered(1, ROWS))
    there.write(Table.TRADES, numbered(1, 3, day=DAY + 1))
    hasty = LoggerConfig(data_path="data", flush_interval_secs=0.1, checkpoint_interval_secs=1.0)
    trio.run(partial(seal, Config(logger=hasty), Ports(), once=True))
    faults = Faults()
    with (
        server("localbucket", tmp_path / "server") as address,
        proxy(address, faults) as before,
        simulated() as exchange,
    ):
        (tmp_path / "my.toml").write_text(CONFIG.format(server=before, exchange=exchange))
        made = Case(tmp_path, bucket(address, BUCKET), faults)
        yield attrs.evolve(made, columns=len(made.day_files()))


def test_a_recorder_that_archives_is_killed_at_each_step(case: Case) -> None:
    """Nothing is lost, nothing doubled, nothing let go of before it was read back."""
    faults = case.faults
    case.is_killed(lambda: is_packing(case.root), growing=False)
    for ill, method in ((Ill.HELD, "PUT"), (Ill.STALL, "GET")):  # sent, and then read back
        faults.begin(ill, method)
        case.is_killed(lambda: faults.spoilt[method] > 0)  # noqa: B023
        assert len(case.day_files()) == case.columns
        faults.end()
    case.is_killed(lambda: has_step(case.root, "released"))
    with case.life() as receives:
        until(case.running, receives)
        assert set(case.status()["archive"]["kept_bytes"]) == {"local", "s3"}
        case.running.send_signal(signal.SIGINT)
        assert case.running.wait(ENOUGH_SECS) == 0
    case.is_safe()
    is_whole(case)


def is_whole(case: Case) -> None:
    """After the end everything is there, once: columns, holes, objects, journal."""
    found = case.trades()
    assert len(set(found)) == len(found)
    assert case.seen < set(found)
    told = holes(case)
    for symbol in {symbol for symbol, _ in found}:
        ids = sorted(number for each, number in found if each == symbol)
        missing = set(range(ids[0], ids[-1])) - set(ids)
        assert missing <= told.get(symbol, set())
    ledger = Ledger(DiskFiles(case.root))
    packed = {each.key: each.sha256 for each in ledger.all_packed()}
    assert len(packed) == len(ledger.all_packed())
    assert {each.key for each in case.kept.list("")} == set(packed)
    for key in packed:
        assert sha(b"".join(case.kept.read(key))) == packed[key]
        assert ledger.is_verified(key, Where.LOCAL)
        assert ledger.is_verified(key, Where.BUCKET)
    objects = sorted(each for each in (case.root / "data/table=trades").rglob("*.parquet"))
    rows = [pq.ParquetFile(path).read()["id"].to_pylist() for path in objects]
    assert rows == [[*range(1, ROWS + 1)], [1, 2, 3]]
    assert ledger.released() == [(PAST, DAY)]
    assert case.day_files() == []
    last = [frame.seq for frame in JournalReader(DiskFiles(case.data), from_seq=1)][-1]
    if ledger.covered():
        assert ledger.covered() == [(1, last + 1)]
        assert list((case.root / "incoming").iterdir()) == []
    else:  # a busy machine could not pack it in the time of a stop: the next start does
        assert next(iter(JournalReader(DiskFiles(case.data), from_seq=1))).seq == 1
    assert main(["verify", str(case.data)]) == 0
    assert main(["archive", "verify", str(case.root)]) == 0


def holes(case: Case) -> dict[str, set[int]]:
    """By symbol the ids of trades of which the gaps files tell."""
    found: dict[str, set[int]] = {}
    for path in (case.data / NOW).rglob("gaps.*.jsonl"):
        symbol = path.relative_to(case.data / NOW).parts[0]
        for line in map(json.loads, path.read_text().splitlines()):
            if line.get("table") == "TRADES" and line.get("from_id") is not None:
                ids = range(line["from_id"], line["to_id"] + 1)
                found.setdefault(symbol, set()).update(ids)
    return found
