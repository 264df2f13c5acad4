"""A column more, and a table more, in a copy of the tree: old recordings are continued as before.

The copy is changed as a developer would change it, and its own tests of upgrades are run in it: the
recordings of older versions are verified, recovered exactly and continued, and lose nothing to
power cuts.  Then the program before refuses in words what the copy has begun.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.upgrade.fixture import load
from tests.upgrade.program import run

ROOT = Path(__file__).parent.parent.parent
TABLES = Path("tick_logger") / "model" / "tables.py"
ENOUGH_SECS = 300

COLUMN = (
    'time="time",\n            nanos="nanos",\n',
    'time="time",\n            nanos="nanos",\n'
    '            later=(FileColumn("price_twice", "f8", "price", 3, math.nan),\n'
    '                   FileColumn("spread", "f8", "spread", 3, math.nan)),\n',
)
FIELD = ('"best_ask": "f8",\n', '"best_ask": "f8",\n            "spread": "f8",\n')
"""Of MD, the first table: a column that adapters fill already, and one that none knows yet."""

NAME = ('    BOOK = "BOOK"\n', '    BOOK = "BOOK"\n    NEWS = "NEWS"\n')
FEED = (
    '"orderbook": Table.BOOK,\n',
    '"orderbook": Table.BOOK,\n    "news": Table.NEWS,\n',
)
SPEC = (
    "SPECS: dict[Table, TableSpec] = {\n",
    "SPECS: dict[Table, TableSpec] = {\n    Table.NEWS: TableSpec(\n"
    '        fields={"headline": "u4"},\n'
    '        files=_files(("headline", "u4", "headline"), time="time", nanos="nanos"),\n    ),\n',
)

GROWN = {"a column": (COLUMN, FIELD), "a table": (NAME, FEED, SPEC)}

CHECKS = ("tests/upgrade/test_recovering.py", "tests/upgrade/test_continuing.py")
CRASHES = ("tests/upgrade/test_power_cuts.py", "tests/derive/test_recovery_crashes.py")


@pytest.fixture(
    params=["a column", pytest.param("a table", marks=pytest.mark.seldom)], scope="module"
)
def grown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program and its tests, in which a table has grown, or there is one more."""
    copy = tmp_path_factory.mktemp("grown")
    for part in ("tick_logger", "tests", "config"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    source = (copy / TABLES).read_text()
    for old, new in GROWN[request.param]:
        assert old in source
        source = source.replace(old, new, 1)
    (copy / TABLES).write_text(source)
    return copy


def ran(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in the copy, after its end."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env=environ,
        capture_output=True,
        text=True,
        timeout=ENOUGH_SECS,
    )


def passes(copy: Path, *tests: str) -> None:
    """These tests of the copy, run by the copy."""
    where = ran(copy, "-c", "import tick_logger; print(tick_logger.__file__)").stdout
    assert Path(where.strip()).is_relative_to(copy)
    done = ran(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
    assert done.returncode == 0, done.stdout[-4_000:]


@pytest.mark.seldom
def test_old_recordings_are_verified_recovered_and_continued(grown: Path) -> None:
    """On the same day and on later ones, with every row where it was."""
    passes(grown, *CHECKS)


def test_going_on_and_going_back(grown: Path, tmp_path: Path) -> None:
    """Rows from before hold the absent value, new ones what is sent; the program before refuses.

    It refuses in words, whatever it is asked to do, and leaves every byte as it is.
    """
    done = ran(grown, "-m", "tests.upgrade.grown", str(tmp_path))
    assert done.returncode == 0, done.stderr
    filled, sent, rows = map(int, done.stdout.split())
    if "price_twice" in (grown / TABLES).read_text():
        assert 0 < filled <= load("killed").tables["kraken/BTC%2FUSD/MD 29.11.26"]["rows"]
        assert filled + sent == rows
        assert sent > 10
    assert ran(grown, "-m", "tick_logger", "verify", str(tmp_path), "--deep").returncode == 0
    before = contents(tmp_path)
    for command in (["verify", str(tmp_path)], ["recover", str(tmp_path)], record_into(tmp_path)):
        refused = run(*command)
        assert refused.returncode == 3, refused
        assert "made by a newer version of the program, which is needed to go on" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert contents(tmp_path) == before


def record_into(folder: Path) -> list[str]:
    """The arguments of a recorder that would record there."""
    return ["record", "--data-path", str(folder)]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but the lock, which names whoever came last."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


@pytest.mark.seldom
def test_power_cuts_cost_no_more_than_before(grown: Path) -> None:
    """At every operation of a recovery, and of the day of the upgrade."""
    passes(grown, *CRASHES)
