"""`archive keygen`, and `verify` with the key that it made."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

import tick_logger
from tests.archive.test_facts import DAY, HOUR, MIDNIGHT, hole, three_days
from tests.archive.test_verifying import certified
from tick_logger.archive.certifying import Told
from tick_logger.archive.signing import load_key
from tick_logger.cli.main import main
from tick_logger.storage.disk_files import DiskFiles


def test_a_key_is_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The private half is for nobody else to read, and neither half is ever overwritten."""
    file = tmp_path / "key.pem"
    assert main(["archive", "keygen", str(file)]) == 0
    out = capsys.readouterr().out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_key(str(file)).id in out
    assert "PRIVATE" not in out
    assert b"PRIVATE" not in (tmp_path / "key.pem.pub").read_bytes()
    before = file.read_bytes()
    assert main(["archive", "keygen", str(file)]) == 2
    assert "never overwritten" in capsys.readouterr().err
    file.unlink()
    assert main(["archive", "keygen", str(file)]) == 2
    assert not file.exists()
    assert before
    assert main(["archive", "keygen", str(tmp_path / "no" / "key.pem")]) == 3
    assert "No such file" in capsys.readouterr().err


def test_verify_asks_for_the_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own is right, another's is a finding; and so is a day that was changed."""
    data, key = tmp_path / "data", tmp_path / "key.pem"
    three_days(data)
    for each in (key, tmp_path / "other.pem"):
        assert main(["archive", "keygen", str(each)]) == 0
    files = DiskFiles(data)
    certified(files, data, DAY, load_key(str(key)))
    files.close()
    capsys.readouterr()

    def findings(*more: str) -> list[str]:
        main(["verify", str(data), "--json", *more])
        found = json.loads(capsys.readouterr().out)["findings"]
        return [each["detail"] for each in found if each["kind"].startswith("certificate")]

    assert findings() == []
    assert findings("--key", f"{key}.pub") == []
    assert findings("--key", str(tmp_path / "other.pem.pub")) == ["it is signed by another key"]
    config = tmp_path / "my.toml"
    config.write_text(f'[archive]\nkey_file = "{tmp_path / "other.pem"}"\n')
    assert findings("--config", str(config)) == ["it is signed by another key"]
    assert main(["verify", str(data), "--key", str(tmp_path / "none")]) == 2
    capsys.readouterr()
    column = data / "venue/BTC-USD/TRADES/trade_size.29.11.26.bin"
    column.write_bytes(column.read_bytes()[:-1] + b"\x01")
    assert len(findings()) == 1


def test_certified_days_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Condition and coverage by exchange and day; the newest certificate counts."""
    three_days(tmp_path)
    assert main(["ls", str(tmp_path), "--sealed"]) == 1
    files = DiskFiles(tmp_path)
    for day in (DAY - 1, DAY):
        certified(files, tmp_path, day)
    files.close()
    capsys.readouterr()
    assert main(["ls", str(tmp_path), "--sealed", "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(x["exchange"], x["day"], x["condition"]) for x in found] == [
        ("venue", "2026-11-28", "available"),
        ("venue", "2026-11-29", "available"),
    ]
    assert [(x["covered_secs"], x["covered_percent"]) for x in found] == [
        (57_600.0, 66.6667),  # from 08:00 on
        (86_400.0, 100.0),
    ]
    assert main(["ls", str(tmp_path), "--sealed", "--from", "2026-11-29"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == [
        *("venue", "2026-11-29", "available", "86,400", "100.00", "1", "1", "no")
    ]
    assert main(["ls", str(tmp_path), "--sealed", "--symbols", "BTC-USD"]) == 2


def test_a_condition_is_that_of_the_certificate(tmp_path: Path) -> None:
    """Whatever the day would seem to be without it; a hole that is known now counts more."""
    recorder = three_days(tmp_path)
    recording = tick_logger.open(tmp_path)
    assert recording.condition("venue:BTC-USD", "2026-11-29") == "available"
    files = DiskFiles(tmp_path)
    certified(files, tmp_path, told=Told(pending=("others ask still",)))
    assert recording.condition("venue:BTC-USD", "2026-11-29") == "pending"
    words = recording.catalog("*", "2026-11-28", "2026-11-30").numpy("condition").tolist()
    assert words == ["available", "pending"]
    certified(files, tmp_path)
    files.close()
    assert recording.condition("venue:BTC-USD", "2026-11-29") == "available"
    recorder.miss(hole(14, 15, MIDNIGHT + 11 * HOUR, MIDNIGHT + 12 * HOUR))
    assert recording.condition("venue:BTC-USD", "2026-11-29") == "degraded"
