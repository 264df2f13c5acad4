"""Verification of what is saved beside the data about the instruments."""

from __future__ import annotations

from tests.storage.recording import checked, summary
from tests.verify.listed import mapped, saved
from tick_logger.storage.instruments_file import encode
from tick_logger.verify.report import Kind

PATH = "venue/instruments.01.02.24.json"
GOOD = encode(saved(mapped("BTC/USD")))


def test_good_files_are_no_findings_and_no_strangers() -> None:
    """Also of days, and in folders, without data."""
    report = checked(
        lambda files: files.append(PATH, GOOD),
        lambda files: files.append("venue/instruments.02.02.24.json", GOOD),
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


def test_what_only_looks_like_one_is_a_stranger() -> None:
    """Another day that is none, the rest of a write that died, another place."""
    names = [
        "instruments.01.02.24.json",
        "venue/instruments.31.02.24.json",
        "venue/instruments.01.02.24.json.new",
        "venue/BTC-USD/instruments.01.02.24.json",
    ]
    report = checked(*(lambda files, name=name: files.append(name, GOOD) for name in names))
    assert report.ok
    assert sorted(report.notes) == sorted(f"{name}: no part of a recording" for name in names)
