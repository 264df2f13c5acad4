"""Real processes that keep an archive are killed at each step, and the next one ends it well.

The program, its worker, a disk and a server are real; a proxy before the server holds back the
request at which the program is to die.  At each operation, and on a disk that loses what was not
synced, that is done in `test_archive_power_cuts`.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pyarrow.parquet as pq
import pytest

from tests.archive.faulty_proxy import Faults, Ill, proxy
from tests.archive.kept import certify, sha
from tests.archive.killing import ENOUGH_SECS, has_step, is_packing, until
from tests.archive.s3_servers import bucket, server
from tests.reader.recorded import Recorder
from tests.service.processes import ENVIRONMENT, command
from tests.storage.sample import DAY, numbered
from tick_logger.archive.bucket import Bucket
from tick_logger.archive.ledger import Ledger, Where
from tick_logger.model.tables import Table
from tick_logger.storage.disk_files import DiskFiles

pytestmark = [pytest.mark.slow, pytest.mark.seldom]

ROWS = 60_000


@attrs.frozen
class Case:
    """A directory with a certified day and one behind it, and where it is to be kept."""

    folder: Path
    kept: Bucket
    faults: Faults

    @property
    def root(self) -> Path:
        return self.folder / "archive"

    @property
    def day_files(self) -> list[Path]:
        return sorted((self.folder / "data/venue/BTC-USD/TRADES").glob("*.01.02.24.bin"))

    def start(self) -> subprocess.Popen[str]:
        """The program, which keeps what there is, once."""
        keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
        config = str(self.folder / "my.toml")
        return subprocess.Popen(
            command("archive", str(self.folder / "data"), "--config", config, "--once"),
            env={**ENVIRONMENT, **keys},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ends_well(self) -> None:
        """Started once more, everything is packed, verified, and let go of, once."""
        with self.start() as running:
            said, _ = running.communicate(timeout=ENOUGH_SECS)
        assert running.returncode == 0, said
        self.is_whole()

    def is_whole(self) -> None:
        ledger = Ledger(DiskFiles(self.root))
        packed = {each.key: each.sha256 for each in ledger.all_packed()}
        assert {e.key: sha(b"".join(self.kept.read(e.key))) for e in self.kept.list("")} == packed
        objects = sorted(each for each in (self.root / "data").rglob("*") if each.is_file())
        rows = []
        for path in objects:  # of the day that was certified, and of the one behind it
            assert sha(path.read_bytes()) == packed[str(path.relative_to(self.root))]
            rows.append(pq.ParquetFile(path).read()["id"].to_pylist())
        assert rows == [[*range(1, ROWS + 1)], [1, 2, 3]]
        assert ledger.released() == [("venue", DAY)]
        assert self.day_files == []
        assert list((self.root / "incoming").iterdir()) == []

    def is_safe(self) -> None:
        """After a death: the column files are there, or may go."""
        if len(self.day_files) == self.columns:
            return
        ledger = Ledger(DiskFiles(self.root))
        assert ledger.is_released("venue", DAY)
        for each in ledger.of_day("venue", DAY, "trades"):
            assert ledger.is_verified(each.key, Where.LOCAL)
            assert sha(b"".join(self.kept.read(each.key))) == each.sha256

    columns: int = 0


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line per request
    with server("localbucket", tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture
def case(tmp_path: Path, address: str) -> Iterator[Case]:
    there, name = Recorder(tmp_path / "data"), f"b{sha(str(tmp_path).encode())[:20]}"
    there.write(Table.TRADES, numbered(1, ROWS))
    there.write(Table.TRADES, numbered(1, 3, day=DAY + 1))
    certify(DiskFiles(there.folder), DAY, exchange="venue")
    faults = Faults()
    with proxy(address, faults) as before:
        (tmp_path / "my.toml").write_text(
            '[archive]\nmode = "both"\nraw = false\nkeep_days = 1\n[archive.s3]\n'
            f'bucket = "{name}"\nregion = "eu-west-1"\nendpoint = "{before}"\n'
        )
        made = Case(tmp_path, bucket(address, name), faults)
        yield attrs.evolve(made, columns=len(made.day_files))


def sends(case: Case) -> bool:
    return case.faults.spoilt["PUT"] > 0


def reads_back(case: Case) -> bool:
    return case.faults.spoilt["GET"] > 0


STEPS: dict[str, tuple[Callable[[Case], bool], Ill | None, tuple[str, ...]]] = {
    "pack": (lambda case: is_packing(case.root), None, ()),
    "packed": (lambda case: has_step(case.root, "packed"), None, ()),
    "look": (lambda case: case.faults.spoilt["LIST"] > 0, Ill.STALL, ("LIST",)),
    "upload": (sends, Ill.STALL, ("PUT",)),
    "uploaded": (sends, Ill.HELD, ("PUT",)),
    "verify": (reads_back, Ill.STALL, ("GET",)),
    "verified": (lambda case: has_step(case.root, "verified"), None, ()),
    "delete": (lambda case: has_step(case.root, "released"), None, ()),
}


@pytest.mark.parametrize("step", STEPS)
def test_the_program_is_killed(case: Case, step: str) -> None:
    """Nothing has gone by then that is not kept, and then all is as if it had not been."""
    seen, ill, methods = STEPS[step]
    if ill is not None:
        case.faults.begin(ill, *methods)
    with case.start() as running:
        until(running, lambda: seen(case))
        running.send_signal(signal.SIGKILL)
        assert running.wait(ENOUGH_SECS) == -signal.SIGKILL
    case.is_safe()
    case.faults.end()
    case.ends_well()


def test_its_worker_is_killed(case: Case) -> None:
    """Another one does the job; what the first had begun goes at the next start."""
    with case.start() as running:
        until(running, lambda: is_packing(case.root))
        (worker,) = _workers(running.pid)
        os.kill(worker, signal.SIGKILL)
        said, _ = running.communicate(timeout=ENOUGH_SECS)
    assert running.returncode == 0, said
    case.ends_well()


def _workers(pid: int) -> list[int]:
    """Its child processes, but for the one that tidies up behind them."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(each) for path in found for each in path.read_text().split()]
    return [c for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]
