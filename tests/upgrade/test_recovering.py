"""What an older version left is checked and recovered: each value is what that version makes of it.

`killed` ended by SIGKILL with messages in its journal that no column file has; `small` is like it,
with one symbol only; `stopped` ended in order.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.upgrade.fixture import (
    Fixture,
    Line,
    added_lines,
    added_text,
    as_then,
    column_files,
    left_open,
    lines_of,
    load,
    lost,
    read,
    row_count,
    tables,
)
from tests.upgrade.program import run

NAMES = ("killed", "small", "stopped")


@pytest.fixture(params=NAMES)
def recorded(request: pytest.FixtureRequest) -> Fixture:
    """Each recording of an older version."""
    return load(request.param)


def test_the_large_recording_has_all_that_there_can_be() -> None:
    """Every table of every exchange, late rows, nonsense, and holes of several causes."""
    killed = load("killed")
    venues = set(killed.venues)
    assert len(venues) == 8
    found = {where.split()[0] for where in killed.tables}
    assert found >= {
        f"{venue}/{symbol.replace('/', '%2F')}/{table}"
        for venue, symbols in killed.venues.items()
        for symbol in symbols
        for table in ("MD", "TRADES", "QUOTES", "BOOK")
    }
    for table in ("MD", "TRADES", "QUOTES", "BOOK"):
        assert any(where.endswith(f"late/{table}") for where in found)
    for name in ("undecodable", "instruments"):
        assert {path.split("/")[0] for path in killed.files if f"/{name}." in path} == venues
    causes = {line["cause"] for line in lines_of(killed.files, "gaps")}
    assert causes >= {"header", "restart", "sequence", "resync"}
    assert any(line["healed"] for line in lines_of(killed.files, "gaps"))


@pytest.mark.parametrize("name", ["killed", "small"])
def test_a_killed_recording_lacks_rows_that_its_journal_has(name: str) -> None:
    """In every table that lacks some, those that are there are the first ones."""
    recorded = load(name)
    left = column_files(recorded.files)
    for where, known in recorded.tables.items():
        columns = left.get(where, {})
        assert row_count(columns) <= known["rows"]
    rows = sum(map(row_count, left.values()))
    assert 0 < rows < sum(known["rows"] for known in recorded.tables.values())


def test_verify_says_of_it_what_the_older_version_said(recorded: Fixture, tmp_path: Path) -> None:
    """The same exit code and kinds of findings; and it changes nothing."""
    folder = recorded.unpack(tmp_path)
    verified = run("verify", str(folder), "--json")
    kinds = {finding["kind"] for finding in json.loads(verified.stdout)["findings"]}
    assert {"exit_code": verified.returncode, "kinds": sorted(kinds)} == recorded.verified
    assert read(folder) == recorded.files


@pytest.mark.parametrize("options", [(), ("--accept-damage",)], ids=["plain", "accepting damage"])
def test_recover_gives_what_the_older_version_gives(
    recorded: Fixture, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Byte by byte, whether or not damage would be accepted; then everything agrees."""
    folder = recorded.unpack(tmp_path)
    recovered = run("recover", str(folder), *options)
    assert recovered.returncode == 0, recovered.stderr
    assert numbers(recovered.stdout) == numbers(recorded.said_by_recover)
    files = read(folder)
    assert {where: known["rows"] for where, known in tables(files).items()} == {
        where: known["rows"] for where, known in recorded.tables.items()
    }
    assert lost(recorded, files) == []
    added = {
        path: [line for line in lines if not waits_for_a_snapshot(json.loads(line))]
        for path, lines in added_lines(recorded.files, files).items()
    }
    assert {path: lines for path, lines in added.items() if lines} == {
        path: as_then(added_text(recorded, path)) for path in recorded.added_lines
    }
    still = sorted(
        (each["folder"], each["table"]) for each in filter(left_open, lines_of(files, "gaps"))
    )
    assert still == sorted(stopped_by_a_crash(recorded))
    verified = run("verify", str(folder), "--deep")
    assert verified.returncode == 0, verified.stdout


def test_lost_values_are_found() -> None:
    """A changed byte and a missing row are; more rows are no loss."""
    recorded = load("stopped")
    path = f"kraken/BTC%2FUSD/TRADES/trade_price.{recorded.day}.bin"
    content = recorded.files[path]
    assert lost(recorded, recorded.files) == []
    assert lost(recorded, {**recorded.files, path: content + b"more"}) == []
    for changed in (bytes([content[0] ^ 1]) + content[1:], content[:-4]):
        assert len(lost(recorded, {**recorded.files, path: changed})) == 1


def test_lost_lines_are_found() -> None:
    """One that was there, and one that recovery adds."""
    recorded = load("killed")
    path, lines = next(iter(recorded.added_lines.items()))
    content = recorded.files[path]
    complaints = [
        {each for each in lost(recorded, {**recorded.files, path: changed}) if path in each}
        for changed in (content[1:], content, content + "\n".join([*lines, ""]).encode())
    ]
    assert complaints == [{f"{path}: other lines"}, {f"{path}: a line is missing"}, set()]


def stopped_by_a_crash(recorded: Fixture) -> set[tuple[str, str]]:
    """Folder and table of the streams that were recorded when the program was killed."""
    if recorded.verified["exit_code"] == 0:
        return set()
    streams = (where.split()[0].rsplit("/", 1) for where in recorded.tables)
    return {(folder, table) for folder, table in streams if not folder.endswith("/late")}


def waits_for_a_snapshot(line: Line) -> bool:
    """Whether it is about a book that is none until its snapshot comes, which is told now."""
    return (line.get("table"), line.get("cause"), line.get("from_id")) == ("BOOK", "resync", None)


def numbers(text: str) -> list[str]:
    """Those in a text: how many rows and messages were recovered, and how many bytes were torn."""
    return re.findall(r"\d[\d,]*", text)
