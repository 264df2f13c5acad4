"""What an older version left is gone on with: nothing of it changes, and new rows follow.

The whole service records simulated exchanges in virtual time, and its wall clock shows whatever
day a test needs.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.upgrade.fixture import Files, Fixture, lines_of, load, lost, tables, write
from tests.upgrade.program import go_on, run

SECS = 6.0
SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS

LATER_NS = {"at once": 5 * SECOND_NS, "a day later": DAY_NS, "40 days later": 40 * DAY_NS}

CAUSES = {"killed": "crash", "stopped": "restart"}


@pytest.mark.parametrize(
    "later",
    ["at once", "a day later", pytest.param("40 days later", marks=pytest.mark.seldom)],
)
@pytest.mark.parametrize("name", ["killed", "stopped"])
def test_it_goes_on(name: str, later: str, tmp_path: Path) -> None:
    """All that was recorded is still there, each table has new rows, and each promise holds.

    A gap record of each table covers the time without a recorder; that of a book which was broken
    already at its beginning may have the cause of that.
    """
    recorded = load(name)
    start_ns = recorded.ended_ns + LATER_NS[later]
    files = continued(recorded, start_ns)
    assert lost(recorded, files) == []
    assert growth(recorded, files, day_of(start_ns)) == {
        where.split()[0]: True for where in recorded.tables if "/late/" not in where
    }
    causes = causes_of_the_pause(recorded, files, start_ns)
    assert causes.keys() == streams(recorded)
    cause = CAUSES[name]
    assert {each for (_, table), each in causes.items() if table != "BOOK"} == {cause}
    assert cause in {each for (_, table), each in causes.items() if table == "BOOK"}
    verified = run("verify", str(write(files, tmp_path)), "--deep")
    assert verified.returncode == 0, verified.stdout


@pytest.mark.parametrize("days", [1, 40])
def test_its_day_is_over(days: int) -> None:
    """What comes on a later day adds no row to the tables of the day on which it ended."""
    recorded = load("killed")
    files = continued(recorded, recorded.ended_ns + days * DAY_NS)
    found = tables(files)
    assert {where: found[where]["rows"] for where in recorded.tables} == {
        where: known["rows"] for where, known in recorded.tables.items()
    }


def test_it_goes_on_twice(tmp_path: Path) -> None:
    """What was added to it is gone on with the same way, after another stop."""
    recorded = load("killed")
    files = continued(recorded, recorded.ended_ns + 5 * SECOND_NS)
    first = tables(files)
    again = MemoryFiles()
    again.contents = {path: bytearray(content) for path, content in files.items()}
    start_ns = recorded.ended_ns + 60 * SECOND_NS
    assert go_on(again, recorded.venues, start_ns=start_ns, secs=SECS, seed=recorded.seed) == 0
    assert lost(recorded, again.contents) == []
    assert all(tables(again.contents)[where]["rows"] >= first[where]["rows"] for where in first)
    verified = run("verify", str(write(again.contents, tmp_path)), "--deep")
    assert verified.returncode == 0, verified.stdout


def continued(recorded: Fixture, start_ns: int) -> Files:
    """All files after a few more seconds of recording, which begin then."""
    files = MemoryFiles()
    files.contents = {path: bytearray(content) for path, content in recorded.files.items()}
    assert go_on(files, recorded.venues, start_ns=start_ns, secs=SECS, seed=recorded.seed) == 0
    return files.contents


def growth(recorded: Fixture, files: Files, day: str) -> dict[str, bool]:
    """Whether each table has more rows of a day than before; late ones aside."""
    found: dict[str, bool] = {}
    for where, table in tables(files).items():
        folder, of = where.split()
        if of == day and "/late/" not in folder:
            before = recorded.tables.get(where, {"rows": 0})["rows"]
            found[folder] = table["rows"] > before
    return found


def streams(recorded: Fixture) -> set[tuple[str, str]]:
    """Symbol's folder and table of everything that was recorded."""
    folders = (where.split()[0] for where in recorded.tables if "/late/" not in where)
    return {(folder.rpartition("/")[0], folder.rpartition("/")[2]) for folder in folders}


def causes_of_the_pause(
    recorded: Fixture, files: Files, start_ns: int
) -> dict[tuple[str, str], str]:
    """By stream, the cause of the new record of a hole that covers the time without a recorder.

    Records of holes that are open, or that are healed, do not count.
    """
    before = {line["text"] for line in lines_of(recorded.files, "gaps")}
    return {
        (line["folder"], line["table"]): line["cause"]
        for line in lines_of(files, "gaps")
        if line["text"] not in before
        and line["table"] is not None
        and line["to_ns"] is not None
        and not line["healed"]
        and line["from_ns"] <= recorded.ended_ns
        and line["to_ns"] >= start_ns
    }


def day_of(at_ns: int) -> str:
    """The UTC day, as file names have it."""
    return datetime.datetime.fromtimestamp(at_ns / 1e9, datetime.UTC).strftime("%d.%m.%y")
