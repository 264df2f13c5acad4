"""Whatever is done to certificates, or to what they vouch for, is found; what is sound is not."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.archive.test_facts import DAY, HOUR, MIDNIGHT, three_days, trade
from tests.reader.recorded import Recorder
from tick_logger.archive.certificate import Certificate
from tick_logger.archive.certifying import Place, Surveyed, Told, look, write
from tick_logger.archive.signing import Key, load_key, load_public_key, new_key
from tick_logger.archive.verifying import check_certificates
from tick_logger.model.tables import ORIGIN_REST, Table
from tick_logger.reader.opening import source_at
from tick_logger.reader.source import Symbol
from tick_logger.storage.disk_files import DiskFiles

MADE_NS = MIDNIGHT + 48 * HOUR


@pytest.fixture
def files(tmp_path: Path) -> Iterator[DiskFiles]:
    disk = DiskFiles(tmp_path)
    yield disk
    disk.close()


def certified(
    files: DiskFiles,
    folder: Path,
    day: int = DAY,
    key: Key | None = None,
    told: Told = Told(),  # noqa: B008 - it is immutable
) -> Certificate | None:
    """The next certificate of a day, if it says anything new."""
    place = Place(
        files=files, source=lambda: source_at(folder), collector="a1", version="9", key=key
    )
    looked = look(place, Symbol("venue", "BTC-USD"), day)
    return write(place, Surveyed("venue", day, (looked,), told), MADE_NS)


def name(day: int = DAY, number: int = 1) -> str:
    return f"venue/certificate.{day - DAY + 29}.11.26.{number}.json"


def said(files: DiskFiles, folder: Path, public: Path | None = None) -> list[tuple[str, str, bool]]:
    key = None if public is None else load_public_key(str(public))
    found = check_certificates(files, source_at(folder), key)
    return [(each.path, each.text, each.is_fault) for each in found]


def faults(files: DiskFiles, folder: Path, public: Path | None = None) -> list[tuple[str, str]]:
    return [(path, text) for path, text, is_fault in said(files, folder, public) if is_fault]


@pytest.fixture
def three(tmp_path: Path, files: DiskFiles) -> Path:
    """Two days with a certificate each, and one of them with a second."""
    recorder = three_days(tmp_path)
    certified(files, tmp_path, DAY - 1)
    certified(files, tmp_path)
    recorder.write(Table.TRADES, [trade(15, MIDNIGHT + 12 * HOUR)], late=True, origin=ORIGIN_REST)
    certified(files, tmp_path)
    return tmp_path


def test_what_is_sound_has_no_findings(three: Path, files: DiskFiles) -> None:
    """Rows that come after it are told in a note."""
    assert said(files, three) == []
    assert certified(files, three) is None
    assert not (three / name(number=3)).exists()
    row = [trade(16, MIDNIGHT + 13 * HOUR)]
    Recorder(three).write(Table.TRADES, row, late=True)
    ((path, text, is_fault),) = said(files, three)
    assert (path, is_fault) == (name(number=2), False)
    assert text == "venue:BTC-USD TRADES: 1 rows came late since the certificate was made"


def tampered(folder: Path, path: str, old: bytes, new: bytes) -> None:
    """Change what is in an envelope."""
    envelope = json.loads((folder / path).read_bytes())
    payload = base64.b64decode(envelope["payload"])
    assert payload.count(old) >= 1
    envelope["payload"] = base64.b64encode(payload.replace(old, new, 1)).decode()
    (folder / path).write_text(json.dumps(envelope))


def cut_a_row(folder: Path) -> None:
    for path in (folder / "venue/BTC-USD/TRADES").glob("*.29.11.26.bin"):
        size = path.stat().st_size
        path.write_bytes(path.read_bytes()[: size - size // 10])


def flip(folder: Path) -> None:
    path = folder / "venue/BTC-USD/TRADES/trade_price.29.11.26.bin"
    data = bytearray(path.read_bytes())
    data[5] ^= 1
    path.write_bytes(data)


THAT = "the certificate that it supersedes is not there, or was changed"
EARLIER = "it names a certificate of an earlier day, which is not there or was changed"
TRADES = "venue:BTC-USD TRADES: "


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        (cut_a_row, [(name(number=2), TRADES + "digest is")]),
        (flip, [(name(number=2), TRADES + "digest is")]),
        (lambda f: (f / name(DAY - 1)).unlink(), [(name(number=1), EARLIER)]),
        (
            lambda f: (f / name(number=1)).unlink(),
            [(name(number=2), "certificate 1 of the day, before it, is not there")],
        ),
        (
            lambda f: (f / name(number=1)).write_bytes(b"{"),
            [(name(number=1), "it is no signed document")],
        ),
        (
            lambda f: tampered(f, name(number=1), b'"a1"', b'"b1"'),
            [(name(number=2), THAT)],
        ),
        (
            lambda f: tampered(f, name(number=2), b'"in_order":10', b'"in_order":9'),
            [(name(number=2), TRADES + "1 rows came into its main files after the seal")],
        ),
        (
            lambda f: tampered(f, name(number=2), b'"streams":[{', b'"streams":[{"x":1},{'),
            [(name(number=2), "venue:None None: the table is not known here")],
        ),
        (
            lambda f: tampered(f, name(number=2), b'"rows":{', b'"rowz":{'),
            [(name(number=2), "it does not say what a certificate has to: KeyError")],
        ),
    ],
)
def test_harm_is_found(
    harm: Callable[[Path], object],
    expected: list[tuple[str, str]],
    three: Path,
    files: DiskFiles,
) -> None:
    """At the certificate that shows it."""
    harm(three)
    found = faults(files, three)
    for path, beginning in expected:
        assert any(x == path and beginning in text for x, text in found), found


def test_a_signature_must_be_by_the_key(tmp_path: Path, files: DiskFiles) -> None:
    """Neither nobody's nor another's will do, and none over other words."""
    three_days(tmp_path)
    for each in ("mine", "other"):
        secret, public = new_key()
        (tmp_path / each).write_bytes(secret)
        (tmp_path / f"{each}.pub").write_bytes(public)
    certified(files, tmp_path, DAY - 1, load_key(str(tmp_path / "mine")))
    public_file = tmp_path / "mine.pub"
    assert faults(files, tmp_path, public_file) == []
    assert faults(files, tmp_path, tmp_path / "mine") == []
    assert faults(files, tmp_path, tmp_path / "other.pub") == [
        (name(DAY - 1), "it is signed by another key")
    ]
    tampered(tmp_path, name(DAY - 1), b'"a1"', b'"b1"')
    assert faults(files, tmp_path) == []
    assert faults(files, tmp_path, public_file) == [(name(DAY - 1), "it is signed by another key")]
    certified(files, tmp_path)
    assert (name(), "it is signed by nobody") in faults(files, tmp_path, public_file)
