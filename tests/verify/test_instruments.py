"""Verification of what is saved beside the data about the instruments."""

from __future__ import annotations

import pytest

from tests.storage.recording import checked, summary
from tests.storage.sample import MIDNIGHT_NS
from tests.verify.listed import mapped, saved
from tick_logger.model.times import NS_PER_DAY
from tick_logger.storage.instruments_file import encode
from tick_logger.verify.report import Kind

PATH = "venue/instruments.01.02.24.json"
GOOD = encode(saved(mapped("BTC/USD"), read_ns=MIDNIGHT_NS))
NEXT = encode(saved(mapped("BTC/USD"), read_ns=MIDNIGHT_NS + NS_PER_DAY))


def test_good_files_are_no_findings_and_no_strangers() -> None:
    """Also of days, and in folders, without data."""
    report = checked(
        lambda files: files.append(PATH, GOOD),
        lambda files: files.append("venue/instruments.02.02.24.json", NEXT),
        lambda files: files.append(
            "quiet/instruments.01.02.24.json", GOOD.replace(b'"venue"', b'"quiet"')
        ),
    )
    assert report == checked()
    assert (report.ok, report.notes) == (True, [])


def test_a_file_that_cannot_be_read_is_a_finding() -> None:
    """With the reason."""
    report = checked(lambda files: files.append(PATH, GOOD[:-30]))
    assert summary(report) == [(PATH, Kind.INSTRUMENTS, 1, None)]
    assert report.findings[0].detail == "no instruments file: Input data was truncated"


def test_a_file_of_another_exchange_is_a_finding() -> None:
    """Its names would be wrong."""
    report = checked(lambda files: files.append("other/instruments.01.02.24.json", GOOD))
    assert [str(each) for each in report.findings] == [
        "other/instruments.01.02.24.json: unreadable instruments file: 1 (it is of venue)"
    ]


def test_a_file_of_another_day_is_a_finding() -> None:
    """A copy under another name would say what was not listed then."""
    report = checked(lambda files: files.append("venue/instruments.02.02.24.json", GOOD))
    assert [each.detail for each in report.findings] == ["it was received on another day"]


def test_what_only_looks_like_one_is_a_stranger() -> None:
    """The rest of a write that died."""
    path = f"{PATH}.new"
    report = checked(lambda files: files.append(path, GOOD))
    assert report.ok
    assert report.notes == [f"{path}: no part of a recording"]


@pytest.mark.parametrize(
    "path",
    [
        "instruments.01.02.24.json",
        "venue/instruments.31.02.24.json",
        "venue/BTC-USD/instruments.01.02.24.json",
        "gaps.01.02.24.jsonl",
        "venue/gaps.01.02.24.jsonl",
        "venue/BTC-USD/TRADES/gaps.01.02.24.jsonl",
        "venue/BTC-USD/gaps.30.02.24.jsonl",
        "venue/BTC-USD/undecodable.01.02.24.jsonl",
        "journal/gaps.01.02.24.jsonl",
        "venue/unwritten.01.02.24.jsonl",
        "venue/BTC-USD/unwritten.01.02.24.jsonl",
        "unwritten.31.02.24.jsonl",
    ],
)
def test_one_that_lies_elsewhere_is_a_finding(path: str) -> None:
    """At the top, in a symbol's or a table's folder, or of a day that is none: nobody reads it."""
    report = checked(lambda files: files.append(path, GOOD))
    assert summary(report) == [(path, Kind.MISPLACED, 1, None)]


def test_what_was_kept_aside_can_be_read() -> None:
    """A line that is none, or says nothing of what came, is a finding."""
    line = b'{"recv_ns": 1, "reason": "odd", "bytes": 1, "payload": "x"}\n'
    path = "venue/undecodable.01.02.24.jsonl"
    assert checked(lambda files: files.append(path, line * 2)).ok
    report = checked(lambda files: files.append(path, line + b"{}\n" + line[:20]))
    assert summary(report) == [(path, Kind.KEPT_ASIDE_LINE, 2, 1)]
