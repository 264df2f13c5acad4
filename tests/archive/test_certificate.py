"""Certificates: what they say, and that whatever is taken away or changed later is noticed."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.archive.test_facts import DAY, HOUR, MIDNIGHT, NS_PER_DAY, hole, three_days, trade
from tick_logger.archive.certificate import (
    Certificate,
    Circumstances,
    issue,
    newest,
    numbers_of,
    read,
    statement,
)
from tick_logger.archive.checking import Differences, differences
from tick_logger.archive.facts import facts_of
from tick_logger.archive.gap_hashes import gap_hashes
from tick_logger.archive.signing import EnvelopeError, load_key, new_key
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import ORIGIN_REST, Table
from tick_logger.reader.opening import source_at
from tick_logger.storage.disk_files import DiskFiles

MADE_NS = MIDNIGHT + 25 * HOUR


@pytest.fixture
def files(tmp_path: Path) -> Iterator[DiskFiles]:
    disk = DiskFiles(tmp_path)
    yield disk
    disk.close()


def certify(
    folder: Path,
    files: DiskFiles,
    *,
    supersedes: Certificate | None = None,
    pending: tuple[str, ...] = (),
) -> Certificate:
    """The next certificate of the day in the middle, as a seal makes it."""
    found = list(facts_of(source_at(folder), files, "venue", DAY))
    symbols = dict.fromkeys(each.symbol for each in found)
    seen = Circumstances(
        made_at_ns=MADE_NS,
        collector="a1",
        version="9.9",
        gaps=[gap_hashes(files, "venue", symbol, DAY) for symbol in symbols],
        pending=pending,
        objects={"data/x.parquet": "ab" * 32},
    )
    said = statement("venue", DAY, found, seen, supersedes)
    return issue(files, "venue", DAY, said, None)


def checked(folder: Path, files: DiskFiles, certificate: Certificate) -> Differences:
    return differences(source_at(folder), files, "venue", DAY, certificate)


def payload_of(path: Path) -> dict[str, Any]:
    """What is in an envelope, by the standard library."""
    said = json.loads(base64.b64decode(json.loads(path.read_text())["payload"]))
    assert isinstance(said, dict)
    return said


def test_it_says_what_the_specification_wants(tmp_path: Path, files: DiskFiles) -> None:
    """Read without the program."""
    three_days(tmp_path)
    certify(tmp_path, files)
    said = payload_of(tmp_path / "venue" / "certificate.29.11.26.1.json")
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert said["predicateType"] == "https://tick-logger/completeness/v1"
    day = said["predicate"]
    assert (day["exchange"], day["day"], day["condition"]) == ("venue", "2026-11-29", "available")
    assert day["made_at_ns"] == MADE_NS
    assert (day["sources"]["collector"], day["sources"]["version"]) == ("a1", "9.9")
    (stream,) = day["streams"]
    paths = sorted((tmp_path / "venue/BTC-USD/TRADES").glob("*.29.11.26.bin"))
    lines = "".join(
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(tmp_path)}\n" for p in paths
    )
    digest = hashlib.sha256(lines.encode()).hexdigest()
    assert said["subject"] == [
        {"name": "venue/BTC-USD/TRADES/2026-11-29", "digest": {"sha256": digest}},
        {"name": "data/x.parquet", "digest": {"sha256": "ab" * 32}},
    ]
    assert stream == {
        "symbol": "BTC-USD",
        "table": "TRADES",
        "condition": "available",
        "proof": "proven",
        "basis": "trade ids rise by one; both ends bracketed",
        "rows": {"total": 10, "in_order": 10, "late": 0, "back_filled": 0, "aside": 0},
        "ids": {
            "ranges": [[11, 20]],
            "count_of_ranges": 1,
            "neighbours": {"before": 10, "after": 21},
        },
        "times": {
            "first_event_ns": MIDNIGHT + 8 * HOUR,
            "last_event_ns": MIDNIGHT + 17 * HOUR,
            "covered": [[MIDNIGHT, MIDNIGHT + NS_PER_DAY]],
            "covered_secs": 86_400.0,
        },
        "holes": [],
        "digest": digest,
    }


def test_a_better_state_is_the_next_certificate(tmp_path: Path, files: DiskFiles) -> None:
    """The one before stays as it was, and is named by its hash."""
    three_days(tmp_path)
    first = certify(tmp_path, files, pending=("the candles are not in",))
    path = tmp_path / "venue" / "certificate.29.11.26.1.json"
    before = path.read_bytes()
    assert first.predicate["condition"] == "pending"
    second = certify(tmp_path, files, supersedes=first)
    assert path.read_bytes() == before
    assert second.predicate["supersedes"] == f"sha256:{hashlib.sha256(before).hexdigest()}"
    assert second.predicate["condition"] == "available"
    assert numbers_of(files, "venue", DAY) == [1, 2]
    assert newest(files, "venue", DAY) == second
    assert newest(files, "venue", DAY + 1) is None


def test_what_was_certified_is_found_again(tmp_path: Path, files: DiskFiles) -> None:
    """Also after rows came late, holes were healed, and days went by."""
    recorder = three_days(tmp_path)
    recorder.miss(hole(14, 15, MIDNIGHT + 11 * HOUR, MIDNIGHT + 12 * HOUR))
    certificate = certify(tmp_path, files)
    assert checked(tmp_path, files, certificate) == Differences((), ())
    recorder.write(Table.TRADES, [trade(99, MIDNIGHT + HOUR)], late=True, origin=ORIGIN_REST)
    recorder.write(Table.QUOTES, [{"event_ns": MIDNIGHT + 1, "recv_ns": 5, "seq": 1}], late=True)
    recorder.write(Table.TRADES, [trade(31, MIDNIGHT + 3 * NS_PER_DAY)])
    found = checked(tmp_path, files, certificate)
    assert found.faults == ()
    assert found.since == (
        "venue:BTC-USD TRADES: 1 rows came late since the certificate was made",
        "venue:BTC-USD QUOTES: 1 rows came since",
    )


def test_a_hole_that_is_healed_later_is_no_fault(tmp_path: Path, files: DiskFiles) -> None:
    """It is told of in a file that was not there when the day was certified."""
    recorder = three_days(tmp_path)
    missing = (None, None, MIDNIGHT + 11 * HOUR, MIDNIGHT + 12 * HOUR)
    recorder.miss(hole(*missing))
    certificate = certify(tmp_path, files)
    healed = GapRecord(0, Table.TRADES, *missing, Cause.DISCONNECT, "rest")
    gaps = tmp_path / "venue/BTC-USD/gaps.29.11.26.jsonl"
    before = gaps.read_bytes()
    recorder.miss(healed)
    late = tmp_path / "venue/BTC-USD/late/gaps.29.11.26.jsonl"
    late.parent.mkdir(exist_ok=True)
    late.write_bytes(gaps.read_bytes()[len(before) :])
    gaps.write_bytes(before)
    found = checked(tmp_path, files, certificate)
    assert found.faults == ()
    assert found.since == (
        "venue:BTC-USD TRADES: its holes are others since the certificate was made (1 then, 0 now)",
    )


def cut_last_row(folder: Path) -> None:
    for path in (folder / "venue/BTC-USD/TRADES").glob("*.29.11.26.bin"):
        path.write_bytes(path.read_bytes()[: -(path.stat().st_size // 10)])


def add_a_row(folder: Path) -> None:
    for path in (folder / "venue/BTC-USD/TRADES").glob("*.29.11.26.bin"):
        data = path.read_bytes()
        path.write_bytes(data + data[-(len(data) // 10) :])


def change_a_byte(folder: Path) -> None:
    path = folder / "venue/BTC-USD/TRADES/trade_price.29.11.26.bin"
    data = path.read_bytes()
    path.write_bytes(data[:7] + bytes([data[7] ^ 1]) + data[8:])


def remove_a_column(folder: Path) -> None:
    (folder / "venue/BTC-USD/TRADES/rest.29.11.26.bin").unlink()


def take_a_hole_away(folder: Path) -> None:
    path = folder / "venue/BTC-USD/gaps.29.11.26.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (cut_last_row, "rows.total is 9, certified 10"),
        (add_a_row, "1 rows came into its main files after the seal"),
        (change_a_byte, "digest is"),
        (remove_a_column, "digest is"),
        (take_a_hole_away, "its gaps files are not those that were certified"),
    ],
)
def test_whatever_is_taken_away_or_changed_is_noticed(
    tmp_path: Path, files: DiskFiles, harm: Callable[[Path], None], said: str
) -> None:
    """With words that name the stream and the figure."""
    three_days(tmp_path).miss(hole(14, 15, MIDNIGHT + 11 * HOUR, MIDNIGHT + 12 * HOUR))
    certificate = certify(tmp_path, files)
    harm(tmp_path)
    found = checked(tmp_path, files, certificate)
    assert any(said in fault for fault in found.faults), found


def test_a_certificate_of_another_day_is_none_of_this(tmp_path: Path, files: DiskFiles) -> None:
    """Whoever copies one to another name is found out; so is what is none."""
    three_days(tmp_path)
    certify(tmp_path, files)
    data = (tmp_path / "venue" / "certificate.29.11.26.1.json").read_bytes()
    (tmp_path / "venue" / "certificate.30.11.26.1.json").write_bytes(data)
    with pytest.raises(EnvelopeError, match="it is of venue, 2026-11-29"):
        read(files, "venue", DAY + 1, 1)
    (tmp_path / "venue" / "certificate.29.11.26.2.json").write_bytes(b"{}")
    with pytest.raises(EnvelopeError, match="no signed document"):
        newest(files, "venue", DAY)


def test_a_key_signs_it(tmp_path: Path, files: DiskFiles) -> None:
    """And its id is what a reader learns of it."""
    three_days(tmp_path)
    (tmp_path / "key.pem").write_bytes(new_key()[0])
    key = load_key(str(tmp_path / "key.pem"))
    found = list(facts_of(source_at(tmp_path), files, "venue", DAY))
    said = statement("venue", DAY, found, Circumstances(made_at_ns=1, collector="", version=""))
    assert issue(files, "venue", DAY, said, key).key_ids == (key.id,)
